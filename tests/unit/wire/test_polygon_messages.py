"""Polygon's messages: whole batches, batches with something wrong in them, and any bytes at all."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Bar, Series
from shared.domain.stored import Timeframe
from shared.wire import polygon_messages
from shared.wire.dialect import Heard, Said
from shared.wire.link_table import Event
from shared.wire.stream import Complaint, Malformed, Reported

SERIES = {pair: Series("polygon", pair, Timeframe.MINUTE) for pair in ("BTC-USD", "ETH-USD")}


def record(pair: str = "BTC-USD", **changes: Any) -> str:
    whole = {"ev": "XA", "pair": pair, "v": 725.09209352, "vw": 9114.502, "z": 0.65, "o": 9111.14, "c": 9134.3}
    return json.dumps({**whole, "h": 9134.7, "l": 9106.5, "s": 1594917720000, "e": 1594917780000, **changes})


def frame(*records: str) -> str:
    return f"[{','.join(records)}]"


def read(message: str | bytes) -> list[Heard]:
    return list(polygon_messages.read(message, SERIES))


def bars(heard: list[Heard]) -> list[Bar]:
    return [bar for one in heard if isinstance(one, Reported) for bar in one.bars]


def test_a_minute() -> None:
    [reported] = read(frame(record()))
    assert reported == Reported(
        (
            Bar(
                SERIES["BTC-USD"],
                1594917720000,
                Decimal("9111.14"),
                Decimal("9134.7"),
                Decimal("9106.5"),
                Decimal("9134.3"),
                Decimal("725.09209352"),
                is_closed=True,
            ),
        )
    )


def test_numbers_no_float_can_hold_stay_exact() -> None:
    text = record().replace("725.09209352", "0.12345678901234567891")
    assert bars(read(frame(text)))[0].volume == Decimal("0.12345678901234567891")


def test_bars_of_pairs_nobody_wants_are_left_out() -> None:
    assert read(frame(record("SOL-USD"))) == []


@pytest.mark.parametrize(
    "bad",
    [
        record(ev="XYZ"),
        record(c=float("nan")),
        record(c="NaN"),
        record(c=None),
        record(c="9134.3"),
        record(v=True),
        record().replace("9134.3", "1" + "0" * 400),
        record().replace("9134.3", "1e400"),
        record(s="soon"),
        record(s=-1),
        record(s=10**30),
        record(pair=["BTC-USD"], o={"price": "1"}),
        '{"ev":"XA","pair":"BTC-USD"}',
        "{}",
        '"text"',
        "null",
        "17",
    ],
)
@pytest.mark.parametrize("is_bytes", [False, True])
def test_one_bad_record_spoils_none_beside_it(bad: str, is_bytes: bool) -> None:
    message = frame(record("BTC-USD"), bad, record("ETH-USD"))
    heard = read(message.encode() if is_bytes else message)
    assert [bar.series.symbol for bar in bars(heard)] == ["BTC-USD", "ETH-USD"]
    assert sum(isinstance(one, Malformed) for one in heard) == 1


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_a_frame_that_is_broken_off_keeps_its_whole_records(cut: int) -> None:
    whole = frame(record("BTC-USD"), record("ETH-USD"))
    heard = read(whole[:-cut])
    lost = 2 - whole[:-cut].count("}")
    assert len(bars(heard)) == 2 - lost
    assert sum(isinstance(one, Malformed) for one in heard) <= lost


@pytest.mark.parametrize(
    ("status", "message", "event"),
    [
        ("connected", "Connected Successfully", Event.GREETED),
        ("auth_success", "authenticated", Event.AUTHENTICATED),
        ("success", "subscribed to: XA.BTC-USD", Event.SUBSCRIBED),
        ("auth_failed", "authentication failed", Event.DENIED),
        ("error", "authentication failed", Event.DENIED),
        ("error", "not authorized", Event.DENIED),
        ("error", "You don't have access real-time data.", Event.DENIED),
        ("auth_timeout", "No authentication request received.", Event.LOST),
        ("max_connections", "Maximum number of websocket connections exceeded. ", Event.ACCOUNT_FULL),
        ("error", "Maximum number of websocket connections exceeded.", Event.ACCOUNT_FULL),
        ("slow_consumer", "too slow", Event.LOST),
        ("force_disconnect", "bye", Event.LOST),
    ],
)
def test_statuses(status: str, message: str, event: Event) -> None:
    [said] = read(json.dumps([{"ev": "status", "status": status, "message": message}]))
    assert isinstance(said, Said)
    assert said.event is event
    assert bool(said.cause) == (event in (Event.DENIED, Event.LOST, Event.ACCOUNT_FULL))


def test_other_errors_are_passed_on_and_end_nothing() -> None:
    [complaint] = read('[{"ev":"status","status":"error","message":"invalid subscription"}]')
    assert complaint == Complaint("polygon", "Polygon says error: invalid subscription.")


def test_bars_come_before_what_ends_the_connection() -> None:
    full = '{"ev":"status","status":"max_connections","message":""}'
    assert [type(one) for one in read(frame(full, record()))] == [Reported, Said]


def test_rubbish_is_not_told_a_million_times() -> None:
    heard = read(frame(*['{"ev":"XYZ"}'] * 1000))
    assert len(heard) == 21
    assert heard[-1] == Malformed("polygon", "980 more records could not be read", "")


@pytest.mark.parametrize(
    "message", ["[" * 100_000, '[{"ev":"XA","o":' + "[" * 100_000, "{" * 100_000, b"\xff\xfe[{", ""]
)
def test_depth_and_bad_encoding(message: str | bytes) -> None:
    assert all(isinstance(one, Malformed) for one in read(message))


@given(st.binary() | st.text())
def test_no_bytes_make_it_raise(message: str | bytes) -> None:
    read(message)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["ev", "pair", "o", "h", "l", "c", "v", "s", "status"]), _json)),
    st.integers(0, 3),
)
def test_no_records_make_it_raise_or_lose_a_good_one(wrong: list[dict[str, Any]], at: int) -> None:
    records = [json.dumps({"ev": "XA", **one}) for one in wrong]
    records.insert(min(at, len(records)), record())
    assert any(bar.open == Decimal("9111.14") for bar in bars(read(frame(*records))))
