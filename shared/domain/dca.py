"""DCA: buy a fall from the recent high in steps, leave on a small rise from the average entry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from shared.domain.candles import CandleSeries
from shared.domain.indicators import highest
from shared.domain.rules import Exit, Features, Opportunity
from shared.domain.signals import Side


@dataclass(frozen=True)
class DcaRule:
    """When to start a ladder.

    Features: `window_high`, the highest high of the look-back window, the deciding candle included; `close`; `drop`, the
    fraction by which the close lies below that high.

    Confidence has one component, `depth`. It grows linearly from 0.5 at the threshold to 1 at twice the threshold: a deeper
    fall is a stronger case for buying it in steps, and nothing beyond that is claimed.

    Attributes:
        drop_threshold: Fraction of the look-back high the close must have fallen (0.03 is 3 %).
        lookback_s: Length of the look-back window in seconds; the deciding candle is its last.
    """

    drop_threshold: float
    lookback_s: int

    @property
    def thresholds(self) -> Mapping[str, float]:
        return {"drop_threshold": self.drop_threshold, "lookback_s": float(self.lookback_s)}

    def candles_needed(self, interval_s: int) -> int:
        """As many as cover the look-back window."""
        return -(-self.lookback_s // interval_s)

    def features(self, candles: CandleSeries) -> Features:
        window_high = highest(candles.high, self.candles_needed(candles.interval_s))
        return {"drop": 1.0 - candles.close / window_high, "window_high": window_high, "close": candles.close}

    def judge(self, values: Mapping[str, float]) -> Opportunity | None:
        drop = values["drop"]
        if drop < self.drop_threshold:
            return None
        depth = min(1.0, 0.5 * drop / self.drop_threshold)
        return Opportunity(side=Side.BUY, confidence=depth, components={"depth": depth})

    def exit_reason(self, values: Mapping[str, float], side: Side) -> Exit | None:  # noqa: ARG002 - its barriers suffice
        return None


@dataclass(frozen=True)
class LadderLevel:
    """One step of the ladder: a limit price (quote per base) and its size (quote)."""

    price: Decimal
    amount_quote: Decimal


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


def merge_levels(
    build: Callable[[int], tuple[LadderLevel, ...]], levels: int, is_below_minimum: Callable[[LadderLevel], bool]
) -> tuple[LadderLevel, ...] | None:
    """Merge a ladder's levels until the venue takes each of them.

    20 quote over 5 levels are 4 a level, which a venue with a minimum order of 5 refuses: 4 levels of 5, or 3 where the venue's
    amount step cuts them below 5, trade the same money.

    Args:
        build: The ladder of so many levels, its sizes summing to the same amount.
        levels: Levels wanted.
        is_below_minimum: Whether the venue would refuse a level.

    Returns:
        The ladder with the most levels, at most `levels`, that the venue takes; None where even one level is too small.
    """
    for count in range(levels, 0, -1):
        ladder = build(count)
        if not any(is_below_minimum(level) for level in ladder):
            return ladder
    return None
