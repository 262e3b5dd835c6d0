"""A pivot stands out among its neighbours on both sides, and is not known before they have closed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.pivots import pivot_highs, pivot_lows

# Few different prices, so that equal ones meet often.
prices = st.lists(st.integers(1, 9).map(float), max_size=40).map(np.array)
spans = st.integers(1, 6)


def places(marks: NDArray[np.bool_]) -> list[int]:
    return [int(place) for place in np.flatnonzero(marks)]


@pytest.mark.parametrize(
    ("high", "span", "expected"),
    [
        ([1, 2, 3, 2, 1], 2, [2]),
        ([1, 2, 3, 2], 2, []),
        ([2, 3, 2, 1], 2, []),
        ([1, 3, 2, 4, 1], 1, [1, 3]),
        ([1, 3, 2, 4, 1], 2, []),
        ([1, 3, 3, 1], 1, [1]),
        ([1, 3, 2, 3, 1], 1, [1, 3]),
        ([0, 1, 3, 2, 3, 1, 0], 2, [2]),
        ([1, 1, 1, 1], 1, []),
        ([1, 2, 3, 4, 5], 1, []),
        ([], 1, []),
        ([1], 1, []),
    ],
)
def test_highs_by_hand(high: list[float], span: int, expected: list[int]) -> None:
    assert places(pivot_highs(np.array(high, dtype=float), span)) == expected


@given(prices, spans)
def test_a_high_exceeds_those_before_and_is_not_exceeded_by_those_after(high: NDArray[np.float64], span: int) -> None:
    expected = [
        place
        for place in range(span, len(high) - span)
        if high[place] > max(high[place - span : place]) and high[place] >= max(high[place + 1 : place + span + 1])
    ]
    assert places(pivot_highs(high, span)) == expected


@given(prices, spans)
def test_lows_are_the_highs_of_the_market_upside_down(low: NDArray[np.float64], span: int) -> None:
    assert places(pivot_lows(low, span)) == places(pivot_highs(10 - low, span))


@given(prices, prices, spans)
def test_what_was_known_stays_known_whatever_follows(
    high: NDArray[np.float64], later: NDArray[np.float64], span: int
) -> None:
    """Truncate and recompute: candles added later change no mark that had its `span` candles after it, and add none there."""
    known = max(0, len(high) - span)
    then = pivot_highs(high, span)
    now = pivot_highs(np.concatenate([high, later]), span)
    assert places(then[:known]) == places(now[:known])
    assert not then[known:].any()
