"""The levels of an executor: one sent too late is cancelled or closed, one refused again and again is given up."""

from decimal import Decimal

import pytest
from hummingbot.strategy_v2.executors.dca_executor.dca_executor import DCAExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot import session
from shared.bot.executors import RecoveryDcaExecutor
from tests.conftest import VirtualRun
from tests.unit.bot.executor_bench import PASSES, Bench, dca, fixed_upstream


async def place_a_level_in_the_closing_tick(bench: Bench) -> None:
    """The first level reached its profit before the second was even sent: one pass sends it and closes."""
    await bench.enter_and_reach(110)
    assert len(bench.buys) == 2
    assert len(bench.sells) == 1
    bench.exchange.acknowledge(bench.buys[1])
    bench.exchange.fill(bench.sells[0], 110)


def test_stock_forgets_a_level_placed_in_the_closing_tick(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(DCAExecutor, dca((100, 99), take_profit=Decimal("0.01")), taken)
        await place_a_level_in_the_closing_tick(bench)
        await bench.one_pass()
        assert bench.executor.status is RunnableStatus.TERMINATED
        assert bench.exchange.cancels == []
        assert bench.exchange.live == [bench.buys[1]]

    run_virtual(scenario())


def test_a_level_placed_in_the_closing_tick_is_cancelled(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 99), take_profit=Decimal("0.01")), taken)
        await place_a_level_in_the_closing_tick(bench)
        await bench.one_pass()
        assert bench.exchange.cancels == [bench.buys[1]]
        assert bench.executor.status is RunnableStatus.SHUTTING_DOWN
        bench.exchange.confirm_cancel(bench.buys[1])
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.assert_proved()

    run_virtual(scenario())


@pytest.mark.parametrize("amount", [None, "0.4"], ids=["whole", "part"])
def test_a_level_that_fills_while_it_is_cancelled_is_closed_too(
    amount: str | None, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 99), take_profit=Decimal("0.01")), taken)
        await place_a_level_in_the_closing_tick(bench)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[1], 99, amount)
        if amount:
            bench.exchange.confirm_cancel(bench.buys[1])
        await bench.one_pass()
        assert len(bench.sells) == 2
        assert bench.executor.status is RunnableStatus.SHUTTING_DOWN
        bench.exchange.fill(bench.sells[1], 97)
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.assert_proved()

    run_virtual(scenario())


def test_a_level_not_yet_acknowledged_is_waited_for(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 99), take_profit=Decimal("0.01")), taken)
        await bench.enter_and_reach(110)
        bench.exchange.fill(bench.sells[0], 110)
        await bench.one_pass()
        assert bench.exchange.cancels == []
        assert bench.executor.status is RunnableStatus.SHUTTING_DOWN
        bench.exchange.acknowledge(bench.buys[1])
        await bench.one_pass()
        assert bench.exchange.cancels == [bench.buys[1]]
        bench.exchange.confirm_cancel(bench.buys[1])
        await bench.one_pass()
        bench.assert_proved()

    run_virtual(scenario())


async def refuse_every_level(bench: Bench) -> None:
    for _ in range(PASSES):
        await bench.one_pass()
        for order_id in bench.exchange.live:
            bench.exchange.refuse(order_id)


@fixed_upstream
def test_stock_sends_a_refused_level_for_ever(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(DCAExecutor, dca(), taken)
        await refuse_every_level(bench)
        assert len(bench.buys) == PASSES
        assert bench.executor.status is RunnableStatus.RUNNING

    run_virtual(scenario())


def test_a_refused_level_is_given_up(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(), taken)
        await refuse_every_level(bench)
        assert bench.is_closed_by(CloseType.FAILED)
        assert len(bench.buys) == bench.executor._max_retries + 1 == 16
        assert all(order.failed is not None for order in bench.record.orders)
        bench.assert_proved()

    run_virtual(scenario())


def test_giving_up_leaves_no_order_behind(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(), taken)
        for _ in range(PASSES):
            for order_id in bench.exchange.live:
                bench.exchange.refuse(order_id)
            await bench.one_pass()
        assert bench.is_closed_by(CloseType.FAILED)
        assert set(bench.exchange.live) <= set(bench.exchange.cancels)

    run_virtual(scenario())


def test_giving_up_closes_what_is_held_first(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 99)), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        for _ in range(PASSES):
            await bench.one_pass()
            for order_id in bench.exchange.live:
                if order_id in bench.exchange.cancels:
                    bench.exchange.confirm_cancel(order_id)
                elif order_id in bench.sells:
                    bench.exchange.fill(order_id, 100)
                else:
                    bench.exchange.refuse(order_id)
        assert bench.is_closed_by(CloseType.FAILED)
        assert len(bench.sells) == 1
        bench.assert_proved()

    run_virtual(scenario())


def test_a_position_is_not_abandoned_when_a_later_level_is_refused(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 99), stop_loss=Decimal("0.04")), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        for _ in range(PASSES):
            await bench.one_pass()
            for order_id in bench.exchange.live:
                if order_id in bench.sells:
                    bench.exchange.fill(order_id, 100)
                else:
                    bench.exchange.refuse(order_id)
        held = bench.exchange.balances["BTC"]
        assert held == 0 or bench.executor.status is not RunnableStatus.TERMINATED

    run_virtual(scenario())
