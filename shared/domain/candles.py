"""Closed candles as the strategies see them: ascending, contiguous, stamped at their open."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class CandleError(ValueError):
    """The candles handed in are not a series a decision may rest on."""


@dataclass(frozen=True)
class CandleSeries:
    """Closed candles of one pair and timeframe.

    Attributes:
        open_time_s: int64, shape (n,), UTC epoch seconds of each candle's OPEN, ascending by `interval_s`.
        open, high, low, close: float64, shape (n,), in quote per base.
        volume: float64, shape (n,), in base.
        interval_s: Length of one candle in seconds.
    """

    open_time_s: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]
    interval_s: int

    def __post_init__(self) -> None:
        length = len(self.open_time_s)
        for name in ("open", "high", "low", "close", "volume"):
            if len(getattr(self, name)) != length:
                raise CandleError(f"{name} has {len(getattr(self, name))} values for {length} candles")
        if length > 1 and not bool(np.all(np.diff(self.open_time_s) == self.interval_s)):
            raise CandleError(f"candles are not {self.interval_s} s apart in ascending order")

    def __len__(self) -> int:
        return len(self.open_time_s)

    @property
    def last_close_ms(self) -> int:
        """UTC epoch milliseconds at which the last candle closed."""
        return (int(self.open_time_s[-1]) + self.interval_s) * 1000

    def last(self, count: int) -> "CandleSeries":
        """The `count` newest candles (all of them when there are fewer)."""
        part = slice(max(0, len(self) - count), len(self))
        return CandleSeries(
            self.open_time_s[part],
            self.open[part],
            self.high[part],
            self.low[part],
            self.close[part],
            self.volume[part],
            self.interval_s,
        )

    @classmethod
    def from_rows(cls, rows: NDArray[np.float64], interval_s: int) -> "CandleSeries":
        """Build from rows of (open time in s, open, high, low, close, volume, ...), shape (n, >= 6)."""
        return cls(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2], rows[:, 3], rows[:, 4], rows[:, 5], interval_s)
