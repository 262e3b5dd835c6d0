"""What faults make of one event: spoiled in exactly one way, and as sound as before where the fault is not about the frame."""

import json
from decimal import Decimal
from typing import Any

import pytest

from shared.simulator.binance_spoiling import SPOILING, Told, ahead, spoiled
from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Fault

TEXT = (
    '{"e":"kline","E":1736121660000,"s":"BTCUSDT","k":{"t":1736121600000,"T":1736121659999,"s":"BTCUSDT","i":"1m",'
    '"f":0,"L":0,"o":"100.00","c":"101.00","h":"102.00","l":"99.00","v":"3.5","n":7,"x":true,"q":"350.0","V":"1.0",'
    '"Q":"100.0","B":"0"}}'
)


def told(kind: Kind, **options: Any) -> tuple[Told, ...]:
    return spoiled(Fault(where=Where.BINANCE, kind=kind, **options), TEXT)


def candle(one: Told) -> dict[str, Any]:
    return json.loads(one.text)["k"]


def changed(one: Told) -> set[str]:
    """Fields of the candle that are not as they were."""
    before = json.loads(TEXT)["k"]
    return {name for name, value in candle(one).items() if value != before[name]}


def test_twice() -> None:
    assert told(Kind.DUPLICATE) == (Told(TEXT), Told(TEXT))


def test_late() -> None:
    assert told(Kind.LATE, delay_s=7) == (Told(TEXT, delay_s=7),)


def test_cut() -> None:
    assert told(Kind.TRUNCATED) == (Told(TEXT, is_cut=True),)


def test_revised_is_sound_both_times() -> None:
    first, second = told(Kind.REVISED, delay_s=3)
    assert changed(first) == {"c"}
    assert Decimal(candle(first)["l"]) <= Decimal(candle(first)["c"]) <= Decimal(candle(first)["h"])
    assert second == Told(TEXT, delay_s=3)


def test_a_bar_of_a_minute_that_has_not_come() -> None:
    sound, future = told(Kind.FUTURE)
    assert sound == Told(TEXT)
    assert changed(future) == {"t", "T"}
    assert candle(future)["t"] - candle(sound)["t"] == 3_600_000


def test_one_more_record_that_nobody_knows() -> None:
    unknown, sound = told(Kind.UNKNOWN_EVENT)
    assert json.loads(unknown.text)["e"] == "noSuchEvent"
    assert sound == Told(TEXT)


def test_huge() -> None:
    huge, sound = told(Kind.HUGE, size_bytes=100_000)
    assert len(huge.text) > 100_000
    assert sound == Told(TEXT)


def test_spoiled_values() -> None:
    (inconsistent,) = told(Kind.INCONSISTENT)
    assert changed(inconsistent) == {"h"}
    assert Decimal(candle(inconsistent)["h"]) < Decimal(candle(inconsistent)["l"])
    (nan,) = told(Kind.NAN)
    assert (changed(nan), candle(nan)["c"]) == ({"c"}, "NaN")
    (large,) = told(Kind.HUGE_NUMBER)
    assert len(candle(large)["h"]) == 400
    (shapeless,) = told(Kind.WRONG_SHAPE)
    assert isinstance(json.loads(shapeless.text)["k"], list)


@pytest.mark.parametrize("kind", sorted(SPOILING))
def test_every_kind_does_something(kind: Kind) -> None:
    assert told(kind) != (Told(TEXT),)


def test_kinds_that_are_not_about_one_event_are_refused() -> None:
    with pytest.raises(ValueError, match="out_of_order is not done to one event"):
        told(Kind.OUT_OF_ORDER)


def test_a_wrong_clock_moves_the_event_and_not_the_candle() -> None:
    event = json.loads(ahead(TEXT, -1.5))
    assert event["E"] == 1736121660000 - 1500
    assert event["k"] == json.loads(TEXT)["k"]
