"""A longer candle is its whole parts and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.longer_candles import lengthen


def minutes(first: int, count: int) -> NDArray[np.float64]:
    """Candles whose every number tells which minute it is."""
    opens = np.arange(first, first + count, dtype=np.float64)
    return np.column_stack([opens * 60, opens, opens + 0.5, opens - 0.5, opens + 0.25, opens]).reshape(-1, 6)


def test_the_ends_that_are_not_whole_are_left_out() -> None:
    longer = lengthen(minutes(13, 14), 60, 300)  # 13, 14, [15..19], [20..24], 25, 26
    assert longer.tolist() == [
        [15 * 60, 15, 19.5, 14.5, 19.25, 15 + 16 + 17 + 18 + 19],
        [20 * 60, 20, 24.5, 19.5, 24.25, 20 + 21 + 22 + 23 + 24],
    ]


@pytest.mark.parametrize("count", [0, 1, 8])
def test_too_few_are_none(count: int) -> None:
    assert lengthen(minutes(11, count), 60, 300).shape == (0, 6)


@given(st.integers(0, 2000), st.integers(0, 200), st.sampled_from([1, 3, 5, 30]))
def test_each_whole_candle_is_there_once(first: int, count: int, parts: int) -> None:
    rows = minutes(first, count)
    longer = lengthen(rows, 60, 60 * parts)
    wanted = [start for start in range(0, first + count, parts) if start >= first and start + parts <= first + count]
    assert (longer[:, 0] / 60).tolist() == wanted
    for row, start in zip(longer, wanted, strict=True):
        inside = rows[start - first : start - first + parts]
        assert row[1] == inside[0, 1]
        assert (row[2], row[3]) == (inside[:, 2].max(), inside[:, 3].min())
        assert (row[4], row[5]) == (inside[-1, 4], inside[:, 5].sum())


def test_what_was_handed_in_is_left_alone() -> None:
    rows = minutes(0, 10)
    lengthen(rows, 60, 300)
    assert (rows == minutes(0, 10)).all()
