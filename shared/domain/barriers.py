"""Where a position's barriers lie, as prices: from its fills and the terms it was opened with.

Hummingbot's DCA executor closes at a profit after the fees paid so far, as a fraction of what was filled
(dca_executor.py, get_net_pnl_pct). The exit's own fee is not paid by then, so it is not part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from shared.domain import events as ev
from shared.domain.run_record import ZERO, ExecutorRecord, OrderRecord
from shared.domain.signals import Side


@dataclass(frozen=True)
class Filled:
    """What some fills come to: `amount` base at `average_price` quote per base, for `fees_quote`."""

    amount: Decimal
    average_price: Decimal
    fees_quote: Decimal

    @classmethod
    def of(cls, fills: Sequence[ev.OrderFilled]) -> "Filled":
        """Sum up fills, at least one."""
        amount = sum((fill.amount for fill in fills), ZERO)
        paid = sum((fill.price * fill.amount for fill in fills), ZERO)
        return cls(amount, paid / amount, sum((fill.fee_quote for fill in fills), ZERO))

    @property
    def amount_quote(self) -> Decimal:
        return self.amount * self.average_price


def barrier_price(side: Side, entry: Filled, profit: Decimal) -> Decimal:
    """The price at which a position has come to a profit after the fees paid so far.

    Args:
        side: Of the position.
        entry: What was filled on entering so far.
        profit: Fraction of what was filled; negative for a loss.

    Returns:
        Quote per base.
    """
    moved = profit + entry.fees_quote / entry.amount_quote
    return entry.average_price * (1 + moved if side is Side.BUY else 1 - moved)


@dataclass(frozen=True)
class BarrierSpan:
    """Average entry and barriers from one change of the position to the next, all prices quote per base.

    Attributes:
        since_ms, until_ms: From what put them there to the next change, or to the end.
        average_entry: Of the fills so far.
        take_profit: Where it lies; None where there is none, or the terms were not recorded.
        stop_loss: As `take_profit`.
        stops: Whether the stop loss is looked at: Hummingbot does so only once every level is filled.
        trailing_activation: Where the trailing stop would begin to follow.
    """

    since_ms: int
    until_ms: int
    average_entry: Decimal
    take_profit: Decimal | None
    stop_loss: Decimal | None
    stops: bool
    trailing_activation: Decimal | None


def barrier_spans(executor: ExecutorRecord, now_ms: int = 0) -> tuple[BarrierSpan, ...]:
    """A position's barriers from its first entry fill until it was decided to close it.

    Args:
        executor: With its orders and fills, one of an entry at least.
        now_ms: Where the last span of a position ends that is still open.
    """
    fills = sorted((fill for order in entries(executor) for fill in order.fills), key=lambda fill: fill.at_ms)
    ended = executor.exit or executor.closed
    until_ms = ended.at_ms if ended else max(now_ms, fills[-1].at_ms)
    failed = [order.failed.at_ms for order in entries(executor) if order.failed and order.fills]
    # A level may still fill while the position is being closed: no barrier is looked at any more.
    changed = [moment for moment in (*(fill.at_ms for fill in fills), *failed) if moment <= until_ms]
    moments = sorted({fills[0].at_ms, *changed})
    return tuple(
        _span(executor, [fill for fill in fills if fill.at_ms <= since_ms], since_ms, next_ms)
        for since_ms, next_ms in pairwise([*moments, until_ms])
    )


def entries(executor: ExecutorRecord) -> list[OrderRecord]:
    """The orders that opened the position, levels of a ladder included."""
    return [order for order in executor.orders if not order.submitted.closing]


def _span(executor: ExecutorRecord, fills: Sequence[ev.OrderFilled], since_ms: int, until_ms: int) -> BarrierSpan:
    terms, side, entry = executor.opened.terms, executor.opened.side, Filled.of(fills)

    def price_at(profit: Decimal | None) -> Decimal | None:
        return None if profit is None else barrier_price(side, entry, profit)

    stop_loss = None if terms is None or terms.stop_loss is None else -terms.stop_loss
    return BarrierSpan(
        since_ms=since_ms,
        until_ms=until_ms,
        average_entry=entry.average_price,
        take_profit=price_at(terms.take_profit if terms else None),
        stop_loss=price_at(stop_loss),
        stops=terms is not None and _levels_done(executor, since_ms) >= len(terms.prices),
        trailing_activation=price_at(terms.trailing_activation if terms else None),
    )


def _levels_done(executor: ExecutorRecord, at_ms: int) -> int:
    """Levels that were wholly filled by then, or had failed after a part."""
    return sum(1 for order in entries(executor) if _is_done(order, at_ms))


def _is_done(order: OrderRecord, at_ms: int) -> bool:
    if order.failed is not None:
        return bool(order.fills) and order.failed.at_ms <= at_ms
    return sum((fill.amount for fill in order.fills if fill.at_ms <= at_ms), ZERO) >= order.submitted.amount
