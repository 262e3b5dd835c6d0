"""Candles for tests: seeded random walks, recorded ones, and ways to cut and alter a series."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.simulator.recording import RecordingSpec, load_recording

MARKET_DATA = Path(__file__).resolve().parents[4] / "shared" / "market_data"
RECORDINGS = {
    "btc-1m": "binance_us_BTC-USDT_1m_2023-03.csv.gz",
    "dot-1m": "bybit_perp_DOT-USDT_1m_2025-06.csv.gz",
    "btc-5m": "bybit_perp_BTC-USDT_5m_2025-04_2025-07.csv.gz",
    "eth-5m": "bybit_perp_ETH-USDT_5m_2025-04_2025-07.csv.gz",
    "sol-5m": "bybit_perp_SOL-USDT_5m_2025-04_2025-07.csv.gz",
}
needs_recordings = pytest.mark.skipif(
    not MARKET_DATA.is_dir(), reason="the recorded candles are not beside this checkout"
)

COLUMNS = ("open_time_s", "open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close")
_STEPS = 12


def random_walk(
    seed: int, count: int, *, volatility: float = 0.01, interval_s: int = 300, start: float = 100.0
) -> CandleSeries:
    """A market in which nobody can earn: a geometric random walk whose price is expected to stay where it is.

    Args:
        seed: Of the random numbers.
        count: Candles.
        volatility: Standard deviation of a candle's logarithmic return.
        interval_s: Length of a candle in seconds.
        start: Price before the first step, quote per base.

    Returns:
        Candles of twelve steps each, every one opening where the last closed; volume grows with the candle's movement, as real
        volume does.
    """
    numbers = np.random.default_rng(seed)
    step = volatility / np.sqrt(_STEPS)
    # Less half the variance: then the price itself, and not its logarithm, has no drift.
    moves = numbers.normal(-step * step / 2, step, (count, _STEPS))
    after = start * np.exp(np.cumsum(moves).reshape(count, _STEPS))
    close = after[:, -1]
    opened = np.concatenate([[start], close[:-1]])
    volume = numbers.lognormal(0, 0.5, count) * (1 + np.abs(close / opened - 1) / volatility)
    high, low = np.maximum(opened, after.max(axis=1)), np.minimum(opened, after.min(axis=1))
    return CandleSeries(np.arange(count) * interval_s, opened, high, low, close, volume, interval_s)


@cache
def recorded(name: str) -> CandleSeries:
    """All candles of one of RECORDINGS, by its short name."""
    return load_recording(RecordingSpec(MARKET_DATA / RECORDINGS[name])).candles


def resampled(candles: CandleSeries, interval_s: int) -> CandleSeries:
    """Longer candles of whole shorter ones, stamped on multiples of their length; what is over at either end is left out."""
    each = interval_s // candles.interval_s
    first = int(np.argmax(candles.open_time_s % interval_s == 0))
    count = (len(candles) - first) // each

    def parts(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values[first : first + count * each].reshape(count, each)

    return CandleSeries(
        parts(candles.open_time_s)[:, 0],
        parts(candles.open)[:, 0],
        parts(candles.high).max(axis=1),
        parts(candles.low).min(axis=1),
        parts(candles.close)[:, -1],
        parts(candles.volume).sum(axis=1),
        interval_s,
    )


def until(candles: CandleSeries, count: int) -> CandleSeries:
    """The first `count` candles, as one who stood there knew them."""
    return CandleSeries(*(getattr(candles, name)[:count] for name in COLUMNS), candles.interval_s)


def scaled(candles: CandleSeries, factor: float) -> CandleSeries:
    """The same candles with every price multiplied."""
    prices = (getattr(candles, name) * factor for name in PRICES)
    return CandleSeries(candles.open_time_s, *prices, candles.volume, candles.interval_s)


def with_future(candles: CandleSeries, count: int, price: float, volume: float) -> CandleSeries:
    """The first `count` candles, and in the place of all others ones of this price and volume."""
    columns = {name: getattr(candles, name).copy() for name in COLUMNS}
    for name in PRICES:
        columns[name][count:] = price
    columns["volume"][count:] = volume
    return CandleSeries(**columns, interval_s=candles.interval_s)
