"""Barriers as prices, moved by each entry. That Hummingbot has them there is shown in tests/unit/bot/test_barrier_prices.py."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared.domain import events as ev
from shared.domain.barriers import BarrierSpan, barrier_spans
from shared.domain.run_record import ExecutorRecord
from shared.domain.signals import Side
from tests.unit.domain.generated_runs import TradeBuilder, record

TERMS = ev.PositionTerms(
    prices=(Decimal(100), Decimal(98)),
    amounts_quote=(Decimal(100), Decimal(98)),
    take_profit=Decimal("0.01"),
    stop_loss=Decimal("0.04"),
    trailing_activation=Decimal("0.02"),
    trailing_delta=Decimal("0.005"),
    time_limit_s=3600,
    leverage=1,
)
FIRST = [(Decimal(100), Decimal(1), Decimal("0.1"))]
SECOND = [(Decimal(98), Decimal(1), Decimal("0.1"))]


def executor(*, side: Side = Side.BUY, terms: ev.PositionTerms | None = TERMS, second: Any = SECOND) -> TradeBuilder:
    trade = TradeBuilder("1", side).open()
    opened: Any = trade.events[1]
    trade.events[1] = replace(opened, terms=terms)
    trade.order(FIRST, amount=Decimal(1), limit=Decimal(100))
    if second:
        trade.order(second, amount=Decimal(1), limit=Decimal(98))
    return trade


def built(trade: TradeBuilder, fill_times: list[int]) -> ExecutorRecord:
    """The executor, its fills at the times given."""
    times = iter(fill_times)
    events = [
        replace(event, at_ms=next(times)) if isinstance(event, ev.OrderFilled) else event for event in trade.events
    ]
    return record(events).executors["executor-1"]


def test_each_entry_moves_the_barriers() -> None:
    first, second = barrier_spans(built(executor(), [10, 20]), now_ms=50)
    # Bought 1 at 100 for a fee of 0.1: 1 % after fees is at 101.1, a loss of 4 % at 96.1.
    assert first == BarrierSpan(
        since_ms=10,
        until_ms=20,
        average_entry=Decimal(100),
        take_profit=Decimal("101.1"),
        stop_loss=Decimal("96.1"),
        stops=False,
        trailing_activation=Decimal("102.1"),
    )
    # Then 1 at 98: 99 on average, 0.2 of fees on 198.
    assert (second.since_ms, second.until_ms, second.average_entry) == (20, 50, Decimal(99))
    assert (second.take_profit, second.stop_loss) == (pytest.approx(Decimal("100.09")), pytest.approx(Decimal("95.14")))
    assert second.stops


def test_a_short_position_has_them_the_other_way_round() -> None:
    (span,) = barrier_spans(built(executor(side=Side.SELL, second=None), [10]), now_ms=50)
    assert (span.take_profit, span.stop_loss) == (Decimal("98.9"), Decimal("103.9"))


def test_a_level_filled_in_part_keeps_the_stop_waiting() -> None:
    part = [(Decimal(98), Decimal("0.5"), Decimal(0))]
    assert [span.stops for span in barrier_spans(built(executor(second=part), [10, 20]), now_ms=50)] == [False, False]


def test_a_level_that_failed_after_a_part_is_done_then() -> None:
    trade = executor(second=None)
    trade.order([(Decimal(98), Decimal("0.5"), Decimal(0))], amount=Decimal(1), limit=Decimal(98), end="failed")
    trade.events[-1] = replace(trade.events[-1], at_ms=30)
    spans = barrier_spans(built(trade, [10, 20]), now_ms=50)
    assert [(span.since_ms, span.stops) for span in spans] == [(10, False), (20, False), (30, True)]


def test_once_it_is_to_be_closed_nothing_moves_any_more() -> None:
    trade = executor()
    decided = ev.ExitDecided(
        at_ms=15,
        executor_id="executor-1",
        signal_id="signal-1",
        cause="TAKE_PROFIT",
        barrier_price=None,
        best_price=None,
        expected_price=None,
        tick=Decimal(1),
        untouched_at_ms=None,
    )
    trade.events.append(decided)
    (span,) = barrier_spans(built(trade, [10, 20]), now_ms=50)
    assert (span.since_ms, span.until_ms, span.average_entry) == (10, 15, Decimal(100))


def test_without_terms_there_are_no_barriers() -> None:
    (span, _) = barrier_spans(built(executor(terms=None), [10, 20]))
    assert (span.take_profit, span.stop_loss, span.trailing_activation, span.stops) == (None, None, None, False)
    assert span.average_entry == 100


def test_terms_may_leave_barriers_out() -> None:
    bare = replace(TERMS, take_profit=None, stop_loss=None, trailing_activation=None)
    (span, _) = barrier_spans(built(executor(terms=bare), [10, 20]))
    assert (span.take_profit, span.stop_loss, span.trailing_activation) == (None, None, None)
