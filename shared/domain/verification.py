"""Proof of a run: every closed trade is rebuilt from its fills and compared with what was reported of it.

Walks signal -> orders -> fills -> PnL, and the account's balances from first to last. Pure arithmetic on journal events.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.domain import events as ev
from shared.domain.run_record import ZERO, ExecutorRecord, RunRecord, net_base, net_quote
from shared.domain.signals import Side

# Hummingbot divides and multiplies averages in Decimals of 28 digits; a venue books in units of 1e-8 quote.
LAST_UNIT = Decimal("1e-8")


@dataclass(frozen=True)
class Verification:
    """The verdict: what was checked, and each thing that does not add up in one sentence."""

    checked: Mapping[str, int]
    mismatches: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.mismatches


def verify(run: RunRecord) -> Verification:
    """Check a run from its events alone.

    Args:
        run: The assembled run. One that has not stopped is checked as far as it went: open orders and positions are then
            no mismatch, and balances are not compared.

    Returns:
        The verdict, naming each mismatch.
    """
    mismatches = [
        *_check_signals(run),
        *_check_orders(run),
        *(line for executor in run.executors.values() for line in _check_executor(executor, run.stopped is not None)),
        *_check_balances(run),
    ]
    checked = {
        "signals": len(run.signals),
        "orders": len(run.orders),
        "fills": sum(len(order.fills) for order in run.orders.values()),
        "trades": len(run.closed_trades),
    }
    return Verification(checked, tuple(mismatches))


def _check_signals(run: RunRecord) -> Iterable[str]:
    if run.stopped is None:
        return
    with_order = {order.submitted.signal_id for order in run.orders.values()}
    for signal in run.signals:
        if signal.taken and signal.signal_id not in with_order:
            yield f"signal {signal.signal_id} was taken but has no order"


def _check_orders(run: RunRecord) -> Iterable[str]:
    taken = {signal.signal_id: signal for signal in run.signals if signal.taken}
    for order_id, order in run.orders.items():
        submitted = order.submitted
        signal = taken.get(submitted.signal_id or "")
        if signal is None:
            yield f"order {order_id} has no taken signal (it names {submitted.signal_id})"
        elif submitted.pair != signal.pair:
            yield f"order {order_id} is on {submitted.pair}, its signal {signal.signal_id} on {signal.pair}"
        elif (submitted.side is not signal.side) != submitted.closing:
            yield f"order {order_id} is a {submitted.side} against a {signal.side} signal {signal.signal_id}"
        if submitted.executor_id not in run.executors:
            yield f"order {order_id} belongs to executor {submitted.executor_id}, which nobody opened"
        if order.filled_amount > submitted.amount or (order.completed and order.filled_amount != submitted.amount):
            yield f"order {order_id} was filled {order.filled_amount} of {submitted.amount}"
        for fill in order.fills:
            if fill.side is not submitted.side or fill.pair != submitted.pair:
                yield f"fill {fill.trade_id} is a {fill.side} {fill.pair} on order {order_id}, a {submitted.side}"
            if submitted.price is not None and _beyond(fill.price, submitted):
                yield f"fill {fill.trade_id} at {fill.price} is beyond order {order_id}'s limit {submitted.price}"
        if run.stopped is not None and not order.ended:
            yield f"order {order_id} was still open when the run stopped"
    for close in run.stray_closes:
        yield f"executor {close.executor_id} closed without having been open"
    for fill in run.stray_fills:
        yield f"fill {fill.trade_id} belongs to no order (it names {fill.order_id})"


def _beyond(price: Decimal, order: ev.OrderSubmitted) -> bool:
    assert order.price is not None
    return price > order.price if order.side is Side.BUY else price < order.price


def _check_executor(executor: ExecutorRecord, run_stopped: bool) -> Iterable[str]:
    name = executor.opened.executor_id
    closed = executor.closed
    if closed is None:
        if run_stopped:
            yield f"executor {name} was still open when the run stopped"
        return
    left = net_base(executor.fills)
    if left != ZERO:
        yield f"executor {name} closed with {left} base of {executor.opened.pair} left over"
        return
    if abs(executor.pnl_quote - closed.reported_pnl_quote) > LAST_UNIT:
        yield f"executor {name} reported PnL {closed.reported_pnl_quote}, its fills give {executor.pnl_quote}"
    if abs(executor.fees_quote - closed.reported_fees_quote) > LAST_UNIT:
        yield f"executor {name} reported fees {closed.reported_fees_quote}, its fills give {executor.fees_quote}"


def _check_balances(run: RunRecord) -> Iterable[str]:
    if run.started is None:
        yield "the run has no start, so its balances cannot be checked"
        return
    if run.stopped is None:
        return
    moved: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for order in run.orders.values():
        account = order.submitted.account
        base, quote = order.submitted.pair.split("-")
        if "perpetual" not in account:
            moved[account][base] += net_base(order.fills)
        moved[account][quote] += net_quote(order.fills)
    for account in sorted({*run.started.balances, *run.stopped.balances, *moved}):
        opening = run.started.balances.get(account, {})
        closing = run.stopped.balances.get(account, {})
        for asset in sorted({*opening, *closing, *moved[account]}):
            expected = opening.get(asset, ZERO) + moved[account].get(asset, ZERO)
            found = closing.get(asset, ZERO)
            # A margin position's average entry is a quotient, so its realised profit may differ in the 28th digit.
            if abs(found - expected) > LAST_UNIT:
                yield f"account {account} ends with {found} {asset}, its fills give {expected}"
