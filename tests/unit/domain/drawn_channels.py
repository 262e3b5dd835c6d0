"""Channels drawn by hand: candles that swing between two lines, for tests that must know where the lines are."""

import numpy as np
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries

SWING_CANDLES = 20
"""From one touch of a line to the next touch of the same line."""


def drawn_channel(
    count: int, *, slope: float = 0.0, width: float = 0.02, noise: float = 0.0, lower: float = 100.0, seed: int = 0
) -> CandleSeries:
    """Candles that go straight from line to line and back, starting at the lower one.

    Args:
        count: Candles.
        slope: Rise of the lines each candle, in logarithms.
        width: Distance of the lines, in logarithms.
        noise: Standard deviation of the close from the way, and of high and low from the close, in widths. Without noise each
            candle is one price, and every turn lies on a line exactly.
        lower: The lower line at the first candle, quote per base.
        seed: Of the noise.
    """
    place = np.arange(count)
    half = SWING_CANDLES // 2
    swing = 1 - np.abs(place % SWING_CANDLES - half) / half
    off, above, below = np.random.default_rng(seed).normal(0, noise, (3, count)) if noise else np.zeros((3, count))
    close = np.log(lower) + slope * place + width * (swing + off)
    return candles_of(close, close + width * np.abs(above), close - width * np.abs(below))


def candles_of(close: NDArray[np.float64], high: NDArray[np.float64], low: NDArray[np.float64]) -> CandleSeries:
    """Candles from the logarithms of their prices, each opening at its close."""
    count = len(close)
    return CandleSeries(
        np.arange(count) * 300, np.exp(close), np.exp(high), np.exp(low), np.exp(close), np.ones(count), 300
    )
