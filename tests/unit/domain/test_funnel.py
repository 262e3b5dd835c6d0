"""The funnel: every signal is counted at each step it reached, and has a reason for the one it did not."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import events as ev
from shared.domain.funnel import Breakdown, Funnel, Loss, Step, by, funnel_of, lives, total
from shared.domain.run_record import RunRecord
from tests.unit.domain.generated_runs import TradeBuilder, finished, record, round_trip, run_started, runs, signal

STOPPED = ev.RunStopped(at_ms=9, balances={})


def evaluated(count: int, *, unevaluated: int = 0, **changes: Any) -> ev.CandlesEvaluated:
    """Candles a rule looked at."""
    values: dict[str, Any] = {
        "at_ms": 8,
        "controller_id": "recovery_dca",
        "strategy": "recovery_dca",
        "pair": "BTC-USDT",
        "phase": 1,
        "config_id": "abc",
        "since_ms": 1,
        "until_ms": 8,
    }
    return ev.CandlesEvaluated(**values | changes, evaluated=count, unevaluated=unevaluated)


def counts(part: Funnel) -> list[int | None]:
    return [part.counts[step] for step in Step]


def lost(part: Funnel) -> dict[Step, dict[str, int]]:
    return {step: dict(reasons) for step, reasons in part.lost.items() if reasons}


def test_a_run_from_candle_to_trade() -> None:
    others = [signal("x", reason="cooldown"), signal("y", reason="cooldown"), signal("z", reason="capital")]
    events = finished([round_trip("1")], [*others, evaluated(90, unevaluated=2), evaluated(10)])
    part = funnel_of(record(events))
    assert counts(part) == [100, 4, 1, 1, 1, 1]
    assert lost(part) == {
        Step.EVALUATED: {Loss.NOT_EVALUATED: 2},
        Step.SIGNAL: {Loss.NO_SIGNAL: 96},
        Step.TAKEN: {"cooldown": 2, "capital": 1},
    }
    assert part.refused == {"cooldown": 2, "capital": 1}
    assert (part.signals, part.taken, part.orders, part.fills, part.trades) == (4, 1, 3, 4, 1)
    assert (part.share(Step.EVALUATED), part.share(Step.SIGNAL), part.share(Step.TAKEN)) == (None, 0.04, 0.25)


def test_candles_that_were_not_counted_are_not_zero() -> None:
    part = funnel_of(record(finished([round_trip("1")])))
    assert part.counts[Step.EVALUATED] is None
    assert part.share(Step.SIGNAL) is None
    assert lost(part) == {}


def test_an_empty_run() -> None:
    part = funnel_of(RunRecord())
    assert counts(part) == [None, 0, 0, 0, 0, 0]
    assert (part.orders, part.fills, part.trades, part.share(Step.TAKEN)) == (0, 0, 0, None)
    assert by(Breakdown.STRATEGY, [RunRecord()]) == {}


def test_candles_counted_later_than_their_signals_give_no_share() -> None:
    part = funnel_of(record([run_started(), signal("x"), signal("y"), evaluated(1)]))
    assert part.counts[Step.EVALUATED] == 1
    assert part.share(Step.SIGNAL) is None
    assert Step.SIGNAL not in lost(part)


def not_closed(**order: Any) -> TradeBuilder:
    trade = TradeBuilder("1").open()
    trade.order(amount=Decimal(1), limit=Decimal(100), **order)
    return trade


PARTLY = [(Decimal(100), Decimal("0.5"), Decimal(0))]


@pytest.mark.parametrize(
    ("events", "step", "while_on", "once_stopped"),
    [
        ([signal("s")], Step.ORDER, Loss.UNDER_WAY, Loss.UNEXPLAINED),
        (TradeBuilder("1").open().events, Step.ORDER, Loss.UNDER_WAY, Loss.UNEXPLAINED),
        (TradeBuilder("1").open().close("FAILED").events, Step.ORDER, "FAILED", "FAILED"),
        (not_closed(fills=[], end="none").events, Step.FILLED, Loss.UNDER_WAY, Loss.UNEXPLAINED),
        (not_closed(fills=[], end="failed").close("FAILED").events, Step.FILLED, "order -2010", "order -2010"),
        (not_closed(fills=[], end="cancelled").close("TIME_LIMIT").events, Step.FILLED, "TIME_LIMIT", "TIME_LIMIT"),
        (not_closed(fills=PARTLY, end="none").events, Step.CLOSED, Loss.UNDER_WAY, Loss.UNEXPLAINED),
    ],
)
def test_a_signal_that_went_no_further_has_a_reason(
    events: list[ev.Event], step: Step, while_on: str, once_stopped: str
) -> None:
    assert lost(funnel_of(record([run_started(), *events]))) == {step: {while_on: 1}}
    stopped = funnel_of(record([run_started(), *events, STOPPED]))
    assert lost(stopped) == {step: {once_stopped: 1}}
    assert stopped.unexplained == (once_stopped == Loss.UNEXPLAINED)


def test_a_taken_signal_that_got_no_executor_is_not_under_way_for_ever() -> None:
    silent, later = signal("s"), replace(signal("t", reason="cooldown"), at_ms=2 + 61_000)
    assert lost(funnel_of(record([run_started(), silent, later])))[Step.ORDER] == {Loss.UNEXPLAINED: 1}


def test_what_belongs_to_no_signal_is_counted_in_orders_alone() -> None:
    orphan = [event for event in round_trip("1").events if not isinstance(event, ev.SignalDecided)]
    part = funnel_of(record([run_started(), *orphan, STOPPED]))
    assert counts(part) == [None, 0, 0, 0, 0, 0]
    assert (part.orders, part.fills, part.trades) == (3, 4, 1)


def test_phases_are_told_apart_from_journals_that_had_none() -> None:
    events = [
        replace(signal("a"), phase=2, config_id="abc"),
        replace(signal("b"), phase=None, config_id="abc"),
        signal("c"),
    ]
    parts = by(Breakdown.PHASE, [record(events)])
    assert {name: part.signals for name, part in parts.items()} == {"2": 1, "normal": 1, "not recorded": 1}


def test_what_is_evaluated_without_a_signal_has_its_part() -> None:
    events = [evaluated(5, strategy="recovery_swing", pair="SOL-USDT", phase=2), signal("x"), evaluated(7)]
    run = record(events)
    assert {name: counts(part)[:2] for name, part in by(Breakdown.PAIR, [run]).items()} == {
        "BTC-USDT": [7, 1],
        "SOL-USDT": [5, 0],
    }
    assert list(by(Breakdown.STRATEGY, [run])) == ["recovery_dca", "recovery_swing"]


def test_one_run_that_did_not_count_its_candles_leaves_the_sum_unknown() -> None:
    counted, not_counted = record([evaluated(7), signal("x")]), record([signal("x")])
    assert total([counted, counted]).counts[Step.EVALUATED] == 14
    assert total([counted, not_counted]).counts[Step.EVALUATED] is None
    assert total([counted, RunRecord()]).counts[Step.EVALUATED] == 7
    other = record([replace(signal("x"), pair="ETH-USDT")])
    parts = by(Breakdown.PAIR, [counted, other])
    assert (parts["BTC-USDT"].counts[Step.EVALUATED], parts["ETH-USDT"].counts[Step.EVALUATED]) == (7, None)


@settings(max_examples=50)
@given(st.lists(runs(), max_size=3), st.integers(0, 3), st.sampled_from(Breakdown))
def test_steps_only_lose_and_every_loss_is_counted_once(
    journals: list[list[ev.Event]], cut: int, breakdown: Breakdown
) -> None:
    """Whatever is missing at a journal's end: what did not reach a step is exactly what was lost before it."""
    records = [record(events[: len(events) - cut]) for events in journals]
    whole = total(records)
    for before, step in pairwise(list(Step)[1:]):
        lost_here = sum(whole.lost[step].values())
        assert (whole.counts[before] or 0) - lost_here == (whole.counts[step] or 0)
    assert whole.trades == whole.counts[Step.CLOSED]
    parts = by(breakdown, records).values()
    for step in Step:
        if whole.counts[step] is not None:
            assert sum(part.counts[step] or 0 for part in parts) == whole.counts[step]
    assert sum(part.orders for part in parts) == whole.orders
    assert all(life.reason is None for run in records for life in lives(run) if life.reached is Step.CLOSED)
