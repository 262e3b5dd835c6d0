"""Ways to spoil one event of a run that adds up; each says what a mismatch must name."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from shared.domain import events as ev
from shared.domain.signals import Side
from shared.domain.verification import LAST_UNIT
from tests.unit.domain.generated_runs import signal

Events = list[ev.Event]
# Changes one event in place and returns what a mismatch must name.
Corruption = Callable[[Events, st.DataObject], str]


def pick(events: Events, kind: type, data: st.DataObject) -> int:
    return data.draw(st.sampled_from([index for index, event in enumerate(events) if isinstance(event, kind)]))


def order_of(events: Events, order_id: str) -> ev.OrderSubmitted:
    return next(event for event in events if isinstance(event, ev.OrderSubmitted) and event.order_id == order_id)


def drop_fill(events: Events, data: st.DataObject) -> str:
    fill: Any = events.pop(pick(events, ev.OrderFilled, data))
    return order_of(events, fill.order_id).executor_id


def repeat_fill(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderFilled, data)
    events.insert(index, events[index])
    fill: Any = events[index]
    return order_of(events, fill.order_id).executor_id


def change_price(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderFilled, data)
    fill: Any = events[index]
    # To the taker's advantage, so that it is not the order's limit that gives it away.
    better = Decimal("0.01") if fill.side is Side.SELL else Decimal("-0.01")
    events[index] = replace(fill, price=fill.price + better)
    return order_of(events, fill.order_id).executor_id


def change_price_beyond_the_limit(events: Events, data: st.DataObject) -> str:
    limited = {
        event.order_id: event for event in events if isinstance(event, ev.OrderSubmitted) and event.price is not None
    }
    indices = [i for i, event in enumerate(events) if isinstance(event, ev.OrderFilled) and event.order_id in limited]
    index = data.draw(st.sampled_from(indices))
    fill: Any = events[index]
    limit = limited[fill.order_id].price
    assert limit is not None
    worse = Decimal("0.01") if fill.side is Side.BUY else Decimal("-0.01")
    events[index] = replace(fill, price=limit + worse)
    return fill.trade_id


def change_amount(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderFilled, data)
    fill: Any = events[index]
    events[index] = replace(fill, amount=fill.amount + Decimal("0.0001"))
    return order_of(events, fill.order_id).executor_id


def change_fee(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderFilled, data)
    fill: Any = events[index]
    events[index] = replace(fill, fee_quote=fill.fee_quote + 2 * LAST_UNIT)
    return order_of(events, fill.order_id).executor_id


def change_side(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderFilled, data)
    fill: Any = events[index]
    events[index] = replace(fill, side=fill.side.opposite)
    return fill.trade_id


def change_pair(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderFilled, data)
    fill: Any = events[index]
    events[index] = replace(fill, pair="SOL-USDT")
    return fill.trade_id


def change_order_side(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderSubmitted, data)
    order: Any = events[index]
    events[index] = replace(order, side=order.side.opposite)
    return order.order_id


def change_order_amount(events: Events, data: st.DataObject) -> str:
    filled = {event.order_id for event in events if isinstance(event, ev.OrderFilled)}
    indices = [i for i, event in enumerate(events) if isinstance(event, ev.OrderSubmitted) and event.order_id in filled]
    index = data.draw(st.sampled_from(indices))
    order: Any = events[index]
    filled_amount = sum(e.amount for e in events if isinstance(e, ev.OrderFilled) and e.order_id == order.order_id)
    events[index] = replace(order, amount=filled_amount - Decimal("0.00005"))
    return order.order_id


def report_other_pnl(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.ExecutorClosed, data)
    closed: Any = events[index]
    off = data.draw(st.sampled_from([Decimal("-1.1e-8"), Decimal("1.1e-8"), Decimal(5)]))
    events[index] = replace(closed, reported_pnl_quote=closed.reported_pnl_quote + off)
    return closed.executor_id


def report_other_fees(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.ExecutorClosed, data)
    closed: Any = events[index]
    off = data.draw(st.sampled_from([Decimal("-1.1e-8"), Decimal("1.1e-8"), Decimal(5)]))
    events[index] = replace(closed, reported_fees_quote=closed.reported_fees_quote + off)
    return closed.executor_id


def order_names_no_signal(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderSubmitted, data)
    order: Any = events[index]
    events[index] = replace(order, signal_id=data.draw(st.sampled_from([None, "elsewhere"])))
    return order.order_id


def order_of_refused_signal(events: Events, data: st.DataObject) -> str:
    indices = [i for i, event in enumerate(events) if isinstance(event, ev.SignalDecided) and event.taken]
    index = data.draw(st.sampled_from(indices))
    events[index] = replace(events[index], reason="cooldown")  # type: ignore[arg-type]
    return events[index].signal_id  # type: ignore[union-attr]


def drop_signal(events: Events, data: st.DataObject) -> str:
    indices = [i for i, event in enumerate(events) if isinstance(event, ev.SignalDecided) and event.taken]
    dropped: Any = events.pop(data.draw(st.sampled_from(indices)))
    return dropped.signal_id


def taken_signal_without_order(events: Events, data: st.DataObject) -> str:
    events.insert(1, signal("signal-idle"))
    return "signal-idle"


def drop_end_of_order(events: Events, data: st.DataObject) -> str:
    kinds = (ev.OrderCompleted, ev.OrderCancelled, ev.OrderFailed)
    ended: Any = events.pop(data.draw(st.sampled_from([i for i, e in enumerate(events) if isinstance(e, kinds)])))
    return ended.order_id


def drop_order(events: Events, data: st.DataObject) -> str:
    filled = {event.order_id for event in events if isinstance(event, ev.OrderFilled)}
    indices = [i for i, event in enumerate(events) if isinstance(event, ev.OrderSubmitted) and event.order_id in filled]
    dropped: Any = events.pop(data.draw(st.sampled_from(indices)))
    return dropped.order_id


def fill_of_unknown_order(events: Events, data: st.DataObject) -> str:
    index = pick(events, ev.OrderFilled, data)
    fill: Any = events[index]
    events[index] = replace(fill, order_id="elsewhere")
    return fill.trade_id


def drop_end_of_executor(events: Events, data: st.DataObject) -> str:
    dropped: Any = events.pop(pick(events, ev.ExecutorClosed, data))
    return dropped.executor_id


def wrong_closing_balance(events: Events, data: st.DataObject) -> str:
    stopped: Any = events[-1]
    account = data.draw(st.sampled_from(sorted(stopped.balances)))
    asset = data.draw(st.sampled_from(sorted(stopped.balances[account])))
    off = data.draw(st.sampled_from([Decimal("-1.1e-8"), Decimal("1.1e-8"), Decimal(1)]))
    changed = {**stopped.balances[account], asset: stopped.balances[account][asset] + off}
    events[-1] = replace(stopped, balances={**stopped.balances, account: changed})
    return account


def wrong_opening_balance(events: Events, data: st.DataObject) -> str:
    started: Any = events[0]
    account = data.draw(st.sampled_from(sorted(started.balances)))
    changed = {**started.balances[account], "USDT": started.balances[account]["USDT"] - 1}
    events[0] = replace(started, balances={**started.balances, account: changed})
    return account


def missing_closing_account(events: Events, data: st.DataObject) -> str:
    stopped: Any = events[-1]
    account = data.draw(st.sampled_from(sorted(stopped.balances)))
    events[-1] = replace(stopped, balances={name: held for name, held in stopped.balances.items() if name != account})
    return account


def drop_start(events: Events, data: st.DataObject) -> str:
    del events[0]
    return "no start"


def close_twice_over(events: Events, data: st.DataObject) -> str:
    """A second closing order, as two barriers in one pass place it."""
    closings = [event for event in events if isinstance(event, ev.OrderSubmitted) and event.closing]
    closing = data.draw(st.sampled_from(closings))
    again = replace(closing, order_id="order-again")
    index = events.index(closing)
    fills = [event for event in events if isinstance(event, ev.OrderFilled) and event.order_id == closing.order_id]
    events[index:index] = [
        again,
        *(replace(fill, order_id="order-again", trade_id=f"{fill.trade_id}-again") for fill in fills),
        ev.OrderCompleted(at_ms=6, order_id="order-again", signal_id=closing.signal_id),
    ]
    return closing.executor_id


CORRUPTIONS: list[Corruption] = [
    drop_fill,
    repeat_fill,
    change_price,
    change_price_beyond_the_limit,
    change_amount,
    change_fee,
    change_side,
    change_pair,
    change_order_side,
    change_order_amount,
    report_other_pnl,
    report_other_fees,
    order_names_no_signal,
    order_of_refused_signal,
    drop_signal,
    taken_signal_without_order,
    drop_end_of_order,
    drop_order,
    fill_of_unknown_order,
    drop_end_of_executor,
    wrong_closing_balance,
    wrong_opening_balance,
    missing_closing_account,
    drop_start,
    close_twice_over,
]
