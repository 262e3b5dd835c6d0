"""CoinGecko's numbers: closes of whole minutes, and candles that only show what is over."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.simulator import coingecko_messages as messages
from shared.simulator.bar_book import MINUTE_MS
from shared.simulator.generated_bars import GeneratedBars

BOOK = GeneratedBars(["BTC-USD", "RARE-USD"], empty_fraction=0.5)
NOW_MS = 1_736_121_600_000 + 12_345
HALF_HOUR_MS, DAY_MS = 30 * MINUTE_MS, 1440 * MINUTE_MS


@settings(max_examples=30)
@given(st.integers(NOW_MS - 10**9, NOW_MS + 10**9))
def test_a_price_is_the_last_close_before_the_minute_began(now_ms: int) -> None:
    minute_ms = now_ms - now_ms % MINUTE_MS
    for symbol in BOOK.symbols():
        last = BOOK.minutes(symbol, minute_ms - HALF_HOUR_MS, minute_ms)[-1]
        assert messages.price(BOOK, symbol, now_ms) == (float(last.close), minute_ms // 1000)


def test_what_was_not_traded_for_a_day_has_no_price() -> None:
    assert messages.price(GeneratedBars(["BTC-USD"]), "NOPE-USD", NOW_MS) is None
    assert messages.price(GeneratedBars(["BTC-USD", "DEAD-USD"], empty_fraction=1), "DEAD-USD", NOW_MS) is None


@pytest.mark.parametrize(
    ("days", "length_ms"),
    [("1", HALF_HOUR_MS), ("7", 8 * HALF_HOUR_MS), ("90", 4 * DAY_MS)],
)
def test_candles_are_as_coarse_as_the_days_make_them(days: str, length_ms: int) -> None:
    rows = messages.candles(BOOK, "BTC-USD", days, None, NOW_MS)
    closes_ms = [row[0] for row in rows]
    assert {later - earlier for earlier, later in pairwise(closes_ms)} == {length_ms}
    assert all(close_ms % length_ms == 0 for close_ms in closes_ms)
    assert NOW_MS - length_ms - 900_000 < closes_ms[-1] <= NOW_MS
    assert NOW_MS - closes_ms[0] <= int(days) * DAY_MS
    for _, opened, high, low, close in rows:
        assert low <= min(opened, close) <= max(opened, close) <= high


def test_a_candle_is_made_of_the_minutes_before_its_stamp() -> None:
    close_ms, opened, high, low, close = messages.candles(BOOK, "BTC-USD", "1", None, NOW_MS)[-1]
    minutes = BOOK.minutes("BTC-USD", int(close_ms) - HALF_HOUR_MS, int(close_ms))
    assert (opened, close) == (float(minutes[0].open), float(minutes[-1].close))
    assert (high, low) == (float(max(bar.high for bar in minutes)), float(min(bar.low for bar in minutes)))


def test_those_who_pay_choose_the_length() -> None:
    hourly = messages.candles(BOOK, "BTC-USD", "1", messages.INTERVALS_MS["hourly"], NOW_MS)
    assert len(hourly) == 24


@pytest.mark.parametrize(("precision", "shown"), [(None, 1.23456), ("full", 1.23456), ("2", 1.23), ("0", 1.0)])
def test_precision(precision: str | None, shown: float) -> None:
    assert messages.rounded(1.23456, precision) == shown


def test_a_refusal_tells_its_time_and_code() -> None:
    status = messages.refusal(10002, "API Key Missing", NOW_MS)["status"]
    assert status == {
        "timestamp": "2025-01-06T00:00:12.345+00:00",
        "error_code": 10002,
        "error_message": "API Key Missing",
    }
