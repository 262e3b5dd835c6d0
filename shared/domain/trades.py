"""The trades of a run as a list: what was bought and sold at which average price, why it ended, what it came to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.domain import events as ev
from shared.domain.barriers import Filled, entries
from shared.domain.run_record import ZERO, ExecutorRecord, OrderRecord, RunRecord, net_base


@dataclass(frozen=True)
class Level:
    """A step of the ladder: its limit price, quote per base, and how much of it was filled, base."""

    price: Decimal
    filled: Decimal


def levels_of(executor: ExecutorRecord) -> tuple[Level, ...]:
    """The ladder of an executor with what was filled at each level, first to be filled first."""
    orders = [order for order in entries(executor) if order.submitted.price is not None or order.fills]
    prices = {order.submitted.order_id: _price(order) for order in orders}
    terms = executor.opened.terms
    levels = list(terms.prices) if terms else list(dict.fromkeys(prices.values()))
    filled = dict.fromkeys(levels, ZERO)
    for order in orders:
        # A level that failed is ordered again, so places do not tell; prices do, though cut to the venue's step.
        nearest = min(levels, key=lambda level: abs(level - prices[order.submitted.order_id]))
        filled[nearest] += order.filled_amount
    return tuple(Level(price, filled[price]) for price in levels)


def _price(order: OrderRecord) -> Decimal:
    limit = order.submitted.price
    return Filled.of(order.fills).average_price if limit is None else limit


@dataclass(frozen=True)
class Trade:
    """An executor that had fills, closed or not.

    Attributes:
        number: Its place in the list, from 1; by it a trader names it.
        run_id: The run it belongs to.
        executor: Its orders, fills and end.
        signal: What it was opened for; None for an executor that is not ours.
        entry: What its entries come to.
        exit: What its exits come to; None before the first.
    """

    number: int
    run_id: str
    executor: ExecutorRecord
    signal: ev.SignalDecided | None
    entry: Filled
    exit: Filled | None

    @property
    def opened_ms(self) -> int:
        return self.executor.opened.at_ms

    @property
    def closed_ms(self) -> int | None:
        return self.executor.closed.at_ms if self.executor.closed else None

    @property
    def strategy(self) -> str:
        return self.signal.strategy if self.signal else "no signal of ours"

    @property
    def levels(self) -> tuple[Level, ...]:
        """What it was opened with; where that was not recorded, what was ordered."""
        return levels_of(self.executor)

    @property
    def levels_filled(self) -> int:
        """Levels with a fill, be it in part."""
        return sum(1 for level in self.levels if level.filled)

    @property
    def cause(self) -> str | None:
        """What was decided on to close it, where that says more than the close type."""
        closed, decided = self.executor.closed, self.executor.exit
        if decided is None or (closed is not None and decided.cause == closed.close_type):
            return None
        return decided.cause

    @property
    def left(self) -> Decimal:
        """Base that a closed trade did not close; its PnL cannot be told then."""
        return net_base(self.executor.fills) if self.executor.closed else ZERO

    @property
    def pnl_quote(self) -> Decimal | None:
        """After fees, quote; None while it is open or where base is left."""
        return self.executor.pnl_quote if self.executor.closed and not self.left else None

    @property
    def profit(self) -> Decimal | None:
        """PnL as a fraction of what was filled on entering."""
        return None if self.pnl_quote is None else self.pnl_quote / self.entry.amount_quote


def trades_of(runs: Iterable[tuple[str, RunRecord]]) -> list[Trade]:
    """The trades of some runs by the time they were opened.

    Args:
        runs: Each with its id.
    """
    found = [
        (run_id, executor, signals.get(executor.opened.signal_id or ""))
        for run_id, record in runs
        for signals in [{signal.signal_id: signal for signal in record.signals}]
        for executor in record.executors.values()
        if any(order.fills for order in entries(executor))
    ]
    # By run too: a market replayed twice has two trades at one time.
    found.sort(key=lambda each: (each[1].opened.at_ms, each[0], each[1].opened.executor_id))
    return [_trade(number, *each) for number, each in enumerate(found, start=1)]


def _trade(number: int, run_id: str, executor: ExecutorRecord, signal: ev.SignalDecided | None) -> Trade:
    entered = [fill for order in entries(executor) for fill in order.fills]
    left = [fill for order in executor.orders if order.submitted.closing for fill in order.fills]
    return Trade(number, run_id, executor, signal, Filled.of(entered), Filled.of(left) if left else None)


@dataclass(frozen=True)
class Totals:
    """What trades come to. Money in quote, of the closed ones alone.

    Attributes:
        closed, open: How many.
        won: Closed ones with a PnL above 0.
        unclear: Closed ones of which base is left, so that their PnL cannot be told.
        pnl_quote: After fees.
        fees_quote: Paid.
        filled_quote: Filled on entering.
    """

    closed: int
    open: int
    won: int
    unclear: int
    pnl_quote: Decimal
    fees_quote: Decimal
    filled_quote: Decimal

    @property
    def profit(self) -> Decimal | None:
        """PnL as a fraction of what was filled on entering; None where nothing was."""
        return self.pnl_quote / self.filled_quote if self.filled_quote else None


def totals(trades: Sequence[Trade]) -> Totals:
    """Sum trades up."""
    closed = [trade for trade in trades if trade.closed_ms is not None]
    told = [trade for trade in closed if trade.pnl_quote is not None]
    return Totals(
        closed=len(closed),
        open=len(trades) - len(closed),
        won=sum(1 for trade in told if (trade.pnl_quote or ZERO) > ZERO),
        unclear=len(closed) - len(told),
        pnl_quote=sum((trade.pnl_quote or ZERO for trade in told), ZERO),
        fees_quote=sum((trade.executor.fees_quote for trade in told), ZERO),
        filled_quote=sum((trade.entry.amount_quote for trade in told), ZERO),
    )
