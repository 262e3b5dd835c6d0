"""How much may be open at once: in all, per pair, per strategy, in number and in quote."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.signals import Refusal


class LimitError(ValueError):
    """Limits that contradict each other."""


@dataclass(frozen=True)
class Limits:
    """Bounds over all controllers of one bot. None switches one off.

    Attributes:
        max_positions: Positions open at once, in all.
        max_positions_per_pair: Positions open at once on one pair.
        capital_quote: Quote the open positions may use together, at their full ladder.
        max_positions_per_strategy: Positions open at once of one strategy.
        exposure_per_pair_quote: As `capital_quote`, on one pair.
        exposure_per_strategy_quote: As `capital_quote`, of one strategy.
    """

    max_positions: int
    max_positions_per_pair: int
    capital_quote: Decimal
    max_positions_per_strategy: int | None = None
    exposure_per_pair_quote: Decimal | None = None
    exposure_per_strategy_quote: Decimal | None = None

    def __post_init__(self) -> None:
        for name, whole in (
            ("max_positions_per_pair", "max_positions"),
            ("max_positions_per_strategy", "max_positions"),
            ("exposure_per_pair_quote", "capital_quote"),
            ("exposure_per_strategy_quote", "capital_quote"),
        ):
            part, total = getattr(self, name), getattr(self, whole)
            if part is not None and part > total:
                raise LimitError(f"{name} = {part}: must not exceed {whole} = {total}")

    @property
    def largest_position_quote(self) -> Decimal:
        """What a single position may use at most, quote."""
        parts = (self.exposure_per_pair_quote, self.exposure_per_strategy_quote)
        return min([self.capital_quote, *(part for part in parts if part is not None)])


@dataclass(frozen=True)
class Reservation:
    """What one taken signal claims until its executor has closed.

    Attributes:
        controller_id: The controller instance that took it.
        strategy: Its rule.
        pair: Trading pair.
        amount_quote: Size of the whole position, quote.
    """

    controller_id: str
    strategy: str
    pair: str
    amount_quote: Decimal


def refuse_by_limits(limits: Limits, held: Collection[Reservation], wanted: Reservation) -> Refusal | None:
    """Name the limit that forbids `wanted` beside what is `held`, or None where none does."""
    on_pair = [other for other in held if other.pair == wanted.pair]
    of_strategy = [other for other in held if other.strategy == wanted.strategy]
    for others, most, refusal in (
        (on_pair, limits.max_positions_per_pair, Refusal.MAX_POSITIONS_PER_PAIR),
        (of_strategy, limits.max_positions_per_strategy, Refusal.MAX_POSITIONS_PER_STRATEGY),
        (held, limits.max_positions, Refusal.MAX_POSITIONS),
    ):
        if most is not None and len(others) >= most:
            return refusal
    for others, most_quote, refusal in (
        (on_pair, limits.exposure_per_pair_quote, Refusal.EXPOSURE_PER_PAIR),
        (of_strategy, limits.exposure_per_strategy_quote, Refusal.EXPOSURE_PER_STRATEGY),
        (held, limits.capital_quote, Refusal.CAPITAL),
    ):
        if most_quote is not None and _used(others) + wanted.amount_quote > most_quote:
            return refusal
    return None


def _used(held: Iterable[Reservation]) -> Decimal:
    return sum((reservation.amount_quote for reservation in held), Decimal(0))
