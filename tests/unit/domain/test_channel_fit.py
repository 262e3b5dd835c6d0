"""The lines are those of least squares through pivots known before the candle; neither later candles nor units move them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.domain.channel_fit import COLUMNS, fit_channels
from tests.unit.domain.candle_samples import random_walk, scaled, until, with_future
from tests.unit.domain.drawn_channels import candles_of, drawn_channel

LENGTH, SPAN, TOLERANCE = 100, 5, 0.15
seeds = st.integers(0, 10_000)


def fit(candles: CandleSeries) -> dict[str, NDArray[np.float64]]:
    return fit_channels(candles, LENGTH, SPAN, TOLERANCE)


def last(candles: CandleSeries) -> dict[str, float]:
    return {name: float(column[-1]) for name, column in fit(candles).items()}


def mirrored(candles: CandleSeries) -> CandleSeries:
    """The same market seen from the other side: base priced as quote."""
    return CandleSeries(
        candles.open_time_s,
        1 / candles.open,
        1 / candles.low,
        1 / candles.high,
        1 / candles.close,
        candles.volume,
        candles.interval_s,
    )


@pytest.mark.parametrize("slope", [-0.001, -0.0002, 0.0, 0.0003, 0.0015])
def test_lines_drawn_by_hand_are_found_exactly(slope: float) -> None:
    found = last(drawn_channel(130, slope=slope, width=0.03, lower=250.0))
    assert found["lower"] == pytest.approx(250.0 * np.exp(129 * slope), rel=1e-12)
    assert found["upper"] == pytest.approx(250.0 * np.exp(129 * slope + 0.03), rel=1e-12)
    assert found["width"] == pytest.approx(np.expm1(0.03))
    assert found["slope"] == pytest.approx(np.expm1(slope), abs=1e-15)
    assert found["position"] == pytest.approx(0.9)
    assert (found["touches_lower"], found["touches_upper"], found["containment"]) == (5, 4, 1)
    assert found["residual"] == pytest.approx(0, abs=1e-9)


@given(seeds)
def test_the_lines_are_those_of_least_squares(seed: int) -> None:
    """Against numpy's own solver, over pivots found one by one among the candles that could be known."""
    candles = random_walk(seed, LENGTH + 1)
    rows, prices = [], []
    for kind, values, first_extreme in ((0, candles.low, np.argmin), (1, candles.high, np.argmax)):
        for place in range(SPAN, LENGTH - SPAN):
            if first_extreme(values[place - SPAN : place + SPAN + 1]) == SPAN:
                rows.append([place - LENGTH, 1 - kind, kind])
                prices.append(np.log(values[place]))
    slope, lower, upper = np.linalg.lstsq(np.array(rows, dtype=float), np.array(prices), rcond=None)[0]
    found = last(candles)
    kinds = [kind for _, _, kind in rows]
    if min(kinds.count(0), kinds.count(1)) >= 2 and lower < upper:
        misses = np.array(rows) @ [slope, lower, upper] - prices
        assert np.log1p(found["slope"]) == pytest.approx(slope, abs=1e-12)
        assert np.log([found["lower"], found["upper"]]) == pytest.approx([lower, upper], abs=1e-10)
        assert found["residual"] == pytest.approx(np.sqrt(np.mean(misses**2)) / (upper - lower), rel=1e-8)
        assert found["position"] == pytest.approx((np.log(candles.close[-1]) - lower) / (upper - lower), abs=1e-7)
    else:
        assert np.isnan(list(found.values())).all()


def test_touches_and_containment_are_counted_within_the_tolerance() -> None:
    close = np.log(drawn_channel(LENGTH + 1, width=0.02).close)
    # The upper turn at candle 30 stops at 0.7 of the width.
    close[21:40] = np.minimum(close[21:40], np.log(100) + 0.7 * 0.02)
    found = last(candles_of(close, close, close))
    assert (found["touches_lower"], found["touches_upper"], found["containment"]) == (4, 4, 1)
    # Closes alone, without highs and lows, are no pivots: the lines stay.
    outside = close.copy()
    outside[[45, 55, 65, 75]] = np.log(100) - 0.02
    assert last(candles_of(outside, close, close)) == {**found, "containment": 0.96}


