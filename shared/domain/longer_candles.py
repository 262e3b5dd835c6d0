"""Candles of a length nobody serves, made of shorter closed ones."""

import numpy as np
from numpy.typing import NDArray


def lengthen(rows: NDArray[np.float64], step_s: int, length_s: int) -> NDArray[np.float64]:
    """Candles `length_s` long. One that is not whole, at either end, is none.

    Args:
        rows: Closed candles of open time in UTC epoch s, open, high, low, close, volume; shape (n, 6), ascending by `step_s`
            without a hole.
        step_s: Their length.
        length_s: A multiple of it that divides a day: a candle opens at a multiple of its length.

    Returns:
        Rows of the same kind; shape (m, 6), m at most n * step_s / length_s.
    """
    parts = length_s // step_s
    if parts == 1 or len(rows) == 0:
        return rows
    first = int(-rows[0, 0] % length_s) // step_s
    whole = max(0, len(rows) - first) // parts
    grouped = rows[first : first + whole * parts].reshape(whole, parts, rows.shape[1])
    longer = grouped[:, 0, :].copy()
    longer[:, 2] = grouped[:, :, 2].max(axis=1)
    longer[:, 3] = grouped[:, :, 3].min(axis=1)
    longer[:, 4] = grouped[:, -1, 4]
    longer[:, 5] = grouped[:, :, 5].sum(axis=1)
    return longer
