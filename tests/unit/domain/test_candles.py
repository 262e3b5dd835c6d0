"""A candle series is ascending and whole, or it is refused."""

import numpy as np
import pytest

from shared.domain.candles import CandleError, CandleSeries


def series(open_times: list[int], interval_s: int = 60) -> CandleSeries:
    rows = np.array([[time, 1 + n, 2 + n, 0.5 + n, 1.5 + n, 10 * n] for n, time in enumerate(open_times)], dtype=float)
    return CandleSeries.from_rows(rows.reshape(-1, 6), interval_s)


@pytest.mark.parametrize(
    "open_times",
    [[0, 120], [0, 60, 180], [120, 60, 0], [0, 0], [0, 61], [60, 0, 60]],
    ids=["gap", "gap at the end", "descending", "twice", "off the grid", "back and forth"],
)
def test_a_broken_series_is_refused(open_times: list[int]) -> None:
    with pytest.raises(CandleError, match="candles are not 60 s apart in ascending order"):
        series(open_times)


def test_columns_of_different_length_are_refused() -> None:
    times, prices = np.array([0, 60]), np.ones(2)
    with pytest.raises(CandleError, match="low has 1 values for 2 candles"):
        CandleSeries(times, prices, prices, np.ones(1), prices, prices, 60)


def test_rows_are_stamped_at_open_and_the_last_closes_one_interval_later() -> None:
    candles = series([1_736_121_600, 1_736_121_660])
    assert len(candles) == 2
    assert candles.open_time_s.dtype == np.int64
    assert candles.last_close_ms == 1_736_121_720_000
    assert (candles.open[1], candles.high[1], candles.low[1], candles.close[1], candles.volume[1]) == (
        2,
        3,
        1.5,
        2.5,
        10,
    )


@pytest.mark.parametrize(("count", "left"), [(1, [120]), (2, [60, 120]), (3, [0, 60, 120]), (9, [0, 60, 120]), (0, [])])
def test_the_newest_candles(count: int, left: list[int]) -> None:
    assert series([0, 60, 120]).last(count).open_time_s.tolist() == left


def test_one_candle_and_none_are_series() -> None:
    assert len(series([5])) == 1
    assert len(series([])) == 0
