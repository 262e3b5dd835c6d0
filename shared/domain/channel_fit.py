"""Two parallel lines through the pivots of the candles before each candle, and how well price kept to them.

Prices are fitted in their logarithm: a line then rises by the same fraction each candle, the width is the same fraction all
along, and a market seen upside down (quote and base exchanged) has the same channel upside down.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.domain.indicators import Values
from shared.domain.pivots import pivot_highs, pivot_lows

COLUMNS = (
    "lower",
    "upper",
    "position",
    "width",
    "slope",
    "touches_lower",
    "touches_upper",
    "containment",
    "residual",
)
# Windows fitted at once: it bounds the matrices in between, however long the series.
_CHUNK = 1024


@dataclass(frozen=True)
class _Pivots:
    """The pivots of one kind in k windows of m candles.

    Attributes:
        mark: Shape (k, m), 1 at a pivot, 0 elsewhere.
        x: Shape (m,), candles from the deciding one, negative.
        y: Shape (k, m), logarithm of price.
    """

    mark: Values
    x: NDArray[np.int64]
    y: Values

    @cached_property
    def count(self) -> Values:
        total: Values = self.mark.sum(axis=1)
        return total

    @cached_property
    def mean(self) -> tuple[Values, Values]:
        """The pivots' centre, x and y, each of shape (k,)."""
        return (self.mark * self.x).sum(axis=1) / self.count, (self.mark * self.y).sum(axis=1) / self.count

    def moments(self) -> tuple[Values, Values]:
        """Sums of (x - mean x)^2 and of (x - mean x) (y - mean y), each of shape (k,)."""
        from_mean = self.mark * (self.x - self.mean[0][:, None])
        return (from_mean * from_mean).sum(axis=1), (from_mean * self.y).sum(axis=1)

    def distances(self, intercept: Values, slope: Values) -> Values:
        """How far each candle's price lies above a line, shape (k, m)."""
        return self.y - intercept[:, None] - slope[:, None] * self.x


def fit_channels(candles: CandleSeries, length: int, pivot_span: int, tolerance: float) -> dict[str, Values]:
    """Fit a channel to the `length` candles before each candle and project it onto that candle.

    The candle itself takes no part, so it cannot bend the lines it is judged by. A pivot counts once `pivot_span` candles have
    followed it, all of them among the `length`.

    The lines share one slope and have an intercept each. Of all such pairs they have the least sum of squared vertical
    distances: of pivot highs from the upper line, of pivot lows from the lower. With x in candles, y the logarithm of price,
    and means taken over the pivots of one kind:

        slope  = sum over both kinds of (x - mean x)(y - mean y) / sum over both kinds of (x - mean x)^2
        line y = mean y + slope (x - mean x), for each kind

    Args:
        candles: Closed candles.
        length: Candles a channel is fitted to, more than `2 * pivot_span`.
        pivot_span: Candles on either side that a pivot exceeds.
        tolerance: Fraction of the width by which price may miss a line and still be at it.

    Returns:
        By name, each of shape (n,); NaN where fewer than `length` candles come before, where either kind has fewer than 2
        pivots, and where the lower line is not below the upper one:

        - `lower`, `upper`: the lines at the candle, quote per base.
        - `position`: of the close between them in logarithms, 0 at the lower line, 1 at the upper.
        - `width`: upper / lower - 1.
        - `slope`: fraction per candle.
        - `touches_lower`, `touches_upper`: pivots within `tolerance` of their line.
        - `containment`: share of the `length` closes that lie beyond neither line by more than `tolerance`.
        - `residual`: root mean square distance of the pivots from their line, as a fraction of the width.
    """
    columns: dict[str, Values] = {name: np.full(len(candles), np.nan) for name in COLUMNS}
    if len(candles) <= length:
        return columns
    high, low, close = np.log(candles.high), np.log(candles.low), np.log(candles.close)
    is_high, is_low = pivot_highs(high, pivot_span), pivot_lows(low, pivot_span)
    ago = np.arange(-length, 0)
    # In its window, too, a pivot needs `pivot_span` candles on both sides.
    ago_known = ago[pivot_span : length - pivot_span]
    judged = np.arange(length, len(candles))
    fitted = judged[np.minimum(_count(is_high, ago_known, judged), _count(is_low, ago_known, judged)) >= 2]
    for start in range(0, len(fitted), _CHUNK):
        places = fitted[start : start + _CHUNK]
        known, window = places[:, None] + ago_known, places[:, None] + ago
        found = _fit(
            _Pivots(is_low[known].astype(np.float64), ago_known, low[known]),
            _Pivots(is_high[known].astype(np.float64), ago_known, high[known]),
            ago,
            close[window],
            close[places],
            tolerance,
        )
        for name, values in found.items():
            columns[name][places] = values
    return columns


def _count(marks: NDArray[np.bool_], ago: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Marks among the candles `ago`, ascending and without a gap, before each place."""
    before = np.concatenate(([0], np.cumsum(marks)))
    counted: NDArray[np.int64] = before[places + ago[-1] + 1] - before[places + ago[0]]
    return counted


def _fit(
    lows: _Pivots, highs: _Pivots, ago: NDArray[np.int64], closes: Values, deciding: Values, tolerance: float
) -> dict[str, Values]:
    """Fit k windows that have pivots enough; `closes` (k, length) and `deciding` (k,) are logarithms."""
    (low_xx, low_xy), (high_xx, high_xy) = lows.moments(), highs.moments()
    slope = (low_xy + high_xy) / (low_xx + high_xx)
    # The deciding candle is at x = 0, so the intercepts are the lines there.
    lower, upper = (y - slope * x for x, y in (lows.mean, highs.mean))
    width = np.where(upper > lower, upper - lower, np.nan)
    edge = tolerance * width[:, None]
    from_lower, from_upper = lows.distances(lower, slope), highs.distances(upper, slope)
    squares = (lows.mark * from_lower**2).sum(axis=1) + (highs.mark * from_upper**2).sum(axis=1)
    closes_above = closes - lower[:, None] - slope[:, None] * ago
    inside = (closes_above >= -edge) & (closes_above <= width[:, None] + edge)
    found = {
        "lower": np.exp(lower),
        "upper": np.exp(upper),
        "position": (deciding - lower) / width,
        "width": np.expm1(width),
        "slope": np.expm1(slope),
        "touches_lower": (lows.mark * (np.abs(from_lower) <= edge)).sum(axis=1),
        "touches_upper": (highs.mark * (np.abs(from_upper) <= edge)).sum(axis=1),
        "containment": inside.mean(axis=1),
        "residual": np.sqrt(squares / (lows.count + highs.count)) / width,
    }
    return {name: np.where(np.isnan(width), np.nan, values) for name, values in found.items()}
