"""A run put together: each fill at its order, each order at its executor, nothing dropped."""

from dataclasses import replace
from decimal import Decimal
from itertools import islice

from hypothesis import given, settings

from shared.domain import events as ev
from shared.domain.run_record import RunRecord, net_base, net_quote
from shared.domain.signals import Side
from tests.journals import config_applied, life, phase_changed
from tests.unit.domain.generated_runs import SPOT, TradeBuilder, finished, record, round_trip, run_started, runs, signal


@settings(max_examples=30)
@given(runs())
def test_every_event_has_its_place(events: list[ev.Event]) -> None:
    run = record(events)
    orders = [order for executor in run.executors.values() for order in executor.orders]
    assert [order.submitted for order in orders] == [event for event in events if isinstance(event, ev.OrderSubmitted)]
    assert [fill for order in orders for fill in order.fills] == [e for e in events if isinstance(e, ev.OrderFilled)]
    assert run.stray_fills == run.others == []
    assert run.started is events[0]
    assert run.stopped is events[-1]
    for executor in run.executors.values():
        assert executor.closed is not None
        assert executor.pnl_quote == executor.closed.reported_pnl_quote
        assert executor.fees_quote == executor.closed.reported_fees_quote
        assert net_base(executor.fills) == 0


def test_a_trade_is_an_executor_that_closed_with_fills() -> None:
    refused = TradeBuilder("refused").open()
    refused.order([], amount=Decimal(1), end="failed")
    still_open = TradeBuilder("open").open()
    still_open.order([(Decimal(100), Decimal(1), Decimal(0))], amount=Decimal(1))
    done = round_trip("done")
    run = record([run_started(), *refused.close("FAILED").events, *still_open.events, *done.events])
    assert [trade.opened.executor_id for trade in run.closed_trades] == ["executor-done"]


def test_orders_end_by_completion_cancel_or_failure() -> None:
    for end, ended in (("completed", True), ("cancelled", True), ("failed", True), ("none", False)):
        trade = TradeBuilder("1").open()
        order_id = trade.order([(Decimal(100), Decimal(1), Decimal(0))], amount=Decimal(2), end=end)
        order = record(trade.events).orders[order_id]
        assert order.ended is ended
        assert order.filled_amount == 1


def test_the_first_decision_to_close_is_an_executors_exit() -> None:
    trade = round_trip()
    decided = [
        ev.ExitDecided(
            at_ms=at_ms,
            executor_id=executor_id,
            signal_id=None,
            cause=cause,
            barrier_price=None,
            best_price=Decimal(100),
            expected_price=Decimal(100),
            tick=Decimal("0.01"),
            untouched_at_ms=None,
        )
        for at_ms, executor_id, cause in [
            (5, trade.executor_id, "TIME_LIMIT"),
            (6, trade.executor_id, "FAILED"),
            (7, "x", "y"),
        ]
    ]
    run = RunRecord.of([*trade.events[:-1], *decided, trade.events[-1]])
    assert run.executors[trade.executor_id].exit is decided[0]
    assert run.others == decided[2:], "nobody opened that one"
    assert record(trade.events).executors[trade.executor_id].exit is None


def test_configurations_and_counts_of_candles_are_kept_in_their_order() -> None:
    applied = [replace(config_applied(), source=source) for source in ("start", "conf/controllers/a.yml")]
    counted = [event for event in islice(life(), 100) if isinstance(event, ev.CandlesEvaluated)]
    assert len(counted) > 1
    run = RunRecord.of([run_started(), counted[0], *applied, *counted[1:], phase_changed()])
    assert run.configs == applied
    assert run.evaluations == counted
    assert run.others == [phase_changed()], "that is no part of a run"


def test_the_last_moment_is_that_of_the_newest_event_wherever_it_lies() -> None:
    assert RunRecord().last_ms == 0
    assert record([replace(signal("a"), at_ms=at_ms) for at_ms in (3, 9, 5)]).last_ms == 9


def test_what_belongs_to_nobody_is_kept_apart() -> None:
    trade = round_trip()
    fill = trade.fills[0]
    strays = [
        fill,
        ev.OrderFailed(at_ms=1, order_id="elsewhere", signal_id=None, code="-1", message=""),
        ev.OrderCancelled(at_ms=1, order_id="elsewhere", signal_id=None),
        ev.OrderCompleted(at_ms=1, order_id="elsewhere", signal_id=None),
        ev.ConfigRefused(at_ms=1, reason="levels = 0: must be greater than or equal to 1"),
    ]
    run = RunRecord.of(strays)
    assert run.stray_fills == [fill]
    assert run.others == strays[1:]


def test_net_amounts() -> None:
    fills = round_trip(side=Side.SELL).fills
    assert net_base(fills) == 0
    assert net_quote(fills) == Decimal("-1.1510")
    assert net_base(fills[:1]) == Decimal("-0.5")
    assert net_quote(fills[:1]) == Decimal("49.95")
    assert net_base([]) == net_quote([]) == 0
    assert finished([round_trip()])[0] == run_started([SPOT])
