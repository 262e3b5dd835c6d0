"""Each criterion: what passes, what fails, what is not enough, and the words for it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared.domain import criteria
from shared.domain import events as ev
from shared.domain.criteria import Answer, Facts, StoredTrades, Verdict
from shared.domain.exits import STOP_LOSS, TAKE_PROFIT
from shared.domain.run_record import RunRecord
from tests.unit.domain.phase_runs import (
    AMOUNT,
    ENTRY,
    PhaseTrade,
    config_of,
    exit_of,
    facts_of,
    put_together,
    round_trip,
    run_of,
    signal_of,
)

PASSED, FAILED, INCONCLUSIVE = Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE


def trades(count: int, cause: str = TAKE_PROFIT, **signal: Any) -> list[PhaseTrade]:
    return [round_trip(signal_of(number, **signal), cause) for number in range(count)]


def facts(made: list[PhaseTrade], **run: Any) -> Facts:
    return facts_of(1, put_together(a=run_of(made, **run)))


NOTHING = Facts(facts_of(1, {}).evidence, StoredTrades({}, is_shipped=True))


# Closed trades.


@pytest.mark.parametrize(
    ("count", "verdict", "needed"),
    [(0, INCONCLUSIVE, "10 more closed trades"), (9, INCONCLUSIVE, "1 more closed trade"), (10, PASSED, "")],
)
def test_closed_trades(count: int, verdict: Verdict, needed: str) -> None:
    assert criteria.closed_trades(facts(trades(count)), 10) == Answer(verdict, str(count), needed, {"trades": count})


def test_an_executor_without_fills_is_no_trade() -> None:
    unfilled = PhaseTrade(signal_of(1)).open()
    unfilled.order([], amount=AMOUNT, limit=ENTRY, end="cancelled")
    assert criteria.closed_trades(facts([unfilled.close()]), 10).value == "0"  # type: ignore[list-item]


# Signals reach orders.


def test_signals_that_reached_orders() -> None:
    assert criteria.signals_reach_orders(facts(trades(3))) == Answer(PASSED, "3 of 3", "", {"taken": 3, "reached": 3})
    nothing = criteria.signals_reach_orders(NOTHING)
    assert (nothing.verdict, nothing.needed) == (INCONCLUSIVE, "1 more taken signal with an order")


def test_a_signal_without_an_order_fails_for_good() -> None:
    answer = criteria.signals_reach_orders(facts([*trades(30), PhaseTrade(signal_of(99)).open()]))
    assert (answer.verdict, answer.value, answer.figures) == (FAILED, "30 of 31", {"taken": 31, "reached": 30})
    assert answer.needed == "recovery_dca_phase1@99 has no order (recovery verify --run a)"


def test_a_signal_on_its_way_is_neither() -> None:
    waiting = PhaseTrade(signal_of(99)).open()
    some = criteria.signals_reach_orders(facts([*trades(2), waiting], stopped=False))
    assert (some.verdict, some.value) == (PASSED, "2 of 3, 1 on its way")
    alone = criteria.signals_reach_orders(facts([waiting], stopped=False))
    assert (alone.verdict, alone.value) == (INCONCLUSIVE, "0 of 1, 1 on its way")


# Positions and PnL.


def broken(events: list[ev.Event]) -> list[ev.Event]:
    """The same run, its first trade reported with another PnL."""
    place = next(place for place, event in enumerate(events) if isinstance(event, ev.ExecutorClosed))
    events[place] = replace(events[place], reported_pnl_quote=Decimal(99))  # type: ignore[call-arg]
    return events


def test_what_adds_up_passes() -> None:
    answer = criteria.reconciled(facts(trades(3)))
    assert answer == Answer(PASSED, "0 mismatches in 3 trades", "", {"trades": 3, "unreconciled": 0})
    assert criteria.reconciled(NOTHING).verdict is INCONCLUSIVE


def test_one_mismatch_fails() -> None:
    answer = criteria.reconciled(
        facts_of(1, put_together(a=run_of(trades(9)), b=broken(run_of(trades(2), market="live"))))
    )
    assert (answer.verdict, answer.value) == (FAILED, "1 mismatches in 11 trades")
    assert answer.figures == {"trades": 11, "unreconciled": 1}
    assert answer.needed.startswith("executor executor-recovery_dca_phase1@0 reported PnL 99, its fills give")
    assert answer.needed.endswith("(recovery verify --run b)")


def test_a_repeated_run_must_add_up_too() -> None:
    runs = put_together(a=run_of(trades(9)), b=broken(run_of(trades(9))))
    assert criteria.reconciled(facts_of(1, runs)).verdict is FAILED


def test_a_run_of_another_configuration_does_not_matter() -> None:
    runs = put_together(a=broken(run_of(trades(2, config_id="old"))), b=run_of(trades(2)))
    assert criteria.reconciled(facts_of(1, runs)).verdict is PASSED


def test_a_mismatch_that_is_no_trades_fails() -> None:
    events = run_of(trades(2))
    assert isinstance(events[-1], ev.RunStopped)
    events[-1] = replace(events[-1], balances={})
    answer = criteria.reconciled(facts_of(1, put_together(a=events)))
    assert (answer.verdict, answer.figures["unreconciled"]) == (FAILED, 0)


# The rate at which orders fail.


def failing(orders: int, failed: int) -> Facts:
    """One trade with so many orders; two of them are those that opened and closed it."""
    trade = PhaseTrade(signal_of(1)).open()
    for number in range(orders):
        trade.order([], amount=AMOUNT, limit=ENTRY, end="failed" if number < failed else "cancelled")
    return facts([trade])


@pytest.mark.parametrize(
    ("orders", "failed", "verdict", "needed"),
    [
        (0, 0, INCONCLUSIVE, "59 more orders without a failure"),
        (58, 0, INCONCLUSIVE, "1 more order without a failure"),
        (59, 0, PASSED, ""),
        (92, 1, INCONCLUSIVE, "1 more order without a failure"),
        (93, 1, PASSED, ""),
        (123, 2, INCONCLUSIVE, "1 more order without a failure"),
        (124, 2, PASSED, ""),
        (1, 1, INCONCLUSIVE, "92 more orders without a failure"),
        (2, 2, FAILED, None),
        (60, 5, INCONCLUSIVE, "148 more orders without a failure"),
        (60, 6, INCONCLUSIVE, "174 more orders without a failure"),
        (60, 7, FAILED, None),
    ],
)
def test_order_failure_rate(orders: int, failed: int, verdict: Verdict, needed: str | None) -> None:
    answer = criteria.order_failure_rate(failing(orders, failed), 0.05)
    assert (answer.verdict, answer.figures) == (verdict, {"orders": orders, "failed": failed})
    if needed is None:
        assert "find out why orders fail" in answer.needed
    else:
        assert answer.needed == needed


def test_the_value_names_the_bound() -> None:
    assert criteria.order_failure_rate(failing(93, 1), 0.05).value == "1 of 93, below 4.999%"


# Barriers.


def barrier_facts(worked: int, cause: str, **broken_exit: Any) -> Facts:
    made = [round_trip(signal_of(number), cause) for number in range(worked)]
    if broken_exit:
        made.append(round_trip(signal_of(99), cause, decided=exit_of(cause, **broken_exit)))
    return facts(made)


@pytest.mark.parametrize(
    ("judge", "cause", "needed"),
    [
        (criteria.take_profit_works, TAKE_PROFIT, "1 more take profit"),
        (criteria.stop_loss_works, STOP_LOSS, "1 more stop loss"),
    ],
)
def test_a_barrier_must_be_seen_working(judge: Any, cause: str, needed: str) -> None:
    assert judge(barrier_facts(5, cause), 5) == Answer(PASSED, "5 worked", "", {"worked": 5, "seen": 5})
    assert judge(barrier_facts(4, cause), 5) == Answer(INCONCLUSIVE, "4 worked", needed, {"worked": 4, "seen": 4})
    assert judge(NOTHING, 5).value == "0 worked"
    other = TAKE_PROFIT if cause == STOP_LOSS else STOP_LOSS
    assert judge(barrier_facts(5, other), 5).figures == {"worked": 0, "seen": 0}


def test_a_barrier_that_did_not_work_is_told_and_does_not_count() -> None:
    answer = criteria.stop_loss_works(barrier_facts(4, STOP_LOSS, untouched_at_ms=None), 5)
    assert (answer.verdict, answer.value) == (INCONCLUSIVE, "4 worked, not counted: 1 late")
    assert answer.figures == {"worked": 4, "seen": 5}
    assert criteria.stop_loss_works(NOTHING, 2).needed == "2 more stop losses"


# The database.


def stored(by_run: dict[str, int], *, is_shipped: bool = True) -> Answer:
    runs = put_together(a=run_of(trades(3)), b=run_of(trades(2), market="live"))
    return criteria.trades_stored(facts_of(1, runs, StoredTrades(by_run, is_shipped)))


def test_every_trade_is_stored() -> None:
    assert stored({"a": 3, "b": 2}) == Answer(PASSED, "5 of 5", "", {"trades": 5})
    assert criteria.trades_stored(NOTHING).verdict is INCONCLUSIVE


def test_trades_that_are_not_shipped_yet_are_waited_for() -> None:
    answer = stored({"a": 3}, is_shipped=False)
    assert (answer.verdict, answer.value) == (INCONCLUSIVE, "3 of 5")
    assert answer.needed == "2 wait to be shipped (recovery sidecar --once)"


def test_a_trade_that_was_shipped_and_is_not_there_fails() -> None:
    answer = stored({"a": 3, "b": 1})
    assert (answer.verdict, answer.needed) == (FAILED, "1 were shipped and are not there: look into dead_letters")


def test_what_one_run_has_too_much_does_not_stand_for_another() -> None:
    assert stored({"a": 4, "b": 1}).verdict is FAILED


def test_a_store_that_cannot_be_asked_is_not_known() -> None:
    runs = put_together(a=run_of(trades(3)))
    answer = criteria.trades_stored(facts_of(1, runs, "db.example.org: cannot be reached"))
    assert answer == Answer(INCONCLUSIVE, "not known", "db.example.org: cannot be reached")


# Strategies.


def test_every_strategy_needs_its_trades() -> None:
    made = [*trades(10, strategy="recovery_dca"), *trades(9, strategy="recovery_swing", config_id="swing")]
    answer = criteria.every_strategy(facts(made), 10)
    assert (answer.verdict, answer.value) == (INCONCLUSIVE, "dca 10, swing 9, channel 0")
    assert answer.needed == "1 more of recovery_swing, 10 more of recovery_channel"
    made += [*trades(1, strategy="recovery_swing", config_id="swing", pair="ETH-USDT", signal_id="eth")]
    made += trades(10, strategy="recovery_channel", config_id="channel")
    assert criteria.every_strategy(facts(made), 10).verdict is PASSED


def test_a_configuration_without_trades_has_none() -> None:
    evidence = facts_of(1, {"a": RunRecord.of([config_of()])})
    assert criteria.every_strategy(evidence, 10).value == "dca 0, swing 0, channel 0"
