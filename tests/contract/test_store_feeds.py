"""What the stores keep of the feeds beside candles: changes of source, and bars that could not be true."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from shared.adapters.memory_store import MemoryStore
from shared.domain.bars import Bar, Series
from shared.domain.feed_records import FeedSwitch, QuarantinedBar
from shared.domain.stored import Timeframe
from shared.ports import ValuesRefused
from tests.contract.store_samples import NOON, NOON_MS
from tests.store_backends import DATABASES, Backend

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

SWITCH = FeedSwitch("home", NOON, "polygon", "binance", "2 bars of BTC-USD did not come")
NAN = Decimal("NaN")
SEEN_MS = int(datetime.now(UTC).timestamp()) * 1000
BAR = Bar(Series("polygon", "BTC-USD", Timeframe.MINUTE), NOON_MS, NAN, Decimal("1E+400"), NAN, NAN, Decimal(-1), True)
DOUBTED = QuarantinedBar.of(BAR, "not_finite", SEEN_MS)


def switches(backend: Backend) -> list[FeedSwitch]:
    if isinstance(backend.store, MemoryStore):
        return list(backend.store.switches.values())
    return [FeedSwitch(**row) for row in backend.fetch("SELECT * FROM feed_switches ORDER BY at")]


def quarantined(backend: Backend) -> list[QuarantinedBar]:
    if isinstance(backend.store, MemoryStore):
        return list(backend.store.quarantined.values())
    rows = [dict(row) for row in backend.fetch("SELECT * FROM quarantined_bars ORDER BY opened_at, reason")]
    return [QuarantinedBar(raw=json.loads(row.pop("raw_values")), **row) for row in rows]


def keep(backend: Backend, bars: Sequence[QuarantinedBar]) -> None:
    backend.run(backend.store.quarantine(bars))


def test_a_change_of_source_is_recorded_once(backend: Backend) -> None:
    back = replace(SWITCH, at=NOON + timedelta(minutes=9), from_source=None, to_source="polygon")
    for switch in (SWITCH, SWITCH, back):
        backend.run(backend.store.record_switch(switch))
    assert switches(backend) == [SWITCH, back]


def test_a_bar_in_quarantine_is_kept_as_it_was_reported(backend: Backend) -> None:
    keep(backend, [DOUBTED])
    (found,) = quarantined(backend)
    assert found == DOUBTED
    assert found.raw == {
        "open_ms": str(NOON_MS),
        "open": "NaN",
        "high": "1E+400",
        "low": "NaN",
        "close": "NaN",
        "volume": "-1",
    }


def test_of_one_that_comes_again_and_again_the_first_is_kept(backend: Backend) -> None:
    again = replace(DOUBTED, seen_at=DOUBTED.seen_at + timedelta(minutes=1))
    other = replace(DOUBTED, reason="not_positive")
    keep(backend, [DOUBTED, again])
    keep(backend, [again, other])
    assert quarantined(backend) == [DOUBTED, other]
    keep(backend, [])


@pytest.mark.parametrize("open_ms", [-1, 10**30])
def test_an_open_that_no_store_can_hold_is_kept_beside_the_nearest(backend: Backend, open_ms: int) -> None:
    bar = QuarantinedBar.of(replace(BAR, open_ms=open_ms), "misaligned", SEEN_MS)
    keep(backend, [bar])
    assert quarantined(backend) == [bar]
    assert bar.raw["open_ms"] == str(open_ms)
    assert bar.opened_at.year in (1970, 2099)


@pytest.mark.parametrize("backend", DATABASES, indirect=True)
def test_old_ones_make_room_for_new_ones(backend: Backend) -> None:
    old = replace(DOUBTED, opened_at=NOON - timedelta(days=40), seen_at=DOUBTED.seen_at - timedelta(days=31))
    keep(backend, [old])
    keep(backend, [DOUBTED])
    assert quarantined(backend) == [DOUBTED]


@pytest.mark.parametrize("backend", DATABASES, indirect=True)
def test_a_switch_from_a_source_to_itself_is_none(backend: Backend) -> None:
    with pytest.raises(ValuesRefused, match="a_switch_changes_the_source"):
        backend.run(backend.store.record_switch(replace(SWITCH, to_source="polygon")))
