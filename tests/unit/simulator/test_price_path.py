"""Paths: candles in, the same candles out, and nothing shown before its time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_samples import BTC, COARSE, START_MS, candle_rows, price_paths, series, walk

from shared.simulator.instruments import Instrument
from shared.simulator.price_path import PricePath, path_from_candles

FOREVER = 2**60
rows_of_candles = st.lists(candle_rows(), min_size=1, max_size=12)


@settings(max_examples=150)
@given(rows_of_candles, st.sampled_from([(60, 5), (60, 15), (60, 1), (300, 5)]), st.sampled_from([BTC, COARSE]))
def test_a_path_adds_up_to_the_candles_it_was_made_of(
    rows: list[tuple[float, ...]], grid: tuple[int, int], instrument: Instrument
) -> None:
    interval_s, step_s = grid
    candles = series(rows, interval_s)
    path = path_from_candles(candles, instrument, step_s, seed=7)
    klines = path.klines(interval_s, 0, FOREVER, FOREVER)
    np.testing.assert_array_equal(klines.open_ms, candles.open_time_s * 1000)
    for name in ("open", "high", "low", "close"):
        ticks = np.maximum(np.rint(getattr(candles, name) * instrument.price_scale), 1)
        np.testing.assert_array_equal(getattr(klines, name), ticks, err_msg=name)
    np.testing.assert_array_equal(klines.volume, np.rint(candles.volume * instrument.size_scale))


@given(candle_rows())
def test_the_low_comes_first_in_a_rising_candle_and_the_high_in_a_falling_one(row: tuple[float, ...]) -> None:
    opened, high, low, closed, _ = row
    prices = path_from_candles(series([row]), BTC).price_ticks / BTC.price_scale
    assert prices[0] == opened
    assert prices[-1] == closed
    inner = prices[1:-1]  # a low or high that is also the open or close is traded again inside
    first, second = (low, high) if closed >= opened else (high, low)
    assert np.flatnonzero(inner == first)[0] < np.flatnonzero(inner == second)[-1] or low == high


def test_the_extremes_of_a_candle_carry_volume() -> None:
    path = path_from_candles(series([(100, 110, 90, 105, 0.00004)]), BTC)
    traded = path.price_ticks[path.volume_steps > 0].tolist()
    assert traded == [10_000, 9_000, 11_000, 10_500]


def test_same_seed_same_path_and_another_seed_another() -> None:
    candles = series([(100, 110, 90, 105, 3.0)] * 5)
    first, second, other = (path_from_candles(candles, BTC, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.price_ticks, second.price_ticks)
    assert (first.price_ticks != other.price_ticks).any()


@given(price_paths(), st.sampled_from([60, 180, 300, 3600]), st.integers(-10, 320), st.integers(-60, 60))
def test_klines_are_what_a_plain_loop_makes_of_the_points_so_far(
    path: PricePath, interval_s: int, now_s: int, start_s: int
) -> None:
    now_ms, start_ms, end_ms = START_MS + now_s * 1000, START_MS + start_s * 5000, START_MS + 240_000
    buckets: dict[int, list[tuple[int, int]]] = {}
    for time_ms, price, volume in zip(path.time_ms, path.price_ticks, path.volume_steps, strict=True):
        opened = int(time_ms) - int(time_ms) % (interval_s * 1000)
        if time_ms <= now_ms and start_ms <= opened <= end_ms:
            buckets.setdefault(opened, []).append((int(price), int(volume)))
    klines = path.klines(interval_s, start_ms, end_ms, now_ms)
    expected = [(t, v[0][0], max(v)[0], min(v)[0], v[-1][0], sum(size for _, size in v)) for t, v in buckets.items()]
    columns = (klines.open_ms, klines.open, klines.high, klines.low, klines.close, klines.volume)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == expected


def test_the_candle_in_progress_holds_only_the_points_reached() -> None:
    path = walk(30)
    klines = path.klines(60, START_MS, FOREVER, START_MS + 72_000)
    assert klines.open_ms.tolist() == [START_MS, START_MS + 60_000]
    assert klines.close[-1] == path.price_ticks[14]
    assert klines.high[-1] == path.price_ticks[12:15].max()


def test_weeks_open_on_mondays() -> None:
    assert walk(30).klines(7 * 86_400, 0, FOREVER, FOREVER).open_ms.tolist() == [START_MS]


@pytest.mark.parametrize(
    ("times", "prices", "why"),
    [
        ([0, 5000, 15_000], [1, 1, 1], "one step apart"),
        ([1000, 6000], [1, 1], "multiples of 5 s"),
        ([0, 5000], [1, 0], "at least one tick"),
        ([], [], "at least one"),
    ],
)
def test_an_unsound_path_is_refused(times: list[int], prices: list[int], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PricePath(np.array(times, dtype=np.int64), np.array(prices, dtype=np.int64), np.ones(len(times), np.int64))


def test_a_step_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="7 s does not divide a minute"):
        path_from_candles(series([(1, 1, 1, 1, 1)]), BTC, step_s=7)
    with pytest.raises(ValueError, match="do not hold four"):
        path_from_candles(series([(1, 1, 1, 1, 1)]), BTC, step_s=20)
    with pytest.raises(ValueError, match="no multiple"):
        walk(3).klines(61, 0, FOREVER, FOREVER)
