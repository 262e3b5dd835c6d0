"""A spot account's money: balances, what resting orders lock, and what each fill moves. Nothing appears or vanishes."""

from dataclasses import dataclass, field
from decimal import Decimal

from shared.domain.signals import Side

ZERO = Decimal(0)


class AccountError(Exception):
    """An order or fill the account cannot carry."""


class InsufficientFunds(AccountError):
    """More was asked for than is free."""

    def __init__(self, asset: str, needed: Decimal, free: Decimal) -> None:
        super().__init__(f"{needed} {asset} needed, {free} {asset} free")
        self.asset = asset
        self.needed = needed
        self.free = free


@dataclass
class _Lock:
    asset: str
    amount: Decimal


@dataclass
class SpotAccount:
    """Balances by asset, with locks by order. Fees are always paid in the quote asset.

    Attributes:
        totals: Balance of each asset, free and locked together.
    """

    totals: dict[str, Decimal] = field(default_factory=dict)
    _locks: dict[str, _Lock] = field(default_factory=dict)

    def locked(self, asset: str) -> Decimal:
        return sum((lock.amount for lock in self._locks.values() if lock.asset == asset), ZERO)

    def free(self, asset: str) -> Decimal:
        return self.totals.get(asset, ZERO) - self.locked(asset)

    def lock(self, order_id: str, asset: str, amount: Decimal) -> None:
        """Set `amount` of `asset` aside for an order.

        Raises:
            InsufficientFunds: Less than `amount` is free.
        """
        free = self.free(asset)
        if amount > free:
            raise InsufficientFunds(asset, amount, free)
        self._locks[order_id] = _Lock(asset, amount)

    def release(self, order_id: str) -> None:
        """Free what an order that has ended still locks."""
        self._locks.pop(order_id, None)

    def apply_fill(
        self, order_id: str, side: Side, base: str, quote: str, price: Decimal, amount: Decimal, fee_quote: Decimal
    ) -> None:
        """Move base against quote for one fill, taking what the order had locked first.

        Raises:
            InsufficientFunds: The fill costs more than the account holds.
        """
        if side is Side.BUY:
            spent_asset, spent = quote, price * amount + fee_quote
            gained_asset, gained = base, amount
        else:
            spent_asset, spent = base, amount
            gained_asset, gained = quote, price * amount - fee_quote
        lock = self._locks.get(order_id)
        from_lock = min(lock.amount, spent) if lock is not None and lock.asset == spent_asset else ZERO
        if spent - from_lock > self.free(spent_asset):
            raise InsufficientFunds(spent_asset, spent, from_lock + self.free(spent_asset))
        if lock is not None:
            lock.amount -= from_lock
        self.totals[spent_asset] = self.totals.get(spent_asset, ZERO) - spent
        self.totals[gained_asset] = self.totals.get(gained_asset, ZERO) + gained