@given(seeds, st.floats(0.5, 2))
def test_the_candle_itself_does_not_bend_its_channel(seed: int, factor: float) -> None:
    candles = random_walk(seed, LENGTH + 1)
    found, moved = last(candles), last(with_future(candles, LENGTH, factor * candles.close[-2], 1.0))
    assert {**moved, "position": 0} == pytest.approx({**found, "position": 0}, rel=0, abs=0, nan_ok=True)


@settings(max_examples=30)
@given(seeds, st.integers(0, 180), st.floats(1e-3, 1e6))
def test_no_candle_after_the_one_judged_is_looked_at(seed: int, count: int, price: float) -> None:
    """Truncate and recompute: columns cut from a series that goes on are those of one that knew no more."""
    candles = random_walk(seed, 180)
    whole, cut = fit(with_future(candles, count, price, 1.0)), fit(until(candles, count))
    for name in COLUMNS:
        np.testing.assert_array_equal(whole[name][:count], cut[name])


def test_a_window_alone_says_what_the_series_says() -> None:
    """To the last bit, and across the chunks a long series is fitted in."""
    candles = random_walk(7, 2_600)
    whole = fit(candles)
    for count in [*range(LENGTH + 1, len(candles), 13), len(candles)]:
        window = last(until(candles, count).last(LENGTH + 1))
        np.testing.assert_array_equal([whole[name][count - 1] for name in COLUMNS], [window[name] for name in COLUMNS])


@given(seeds, st.floats(1e-4, 1e4))
def test_the_unit_of_price_does_not_matter(seed: int, factor: float) -> None:
    candles = random_walk(seed, LENGTH + 1)
    found, in_other_unit = last(candles), last(scaled(candles, factor))
    for name in ("lower", "upper"):
        in_other_unit[name] /= factor
    assert in_other_unit == pytest.approx(found, rel=1e-6, abs=1e-9, nan_ok=True)


@given(seeds)
def test_upside_down_the_lines_change_places(seed: int) -> None:
    candles = random_walk(seed, LENGTH + 1)
    found, turned = last(candles), last(mirrored(candles))
    expected = {
        "lower": 1 / found["upper"],
        "upper": 1 / found["lower"],
        "position": 1 - found["position"],
        "slope": 1 / (1 + found["slope"]) - 1,
        "touches_lower": found["touches_upper"],
        "touches_upper": found["touches_lower"],
    }
    assert turned == pytest.approx({**found, **expected}, rel=1e-6, abs=1e-9, nan_ok=True)


def bumps(highs: dict[int, float], lows: dict[int, float], rise: float = 0.001) -> CandleSeries:
    """A steady rise without a turn of its own, with highs above and lows below it at some places, in logarithms."""
    way = rise * np.arange(LENGTH + 1)
    high, low = way.copy(), way.copy()
    for place, price in highs.items():
        high[place] = price
    for place, price in lows.items():
        low[place] = price
    return candles_of(way, high, low)


def test_no_channel_until_there_are_enough_candles() -> None:
    found = fit(drawn_channel(LENGTH + 3))
    for name in COLUMNS:
        assert np.flatnonzero(np.isfinite(found[name])).tolist() == [LENGTH, LENGTH + 1, LENGTH + 2]


@pytest.mark.parametrize(
    ("highs", "lows", "is_channel"),
    [
        ({20: 0.05, 40: 0.06}, {60: 0.02, 80: 0.03}, True),
        ({20: 0.05}, {60: 0.02, 80: 0.03}, False),
        ({20: 0.05, 40: 0.06}, {60: 0.02}, False),
        ({}, {}, False),
        # The first and the last candles lack neighbours in the window.
        ({4: 0.05, 40: 0.06}, {60: 0.02, 80: 0.03}, False),
        ({5: 0.05, 40: 0.06}, {60: 0.02, 94: 0.03}, True),
        ({20: 0.05, 40: 0.06}, {60: 0.02, 95: 0.03}, False),
        # Two highs on one level, two later lows on a higher one: the lower line is above the upper.
        ({20: 0.05, 40: 0.05}, {70: 0.06, 90: 0.06}, False),
    ],
)
def test_a_channel_takes_two_pivots_of_each_kind_and_lines_in_order(
    highs: dict[int, float], lows: dict[int, float], is_channel: bool
) -> None:
    found = list(last(bumps(highs, lows)).values())
    assert np.isfinite(found).all() if is_channel else np.isnan(found).all()
