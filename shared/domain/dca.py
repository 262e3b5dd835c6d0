"""DCA: buy a fall from the recent high in steps, leave on a small rise from the average entry."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import numpy as np

from shared.domain.candles import CandleSeries
from shared.domain.signals import Side


@dataclass(frozen=True)
class DcaRule:
    """When to start a ladder.

    Attributes:
        drop_threshold: Fraction of the look-back high the close must have fallen (0.03 is 3 %).
        lookback_s: Length of the look-back window in seconds; the deciding candle is its last.
    """

    drop_threshold: float
    lookback_s: int


@dataclass(frozen=True)
class Drop:
    """Where the last close stands below the window's high, and whether that is a signal.

    Confidence grows linearly from 0.5 at the threshold to 1 at twice the threshold: a deeper fall is a stronger case for
    buying it in steps, and nothing beyond that is claimed.
    """

    drop: float
    window_high: float
    close: float
    is_signal: bool
    confidence: float


@dataclass(frozen=True)
class LadderLevel:
    """One step of the ladder: a limit price (quote per base) and its size (quote)."""

    price: Decimal
    amount_quote: Decimal


def candles_needed(rule: DcaRule, interval_s: int) -> int:
    """Closed candles of `interval_s` seconds that cover the look-back window."""
    return -(-rule.lookback_s // interval_s)


def measure_drop(candles: CandleSeries, rule: DcaRule) -> Drop | None:
    """Look at the last closed candle.

    Args:
        candles: Closed candles; those before the look-back window are ignored.
        rule: The rule to apply.

    Returns:
        The drop, a signal where the close is at least `drop_threshold` below the window's high; None while there are fewer
        candles than the window holds.
    """
    needed = candles_needed(rule, candles.interval_s)
    if len(candles) < needed:
        return None
    window_high = float(np.max(candles.high[-needed:]))
    close = float(candles.close[-1])
    drop = 1.0 - close / window_high
    return Drop(
        drop=drop,
        window_high=window_high,
        close=close,
        is_signal=drop >= rule.drop_threshold,
        confidence=min(1.0, 0.5 * drop / rule.drop_threshold),
    )


def build_ladder(
    *,
    side: Side,
    reference_price: Decimal,
    entry_slippage: Decimal,
    levels: int,
    level_spacing: Decimal,
    size_growth: Decimal,
    total_quote: Decimal,
) -> tuple[LadderLevel, ...]:
    """Lay out the ladder's limit prices and sizes.

    Args:
        side: BUY steps down from the reference price, SELL steps up.
        reference_price: The price a taker would get now (best ask for BUY), quote per base.
        entry_slippage: Fraction beyond the reference the first level may pay, so that it fills at once.
        levels: Number of levels, at least 1.
        level_spacing: Fraction of the reference price between levels.
        size_growth: Each level's size as a multiple of the level before.
        total_quote: Sum of all sizes, quote.

    Returns:
        The levels, first to be filled first. Their sizes sum to `total_quote` exactly.
    """
    towards = Decimal(-1) if side is Side.BUY else Decimal(1)
    weights = [size_growth**step for step in range(levels)]
    total_weight = sum(weights, Decimal(0))
    sizes = [(total_quote * weight / total_weight).quantize(Decimal("1e-8")) for weight in weights]
    sizes[-1] += total_quote - sum(sizes, Decimal(0))
    prices = [reference_price * (1 - towards * entry_slippage)]
    prices += [reference_price * (1 + towards * level_spacing * step) for step in range(1, levels)]
    if any((later - earlier) * towards <= 0 for earlier, later in pairwise(prices)):
        raise ValueError(f"level_spacing {level_spacing} does not separate {levels} levels")
    return tuple(LadderLevel(price, size) for price, size in zip(prices, sizes, strict=True))
