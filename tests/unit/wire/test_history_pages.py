"""Spans in parts, rows as bars, and answers given too early."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Series, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedUnavailable
from shared.wire.history_pages import BadRow, ascending, check_over, check_span, closed_bar, parts

SERIES = Series("binance", "BTC-USDT", Timeframe.MINUTE)
ONE = Decimal(1)


@given(st.integers(0, 10**13), st.integers(1, 10**6), st.integers(1, 10**6))
def test_parts_are_the_whole_span_once(since_ms: int, length_ms: int, longest_ms: int) -> None:
    longest_ms = max(longest_ms, length_ms // 100 + 1)
    cut = list(parts(Span(since_ms, since_ms + length_ms), longest_ms))
    assert cut[0].since_ms == since_ms
    assert cut[-1].until_ms == since_ms + length_ms
    assert all(earlier.until_ms == later.since_ms for earlier, later in pairwise(cut))
    assert all(part.until_ms - part.since_ms <= longest_ms for part in cut)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1E+400", "1E-400", "1E+41"])
def test_a_number_not_to_be_reckoned_with_is_no_bar(value: str) -> None:
    with pytest.raises(BadRow, match="the bar opened at 60000 holds"):
        closed_bar(SERIES, 60_000, (ONE, ONE, ONE, ONE, Decimal(value)))


@pytest.mark.parametrize("value", ["0", "0E-8", "1E-18", "123456789012.000000001", "-1"])
def test_other_numbers_are_kept_to_the_last_digit(value: str) -> None:
    bar = closed_bar(SERIES, 60_000, (ONE, ONE, ONE, ONE, Decimal(value)))
    assert str(bar.volume) == str(Decimal(value))
    assert bar.is_closed


def test_an_answer_given_before_its_span_was_over_is_refused() -> None:
    span = Span(0, 120_000)
    check_over("binance", span, 119.0)  # in whole seconds: it may have been 119.999
    with pytest.raises(FeedUnavailable, match=r"not over for 1 s by its clock$"):
        check_over("binance", span, 118.0)
    with pytest.raises(FeedUnavailable, match="its plan's bars come 900 s late"):
        check_over("polygon", span, 900.0, 900.0)
    check_over("polygon", span, 1020.0, 900.0)


def test_a_span_of_broken_bars_is_refused() -> None:
    check_span(SERIES, Span(0, 60_000))
    for span in (Span(1, 60_000), Span(0, 60_001)):
        with pytest.raises(ValueError, match="must begin and end where a bar does"):
            check_span(SERIES, span)


def test_the_later_of_two_of_one_time_stands() -> None:
    def bar(open_ms: int, volume: int) -> object:
        return closed_bar(SERIES, open_ms, (ONE, ONE, ONE, ONE, Decimal(volume)))

    ordered = ascending([bar(120_000, 1), bar(60_000, 2), bar(120_000, 3)])
    assert [(one.open_ms, one.volume) for one in ordered] == [(60_000, 2), (120_000, 3)]
