"""How much may be open at once: in all, per pair, in capital, and how soon after the last entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.signals import Refusal


class LimitError(ValueError):
    """Limits that contradict each other."""


@dataclass(frozen=True)
class Limits:
    """Bounds over all controllers of one bot.

    Attributes:
        max_positions: Positions open at once, in all.
        max_positions_per_pair: Positions open at once on one pair.
        capital_quote: Quote the open positions may use together, at their full ladder.
    """

    max_positions: int
    max_positions_per_pair: int
    capital_quote: Decimal

    def __post_init__(self) -> None:
        if self.max_positions_per_pair > self.max_positions:
            raise LimitError(
                f"max_positions_per_pair = {self.max_positions_per_pair}: "
                f"must not exceed max_positions = {self.max_positions}"
            )


@dataclass(frozen=True)
class Reservation:
    """What one taken signal claims until its executor has closed.

    Attributes:
        controller_id: The controller instance that took it.
        pair: Trading pair.
        amount_quote: Size of the whole position, quote.
    """

    controller_id: str
    pair: str
    amount_quote: Decimal


def refuse_by_limits(
    limits: Limits, open_positions: Mapping[str, Reservation], pair: str, amount_quote: Decimal
) -> Refusal | None:
    """Name the limit that forbids one more position of `amount_quote` on `pair`, or None where none does."""
    on_pair = sum(1 for reservation in open_positions.values() if reservation.pair == pair)
    if on_pair >= limits.max_positions_per_pair:
        return Refusal.MAX_POSITIONS_PER_PAIR
    if len(open_positions) >= limits.max_positions:
        return Refusal.MAX_POSITIONS
    used = sum((reservation.amount_quote for reservation in open_positions.values()), Decimal(0))
    if used + amount_quote > limits.capital_quote:
        return Refusal.CAPITAL
    return None
