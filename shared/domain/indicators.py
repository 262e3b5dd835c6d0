"""Indicators over closed candles. Each value depends on its own candle and those before it; NaN where they do not suffice.

Those of the field come from TA-Lib (ta-lib.org), as the columns pandas-ta computes with it. All take and give float64 of
shape (n,), aligned with the candles. Those of a window (`highest`, `mean`, ...) look at so many values and no more; those of
TA-Lib never forget entirely, and `settled_after` says when it no longer matters.
"""

import math
from enum import Enum

import numpy as np
import talib
from numpy.typing import NDArray

Values = NDArray[np.float64]

_FORGOTTEN = 1e-9


def highest(values: Values, count: int) -> Values:
    """The highest of each value and those before it, `count` together."""
    return _filled(_windows(values, count).max(axis=1), len(values))


def lowest(values: Values, count: int) -> Values:
    """The lowest of each value and those before it, `count` together."""
    return _filled(_windows(values, count).min(axis=1), len(values))


def mean(values: Values, count: int) -> Values:
    """The mean of each value and those before it, `count` together."""
    return _filled(_windows(values, count).mean(axis=1), len(values))


def prior(values: Values) -> Values:
    """The value before each one: `prior(highest(high, 20))` is the highest of the 20 before, its own candle left out."""
    return _filled(values[:-1], len(values))


def ratio(dividends: Values, divisors: Values) -> Values:
    """Each dividend over its divisor; NaN where the divisor is 0: nothing can be said there, so nothing is made up."""
    quotients = np.full(len(dividends), np.nan)
    np.divide(dividends, divisors, out=quotients, where=divisors != 0)
    return quotients


def ema(values: Values, length: int) -> Values:
    """Exponential moving average, begun with the mean of the first `length` values (TA-Lib's EMA)."""
    return talib.EMA(values, length)


def rsi(close: Values, length: int) -> Values:
    """Wilder's relative strength index, 0..100 (TA-Lib's RSI); NaN while the close has not moved at all.

    TA-Lib calls a close that never moved 0, as if it had only fallen.
    """
    found = talib.RSI(close, length)
    found[np.logical_and.accumulate(close == close[:1])] = np.nan
    return found


def atr(high: Values, low: Values, close: Values, length: int) -> Values:
    """Wilder's average true range, quote per base (TA-Lib's ATR)."""
    return talib.ATR(high, low, close, length)


class Smoothing(Enum):
    """How a recursive indicator forgets: what each candle leaves of all before it, by the indicator's length."""

    EXPONENTIAL = "ema"
    WILDER = "rsi, atr"

    def kept(self, length: int) -> float:
        """The fraction of the past that one more candle leaves, below 1."""
        return 1 - (2 / (length + 1) if self is Smoothing.EXPONENTIAL else 1 / length)


def settled_after(length: int, smoothing: Smoothing) -> int:
    """Candles after which a recursive indicator no longer shows where its history began.

    A window of candles and the full history go through the same recursion. From the window's first value on, only the
    difference between the two lives on, and each candle multiplies it: by 1 - 2/(length + 1) in an EMA, by 1 - 1/length in
    Wilder's averages. After k candles 1e-9 of it is left, k = ln(1e-9) / ln(that factor). With the candles the first value
    takes (`length`, and one more where changes are averaged), that is the look-back.

    The rules ask for 1e-6 relative. The thousandfold between is for histories unlike the present: the average range just
    before the window may have been a thousand times today's, and today's is still right to 1e-6. An RSI is the ratio of two
    such averages and settles with them.

    Args:
        length: The indicator's length in candles, at least 2.
        smoothing: How it forgets.

    Returns:
        The look-back in candles, the newest included: 296 for an EMA of 26, 295 for an RSI or ATR of 14.
    """
    forgetting = math.ceil(math.log(_FORGOTTEN) / math.log(smoothing.kept(length)))
    return length + (smoothing is Smoothing.WILDER) + forgetting


def _windows(values: Values, count: int) -> NDArray[np.float64]:
    """Every run of `count` neighbours, shape (runs, count); no run where there are fewer values."""
    if len(values) < count:
        return np.empty((0, count))
    return np.lib.stride_tricks.sliding_window_view(values, count)


def _filled(newest: Values, length: int) -> Values:
    """Values of the newest candles, NaN put before them up to `length`."""
    return np.concatenate([np.full(length - len(newest), np.nan), newest])
