"""The one fill model: how an order meets the book and the public trades. Paper orders and shadow replays both use it.

A taker walks the book level by level. A resting order is filled when the book crosses it or the market trades strictly
through its price; a trade AT its price is not enough, because the queue ahead of it is unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.signals import Side

ZERO = Decimal(0)


@dataclass(frozen=True)
class BookLevel:
    """A price (quote per base) and the amount (base) on offer there."""

    price: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Match:
    """An amount (base) that changes hands at a price (quote per base)."""

    price: Decimal
    amount: Decimal


def crosses(side: Side, limit_price: Decimal, opposite_price: Decimal) -> bool:
    """Whether an order of `side` limited to `limit_price` may trade at `opposite_price`."""
    return opposite_price <= limit_price if side is Side.BUY else opposite_price >= limit_price


def trades_through(side: Side, limit_price: Decimal, traded_price: Decimal) -> bool:
    """Whether a public trade at `traded_price` went strictly beyond a resting order at `limit_price`."""
    return traded_price < limit_price if side is Side.BUY else traded_price > limit_price


def walk_book(
    side: Side, amount: Decimal, levels: Iterable[BookLevel], limit_price: Decimal | None = None
) -> tuple[Match, ...]:
    """Take from the opposite side of the book, best price first.

    Args:
        side: Side of the taker.
        amount: Base amount wanted, > 0.
        levels: Opposite side of the book, best first.
        limit_price: Worst price accepted; None takes any.

    Returns:
        The matches, at most `amount` together; less where the book or the limit ends first.
    """
    matches: list[Match] = []
    wanted = amount
    for level in levels:
        if wanted <= ZERO or (limit_price is not None and not crosses(side, limit_price, level.price)):
            break
        taken = min(wanted, level.amount)
        if taken > ZERO:
            matches.append(Match(level.price, taken))
            wanted -= taken
    return tuple(matches)


def fill_resting(side: Side, amount: Decimal, limit_price: Decimal, levels: Iterable[BookLevel]) -> Match | None:
    """Fill a resting order from a book that crossed it: what is on offer beyond its price trades at its own price."""
    taken = sum((match.amount for match in walk_book(side, amount, levels, limit_price)), ZERO)
    return Match(limit_price, taken) if taken > ZERO else None
