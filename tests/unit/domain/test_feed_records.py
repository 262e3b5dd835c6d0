"""Whatever a source reports, it can be kept as it was."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Bar, Series
from shared.domain.feed_records import QuarantinedBar
from shared.domain.stored import Timeframe

ONE = Decimal(1)
NOON_MS = 1_774_958_400_000
BAR = Bar(Series("polygon", "BTC-USD", Timeframe.MINUTE), NOON_MS, ONE, ONE, ONE, ONE, ONE, is_closed=True)


@given(open_ms=st.integers(-(10**30), 10**30), price=st.decimals(allow_infinity=True, allow_nan=True))
def test_any_bar_has_a_time_and_all_it_said(open_ms: int, price: Decimal) -> None:
    kept = QuarantinedBar.of(replace(BAR, open_ms=open_ms, high=price), "future", NOON_MS)
    assert datetime(1970, 1, 1, tzinfo=UTC) <= kept.opened_at < datetime(2100, 1, 1, tzinfo=UTC)
    assert (kept.raw["open_ms"], kept.raw["high"], kept.raw["volume"]) == (str(open_ms), str(price), "1")
    if 0 <= open_ms < 4_102_444_800_000:
        assert (kept.opened_at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1) == open_ms
    assert kept.seen_at == datetime(2026, 3, 31, 12, tzinfo=UTC)
