"""Trades as a list: averages and results from their fills alone."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from shared.domain import events as ev
from shared.domain.run_record import net_quote
from shared.domain.trades import Level, Trade, levels_of, totals, trades_of
from tests.unit.domain.generated_runs import TradeBuilder, record, round_trip, run_started, runs
from tests.unit.domain.test_barriers import TERMS


def listed(*builders: TradeBuilder) -> list[Trade]:
    return trades_of([("one", record([run_started(), *(event for each in builders for event in each.events)]))])


def test_a_trade_from_its_fills() -> None:
    (trade,) = listed(round_trip("1"))
    assert (trade.number, trade.run_id, trade.strategy) == (1, "one", "recovery_dca")
    assert (trade.entry.amount, trade.entry.average_price, trade.entry.amount_quote) == (Decimal("0.75"), 100, 75)
    assert trade.exit is not None
    assert trade.exit.average_price == pytest.approx(Decimal("101.3333333333"))
    assert trade.pnl_quote == Decimal("0.849")
    assert trade.profit == Decimal("0.849") / 75
    assert (trade.opened_ms, trade.closed_ms, trade.left) == (3, 7, 0)


def test_an_open_trade_has_no_result_yet() -> None:
    held = TradeBuilder("1").open()
    held.order([(Decimal(100), Decimal(1), Decimal(0))], amount=Decimal(1))
    (trade,) = listed(held)
    assert (trade.closed_ms, trade.pnl_quote, trade.profit, trade.exit, trade.left) == (None, None, None, None, 0)


def test_what_was_not_closed_has_no_result_either() -> None:
    held = TradeBuilder("1").open()
    held.order([(Decimal(100), Decimal(1), Decimal(0))], amount=Decimal(1))
    held.order([(Decimal(100), Decimal("0.75"), Decimal(0))], amount=Decimal(1), closing=True, end="failed")
    (trade,) = listed(held.close("FAILED"))
    assert (trade.left, trade.pnl_quote, trade.profit) == (Decimal("0.25"), None, None)
    summed = totals([trade])
    assert (summed.closed, summed.unclear, summed.pnl_quote, summed.profit) == (1, 1, 0, None)


def test_an_executor_without_fills_is_no_trade() -> None:
    empty = TradeBuilder("1").open()
    empty.order([], amount=Decimal(1), end="failed")
    assert listed(empty.close("FAILED")) == []
    assert totals([]).profit is None


def test_an_executor_that_is_not_ours_is_listed_without_a_signal() -> None:
    other = round_trip("1")
    opened: Any = other.events[1]
    other.events[:2] = [replace(opened, signal_id="BUY_0")]
    (trade,) = listed(other)
    assert (trade.signal, trade.strategy) == (None, "no signal of ours")


def test_the_cause_is_told_where_it_says_more_than_the_close_type() -> None:
    def caused(cause: str) -> Trade:
        trade = round_trip("1")
        decided = ev.ExitDecided(
            at_ms=6,
            executor_id=trade.executor_id,
            signal_id=trade.signal_id,
            cause=cause,
            barrier_price=None,
            best_price=None,
            expected_price=None,
            tick=Decimal(1),
            untouched_at_ms=None,
        )
        trade.events.insert(-1, decided)
        return listed(trade)[0]

    assert caused("TAKE_PROFIT").cause is None
    assert caused("channel_broken").cause == "channel_broken"


def with_terms(trade: TradeBuilder) -> TradeBuilder:
    opened: Any = trade.open().events[1]
    trade.events[1] = replace(opened, terms=TERMS)
    return trade


def test_a_level_that_was_sent_again_is_one_level() -> None:
    trade = with_terms(TradeBuilder("1"))
    # As the venue gets them: cut to its price step.
    trade.order([], amount=Decimal(1), limit=Decimal("99.99"), end="failed")
    trade.order([(Decimal("99.5"), Decimal(1), Decimal(0))], amount=Decimal(1), limit=Decimal("99.99"))
    trade.order([(Decimal(98), Decimal("0.5"), Decimal(0))], amount=Decimal(1), limit=Decimal(98), end="none")
    (listed_trade,) = listed(trade)
    assert listed_trade.levels == (Level(Decimal(100), Decimal(1)), Level(Decimal(98), Decimal("0.5")))
    assert listed_trade.levels_filled == 2


def test_without_terms_levels_are_what_was_ordered() -> None:
    trade = TradeBuilder("1").open()
    trade.order([], amount=Decimal(1), limit=Decimal(100), end="failed")
    trade.order([(Decimal(100), Decimal(1), Decimal(0))], amount=Decimal(1), limit=Decimal(100))
    trade.order([], amount=Decimal(1), limit=Decimal(98), end="none")
    trade.order([(Decimal(99), Decimal(1), Decimal(0))], amount=Decimal(1))
    trade.order([], amount=Decimal(1), end="failed")
    (executor,) = record(trade.events).executors.values()
    filled = {level.price: level.filled for level in levels_of(executor)}
    assert filled == {Decimal(100): 1, Decimal(98): 0, Decimal(99): 1}


def test_trades_are_sorted_by_time_over_all_runs() -> None:
    def at(name: str, at_ms: int) -> TradeBuilder:
        trade = round_trip(name)
        opened: Any = trade.events[1]
        trade.events[1] = replace(opened, at_ms=at_ms)
        return trade

    first, second = record([*at("a", 50).events, *at("b", 10).events]), record(at("c", 30).events)
    found = trades_of([("one", first), ("two", second)])
    assert [(trade.number, trade.run_id, trade.opened_ms) for trade in found] == [
        (1, "one", 10),
        (2, "two", 30),
        (3, "one", 50),
    ]


@settings(max_examples=50)
@given(runs())
def test_totals_are_what_the_fills_come_to(events: list[ev.Event]) -> None:
    run = record(events)
    found = trades_of([("one", run)])
    assert len(found) == len(run.closed_trades)
    summed = totals(found)
    fills = [event for event in events if isinstance(event, ev.OrderFilled)]
    assert summed.pnl_quote == net_quote(fills)
    assert summed.fees_quote == sum(fill.fee_quote for fill in fills)
    assert (summed.closed, summed.open, summed.unclear) == (len(found), 0, 0)
    for trade in found:
        assert sum(level.filled for level in trade.levels) == trade.entry.amount
