"""Indicators against their definitions, against pandas-ta, and against their own full history."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pandas_ta
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.domain.indicators import (
    Smoothing,
    Values,
    atr,
    ema,
    highest,
    lowest,
    mean,
    prior,
    ratio,
    rsi,
    settled_after,
)
from tests.unit.domain.candle_samples import COLUMNS, RECORDINGS, needs_recordings, random_walk, recorded, until

WINDOWED = {"highest": (highest, max), "lowest": (lowest, min), "mean": (mean, np.mean)}
Indicator = Callable[[CandleSeries, int], Values]
RECURSIVE: dict[str, tuple[Indicator, Smoothing]] = {
    "ema": (lambda candles, length: ema(candles.close, length), Smoothing.EXPONENTIAL),
    "rsi": (lambda candles, length: rsi(candles.close, length), Smoothing.WILDER),
    "atr": (lambda candles, length: atr(candles.high, candles.low, candles.close, length), Smoothing.WILDER),
}
every_recursive = pytest.mark.parametrize(("indicator", "smoothing"), RECURSIVE.values(), ids=RECURSIVE.keys())


@pytest.mark.parametrize(("indicator", "definition"), WINDOWED.values(), ids=WINDOWED.keys())
@given(values=st.lists(st.floats(-1e6, 1e6), max_size=30), count=st.integers(1, 12))
def test_a_window_by_its_definition(
    indicator: Callable[[Values, int], Values],
    definition: Callable[[NDArray[np.float64]], float],
    values: list[float],
    count: int,
) -> None:
    found = indicator(np.array(values), count)
    assert len(found) == len(values)
    for place, value in enumerate(found):
        if place < count - 1:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(float(definition(np.array(values[place - count + 1 : place + 1]))), abs=1e-6)


def test_prior_leaves_the_candle_itself_out() -> None:
    high = np.array([1.0, 5.0, 2.0, 9.0])
    np.testing.assert_array_equal(prior(highest(high, 2)), [np.nan, np.nan, 5, 5])
    np.testing.assert_array_equal(prior(np.array([])), [])


def test_a_ratio_to_nothing_is_unknown() -> None:
    found = ratio(np.array([6.0, 6.0, 0.0, np.nan]), np.array([3.0, 0.0, 0.0, 1.0]))
    np.testing.assert_array_equal(found, [2, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    ("closes", "expected"),
    [([7.0] * 6, [np.nan] * 6), ([7.0] * 5 + [8.0], [np.nan] * 5 + [100]), ([7.0] * 5 + [6.0], [np.nan] * 5 + [0])],
    ids=["never moved", "rose", "fell"],
)
def test_a_close_that_never_moved_has_no_rsi(closes: list[float], expected: list[float]) -> None:
    np.testing.assert_array_equal(rsi(np.array(closes), 3), expected)


@pytest.mark.parametrize("count", [0, 1, 13, 14, 15])
def test_too_few_candles_give_nan(count: int) -> None:
    candles = until(random_walk(1, 15), count)
    for name, (indicator, smoothing) in RECURSIVE.items():
        found = indicator(candles, 14)
        first = 13 + (smoothing is Smoothing.WILDER)
        assert len(found) == count, name
        assert np.isnan(found[:first]).all(), name
        assert np.isfinite(found[first:]).all(), name


def pandas_columns(candles: CandleSeries, talib: bool) -> Iterator[tuple[Values, Values]]:
    """Our columns and pandas-ta's, computed with TA-Lib or by itself."""
    high, low, close = (pd.Series(getattr(candles, name)) for name in ("high", "low", "close"))
    yield ema(candles.close, 26), pandas_ta.ema(close, length=26, talib=talib).to_numpy()
    yield rsi(candles.close, 14), pandas_ta.rsi(close, length=14, talib=talib).to_numpy()
    ours = atr(candles.high, candles.low, candles.close, 14)
    yield ours, pandas_ta.atr(high, low, close, length=14, talib=talib).to_numpy()


def test_the_columns_are_those_of_pandas_ta() -> None:
    for ours, theirs in pandas_columns(random_walk(2, 1000), talib=True):
        np.testing.assert_array_equal(ours, theirs)


def test_pandas_ta_without_talib_comes_to_the_same() -> None:
    """It begins its averages elsewhere, so the two meet once both have settled."""
    for ours, theirs in pandas_columns(random_walk(2, 1000), talib=False):
        np.testing.assert_allclose(ours[400:], theirs[400:], rtol=1e-6)


def deviations(candles: CandleSeries, indicator: Indicator, length: int, look_back: int) -> Values:
    """How far windows of `look_back` candles miss the full history, relative to it."""
    full = indicator(candles, length)
    ends = range(look_back, len(candles) + 1, 97)
    windows = [indicator(until(candles, end).last(look_back), length)[-1] for end in ends]
    return np.abs(np.array(windows) / full[[end - 1 for end in ends]] - 1)


@every_recursive
@pytest.mark.parametrize("length", [2, 5, 14, 26, 50])
@pytest.mark.parametrize("volatility", [0.0005, 0.01, 0.05])
def test_a_settled_window_equals_the_full_history(
    indicator: Indicator, smoothing: Smoothing, length: int, volatility: float
) -> None:
    candles = random_walk(length, 6000, volatility=volatility)
    assert deviations(candles, indicator, length, settled_after(length, smoothing)).max() < 1e-6


@needs_recordings
@every_recursive
@pytest.mark.parametrize("name", RECORDINGS)
def test_a_settled_window_equals_the_full_history_of_recordings(
    indicator: Indicator, smoothing: Smoothing, name: str
) -> None:
    for length in (14, 26):
        assert deviations(recorded(name), indicator, length, settled_after(length, smoothing)).max() < 1e-6


@pytest.mark.parametrize("name", ["rsi", "atr"])
def test_a_window_just_after_a_storm_is_right(name: str) -> None:
    """The range before the window is hundreds of times the present one, and still forgotten."""
    indicator, smoothing = RECURSIVE[name]
    look_back = settled_after(14, smoothing)
    storm = random_walk(7, 500, volatility=0.1)
    calm = random_walk(8, look_back, volatility=0.0002, start=float(storm.close[-1]))
    rows = (np.concatenate([getattr(storm, column), getattr(calm, column)]) for column in COLUMNS[1:])
    whole = CandleSeries(np.arange(500 + look_back) * 300, *rows, interval_s=300)
    assert indicator(calm, 14)[-1] == pytest.approx(indicator(whole, 14)[-1], rel=1e-6)


@every_recursive
def test_half_the_look_back_would_not_do(indicator: Indicator, smoothing: Smoothing) -> None:
    look_back = settled_after(14, smoothing)
    assert deviations(random_walk(9, 3000, volatility=0.05), indicator, 14, look_back // 2).max() > 1e-6


@pytest.mark.parametrize(
    ("length", "smoothing", "candles"),
    [(26, Smoothing.EXPONENTIAL, 296), (14, Smoothing.WILDER, 295), (12, Smoothing.EXPONENTIAL, 137)],
)
def test_the_look_back_as_documented(length: int, smoothing: Smoothing, candles: int) -> None:
    assert settled_after(length, smoothing) == candles
