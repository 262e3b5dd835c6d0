"""Indicators over closed candles. Each value depends on its own candle and those before it; NaN where they do not suffice.

Those of the field come from TA-Lib (ta-lib.org), as the columns pandas-ta computes with it.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def highest(values: Values, count: int) -> Values:
    """The highest of each value and those before it, `count` together; shape as `values`."""
    found = np.full(len(values), np.nan)
    if len(values) >= count:
        found[count - 1 :] = np.lib.stride_tricks.sliding_window_view(values, count).max(axis=1)
    return found
