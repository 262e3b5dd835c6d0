"""When a barrier was seen working: touched, at once, for this reason, within a tick of what the book would have given."""

from decimal import Decimal
from typing import Any

import pytest

from shared.domain.exits import LARGEST_GAP, STOP_LOSS, TAKE_PROFIT, BarrierFinding, inspect_barrier
from shared.domain.run_record import ExecutorRecord, RunRecord
from shared.domain.signals import Side
from tests.unit.domain.phase_runs import ENTRY, TICK, PhaseTrade, exit_of, round_trip, run_of, signal_of


def executor_of(trade: PhaseTrade) -> ExecutorRecord:
    (executor,) = RunRecord.of(run_of([trade])).executors.values()
    return executor


def found(cause: str, side: Side = Side.BUY, **changes: Any) -> BarrierFinding | None:
    closing_price = changes.pop("closing_price", None)
    decided = exit_of(cause, side, **changes)
    trade = round_trip(signal_of(1, side=side), cause, decided=decided, closing_price=closing_price)
    return inspect_barrier(executor_of(trade), cause)


each_barrier = pytest.mark.parametrize("cause", [TAKE_PROFIT, STOP_LOSS])
each_side = pytest.mark.parametrize("side", list(Side))


@each_barrier
@each_side
def test_a_barrier_that_worked(cause: str, side: Side) -> None:
    assert found(cause, side) is BarrierFinding.WORKED


@each_barrier
@each_side
def test_touched_means_reached_on_its_side(cause: str, side: Side) -> None:
    barrier = exit_of(cause, side).barrier_price
    assert barrier is not None
    beyond = TICK if (side is Side.BUY) == (cause == TAKE_PROFIT) else -TICK
    prices = {"expected_price": barrier}
    assert found(cause, side, best_price=barrier, **prices) is BarrierFinding.WORKED
    assert found(cause, side, best_price=barrier + beyond, **prices) is BarrierFinding.WORKED
    assert found(cause, side, best_price=barrier - beyond, **prices) is BarrierFinding.NOT_TOUCHED


@each_barrier
@each_side
def test_far_beyond_its_price_it_did_not_work(cause: str, side: Side) -> None:
    """A stop at 99 that sells at 50 is no stop that works, whatever the book said."""
    barrier = exit_of(cause, side).barrier_price
    assert barrier is not None
    beyond = 1 if (side is Side.BUY) == (cause == TAKE_PROFIT) else -1
    for gap, finding in ((LARGEST_GAP, BarrierFinding.WORKED), (LARGEST_GAP * 2, BarrierFinding.GAPPED)):
        price = barrier * (1 + beyond * gap)
        assert found(cause, side, best_price=price, expected_price=price, closing_price=price) is finding


@each_barrier
@pytest.mark.parametrize("unknown", ["best_price", "barrier_price"])
def test_without_its_prices_it_was_not_touched(cause: str, unknown: str) -> None:
    assert found(cause, **{unknown: None}) is BarrierFinding.NOT_TOUCHED


@each_barrier
@pytest.mark.parametrize(
    ("after_ms", "finding"),
    [
        (0, BarrierFinding.WORKED),
        (2000, BarrierFinding.WORKED),
        (2001, BarrierFinding.LATE),
        (None, BarrierFinding.LATE),
    ],
)
def test_it_acts_at_the_first_look(cause: str, after_ms: int | None, finding: BarrierFinding) -> None:
    at_ms = 10_000
    untouched_at_ms = None if after_ms is None else at_ms - after_ms
    assert found(cause, at_ms=at_ms, untouched_at_ms=untouched_at_ms) is finding


@each_barrier
@pytest.mark.parametrize(
    ("ticks", "finding"),
    [
        ("0", BarrierFinding.WORKED),
        ("1", BarrierFinding.WORKED),
        ("-1", BarrierFinding.WORKED),
        ("1.001", BarrierFinding.OFF_PRICE),
        ("-1.001", BarrierFinding.OFF_PRICE),
    ],
)
def test_it_closes_within_a_tick_of_what_the_book_would_have_given(
    cause: str, ticks: str, finding: BarrierFinding
) -> None:
    expected = exit_of(cause).expected_price
    assert expected is not None
    assert found(cause, closing_price=expected + Decimal(ticks) * TICK) is finding


@each_barrier
def test_without_an_expectation_there_is_nothing_to_hold_it_against(cause: str) -> None:
    assert found(cause, expected_price=None, closing_price=ENTRY) is BarrierFinding.OFF_PRICE


@each_barrier
def test_a_position_closed_for_another_reason_is_no_proof(cause: str) -> None:
    trade = round_trip(signal_of(1), "FAILED", decided=exit_of(cause))
    assert inspect_barrier(executor_of(trade), cause) is BarrierFinding.CLOSED_OTHERWISE


def test_other_reasons_are_not_inspected() -> None:
    assert inspect_barrier(executor_of(round_trip(signal_of(1), "TIME_LIMIT")), TAKE_PROFIT) is None
    assert inspect_barrier(executor_of(round_trip(signal_of(1), STOP_LOSS)), TAKE_PROFIT) is None
    still_open = executor_of(round_trip(signal_of(1)))
    still_open.closed = None
    assert inspect_barrier(still_open, TAKE_PROFIT) is None
