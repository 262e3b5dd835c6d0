"""Pivots: the candles at which price turned, higher (or lower) than those around them."""

import numpy as np
from numpy.typing import NDArray


def pivot_highs(high: NDArray[np.float64], span: int) -> NDArray[np.bool_]:
    """Mark the highs that `span` candles on either side do not exceed.

    A mark looks ahead by its nature: the one at place i is known only once candle i + span has closed. Who decides at
    candle k may use the marks up to k - span and no later ones; those do not change when candles are added.

    Args:
        high: Highs of consecutive candles, shape (n,); any monotonic function of price will do.
        span: Candles on either side, at least 1.

    Returns:
        Shape (n,), False where there are not `span` candles on both sides. Of equal highs within `span` candles the first
        counts.
    """
    found = np.zeros(len(high), dtype=np.bool_)
    inner = len(high) - 2 * span
    if inner > 0:
        centre, marked = high[span : span + inner], found[span : span + inner]
        marked[:] = True
        for step in range(1, span + 1):
            marked &= centre > high[span - step :][:inner]
            marked &= centre >= high[span + step :][:inner]
    return found


def pivot_lows(low: NDArray[np.float64], span: int) -> NDArray[np.bool_]:
    """Mark the lows that `span` candles on either side do not undercut; see `pivot_highs`."""
    return pivot_highs(-low, span)
