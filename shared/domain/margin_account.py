"""A margin account's money: one wallet, positions with their margin, and what each fill realises."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from shared.domain.signals import Side
from shared.domain.spot_account import AccountError, InsufficientFunds

ZERO = Decimal(0)


class ReduceOnlyExceeded(AccountError):
    """A closing order is larger than the position it would close."""


class PositionSlot(StrEnum):
    """Where a position is held: one slot a pair in ONEWAY mode, two in HEDGE mode."""

    NET = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


@dataclass(frozen=True)
class MarginPosition:
    """A position: signed base amount (short is negative) and average entry price (quote per base)."""

    amount: Decimal
    entry_price: Decimal

    def unrealised(self, price: Decimal) -> Decimal:
        return (price - self.entry_price) * self.amount


FLAT = MarginPosition(ZERO, ZERO)


def position_slot(side: Side, *, hedge: bool, closing: bool) -> PositionSlot:
    """The slot an order acts on: in HEDGE mode a BUY opens LONG or closes SHORT, a SELL the reverse."""
    if not hedge:
        return PositionSlot.NET
    opens_long = (side is Side.BUY) != closing
    return PositionSlot.LONG if opens_long else PositionSlot.SHORT


@dataclass
class MarginAccount:
    """A wallet in one collateral asset with isolated accounting of margin by position.

    Attributes:
        wallet: Collateral, realised profit and fees included, quote.
        positions: Open positions by (pair, slot).
    """

    wallet: Decimal = ZERO
    positions: dict[tuple[str, PositionSlot], MarginPosition] = field(default_factory=dict)
    _leverage: dict[str, int] = field(default_factory=dict)
    _order_margin: dict[str, Decimal] = field(default_factory=dict)

    def leverage(self, pair: str) -> int:
        return self._leverage.get(pair, 1)

    def set_leverage(self, pair: str, leverage: int) -> None:
        self._leverage[pair] = leverage

    def position(self, pair: str, slot: PositionSlot) -> MarginPosition:
        return self.positions.get((pair, slot), FLAT)

    @property
    def position_margin(self) -> Decimal:
        return sum(
            (abs(held.amount) * held.entry_price / self.leverage(pair) for (pair, _), held in self.positions.items()),
            ZERO,
        )

    @property
    def free(self) -> Decimal:
        """Collateral neither position nor order holds. Unrealised profit is not counted as collateral."""
        return self.wallet - self.position_margin - sum(self._order_margin.values(), ZERO)

    def lock(self, order_id: str, pair: str, notional: Decimal, fee: Decimal) -> None:
        """Set the margin of an opening order aside.

        Raises:
            InsufficientFunds: Less than the margin and fee is free.
        """
        needed = notional / self.leverage(pair) + fee
        if needed > self.free:
            raise InsufficientFunds("collateral", needed, self.free)
        self._order_margin[order_id] = needed

    def release(self, order_id: str) -> None:
        """Free what an order that has ended still holds."""
        self._order_margin.pop(order_id, None)

    def require_reducible(self, pair: str, slot: PositionSlot, amount: Decimal) -> None:
        """Check that a closing order of `amount` base does not exceed the position.

        Raises:
            ReduceOnlyExceeded: It does.
        """
        held = abs(self.position(pair, slot).amount)
        if amount > held:
            raise ReduceOnlyExceeded(f"{amount} asked to close, {held} held in {pair} {slot}")

    def apply_fill(
        self, pair: str, slot: PositionSlot, side: Side, price: Decimal, amount: Decimal, fee: Decimal
    ) -> Decimal:
        """Add a fill to its position.

        Args:
            pair: Trading pair.
            slot: Slot the order acts on.
            side: Side of the fill.
            price: Quote per base.
            amount: Base amount, > 0.
            fee: Fee in collateral.

        Returns:
            Profit realised by this fill before its fee, in collateral.
        """
        held = self.position(pair, slot)
        signed = amount if side is Side.BUY else -amount
        realised = ZERO
        if held.amount * signed >= ZERO:
            total = held.amount + signed
            entry = (held.entry_price * abs(held.amount) + price * amount) / abs(total)
            after = MarginPosition(total, entry)
        else:
            closed = min(amount, abs(held.amount))
            direction = Decimal(1) if held.amount > ZERO else Decimal(-1)
            realised = (price - held.entry_price) * closed * direction
            left = held.amount + signed
            if left == ZERO:
                after = FLAT
            elif left * held.amount > ZERO:
                after = MarginPosition(left, held.entry_price)
            else:
                after = MarginPosition(left, price)
        if after.amount == ZERO:
            self.positions.pop((pair, slot), None)
        else:
            self.positions[(pair, slot)] = after
        self.wallet += realised - fee
        return realised

    def shrink_lock(self, order_id: str, filled_share: Decimal) -> None:
        """Free the share of an order's margin that a fill has turned into position margin.

        Args:
            order_id: The order.
            filled_share: Fraction of the still open amount that was filled, 0..1.
        """
        if order_id in self._order_margin:
            self._order_margin[order_id] *= 1 - filled_share
