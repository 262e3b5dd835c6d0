"""A paper order and the side of the book it can still take: what the matching engine works on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from shared.domain.fills import ZERO, BookLevel, Match
from shared.domain.margin_account import PositionSlot
from shared.domain.signals import Side


class PaperOrderState(Enum):
    """Where an order is in its life. The last three are final."""

    OPEN = "open"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass
class PaperOrder:
    """An accepted order.

    Attributes:
        order_id: The client order id.
        venue_order_id: Ascending number the simulated venue gave it.
        pair: Trading pair.
        side: Side of the order.
        amount: Base amount asked for.
        limit_price: Quote per base; None for a market order.
        post_only: Whether it may only rest (LIMIT_MAKER).
        closing: Whether it reduces a position (HEDGE mode).
        slot: The margin position it acts on; NET on spot, where it means nothing.
        filled: Base amount filled so far.
    """

    order_id: str
    venue_order_id: int
    pair: str
    side: Side
    amount: Decimal
    limit_price: Decimal | None
    post_only: bool
    closing: bool
    slot: PositionSlot
    filled: Decimal = ZERO
    state: PaperOrderState = PaperOrderState.OPEN

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled

    @property
    def is_open(self) -> bool:
        return self.state in (PaperOrderState.OPEN, PaperOrderState.PARTIALLY_FILLED)


@dataclass
class TakenLiquidity:
    """What paper orders have already taken from the public book, so that the same offer is not taken twice.

    The public book never shows our own fills. A level counts as untouched again as soon as the amount displayed at its
    price changes, because only then has the venue said anything new about it.
    """

    _taken: dict[Decimal, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def remaining(self, levels: Iterator[BookLevel]) -> Iterator[BookLevel]:
        """The levels with what was taken from them subtracted."""
        for level in levels:
            displayed, taken = self._taken.get(level.price, (level.amount, ZERO))
            if displayed != level.amount:
                taken = ZERO
                del self._taken[level.price]
            yield BookLevel(level.price, level.amount - taken)

    def take(self, levels: Iterator[BookLevel], matches: tuple[Match, ...]) -> None:
        """Remember matches against the levels they came from."""
        wanted = {match.price: match.amount for match in matches}
        for level in levels:
            if level.price in wanted:
                taken = self._taken.get(level.price, (level.amount, ZERO))[1]
                self._taken[level.price] = (level.amount, taken + wanted.pop(level.price))
            if not wanted:
                return
