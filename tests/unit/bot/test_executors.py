"""The guards of our executors, each beside Hummingbot's own executor running into the defect it guards against."""

from decimal import Decimal
from typing import Any

import pytest
from hummingbot.strategy_v2.executors.dca_executor.dca_executor import DCAExecutor
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot import session
from shared.bot.executors import RecoveryDcaExecutor, RecoveryPositionExecutor
from tests.conftest import VirtualRun
from tests.unit.bot.executor_bench import Bench, dca, fixed_upstream, position

BOTH_BARRIERS = {"stop_loss": Decimal("0.04"), "time_limit": 60}
TWO_KINDS = [(DCAExecutor, dca), (PositionExecutor, position)]
OUR_KINDS = [(RecoveryDcaExecutor, dca), (RecoveryPositionExecutor, position)]


async def fall_and_run_out_of_time(bench: Bench) -> None:
    """Stop loss and time limit are touched in one pass."""
    await bench.one_pass()
    bench.exchange.fill(bench.buys[0], 100)
    bench.exchange.set_price(90)
    bench.strategy.current_timestamp += 120
    await bench.one_pass()


@fixed_upstream
@pytest.mark.parametrize(("kind", "config"), TWO_KINDS)
def test_stock_closes_twice_when_two_barriers_are_touched(
    kind: type[Any], config: Any, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(kind, config(**BOTH_BARRIERS), taken)
        await fall_and_run_out_of_time(bench)
        assert len(bench.sells) == 2

    run_virtual(scenario())


@pytest.mark.parametrize(("kind", "config"), OUR_KINDS)
def test_two_barriers_touched_in_one_pass_close_once(
    kind: type[Any], config: Any, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(kind, config(**BOTH_BARRIERS), taken)
        await fall_and_run_out_of_time(bench)
        assert len(bench.sells) == 1
        bench.exchange.fill(bench.sells[0], 90)
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.STOP_LOSS)
        bench.assert_proved()

    run_virtual(scenario())


TRAILING = TrailingStop(activation_price=Decimal("0.02"), trailing_delta=Decimal("0.01"))


async def trail_and_run_out_of_time(bench: Bench) -> None:
    await bench.enter_and_reach(110)
    assert bench.sells == []
    bench.exchange.set_price(105)
    bench.strategy.current_timestamp += 120
    await bench.one_pass()


@fixed_upstream
@pytest.mark.parametrize(("kind", "config"), TWO_KINDS)
def test_stock_closes_twice_when_the_trailing_stop_meets_the_time_limit(
    kind: type[Any], config: Any, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(kind, config(trailing_stop=TRAILING, time_limit=60), taken)
        await trail_and_run_out_of_time(bench)
        assert len(bench.sells) == 2

    run_virtual(scenario())


@pytest.mark.parametrize(("kind", "config"), OUR_KINDS)
def test_trailing_stop_and_time_limit_close_once(
    kind: type[Any], config: Any, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(kind, config(trailing_stop=TRAILING, time_limit=60), taken)
        await trail_and_run_out_of_time(bench)
        assert len(bench.sells) == 1
        bench.exchange.fill(bench.sells[0], 105)
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.TRAILING_STOP)
        bench.assert_proved()

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("barriers", "price", "later_s", "close_type"),
    [
        ({"stop_loss": Decimal("0.04")}, 90, 0, CloseType.STOP_LOSS),
        ({"take_profit": Decimal("0.01")}, 110, 0, CloseType.TAKE_PROFIT),
        ({"time_limit": 60}, 100, 60, CloseType.TIME_LIMIT),
    ],
)
@pytest.mark.parametrize(("kind", "config"), OUR_KINDS)
def test_each_barrier_alone_still_closes(
    kind: type[Any],
    config: Any,
    barriers: dict[str, Any],
    price: int,
    later_s: int,
    close_type: CloseType,
    taken: session.Session,
    run_virtual: VirtualRun,
) -> None:
    async def scenario() -> None:
        bench = Bench(kind, config(**barriers), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        await bench.one_pass()
        assert bench.sells == []
        bench.exchange.set_price(price)
        bench.strategy.current_timestamp += later_s
        await bench.one_pass()
        bench.exchange.fill(bench.sells[0], price)
        await bench.one_pass()
        assert bench.is_closed_by(close_type)
        bench.assert_proved()

    run_virtual(scenario())


async def stop_while_closing(bench: Bench) -> None:
    """The trader stops the bot while a closing order is under way."""
    await bench.enter_and_reach(110)
    bench.exchange.acknowledge(bench.sells[0])
    bench.executor.early_stop()


def test_stock_closes_again_when_stopped_while_closing(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(DCAExecutor, dca(take_profit=Decimal("0.01")), taken)
        await stop_while_closing(bench)
        assert len(bench.sells) == 2

    run_virtual(scenario())


def test_a_stop_while_closing_places_no_further_close(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(take_profit=Decimal("0.01")), taken)
        await stop_while_closing(bench)
        await bench.one_pass()
        assert len(bench.sells) == 1
        bench.exchange.fill(bench.sells[0], 110)
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.executor.early_stop()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.assert_proved()

    run_virtual(scenario())


def test_a_stop_of_a_closed_position_executor_changes_nothing(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryPositionExecutor, position(take_profit=Decimal("0.01")), taken)
        await bench.enter_and_reach(110)
        bench.exchange.fill(bench.sells[0], 110)
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.executor.early_stop()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)

    run_virtual(scenario())


@pytest.mark.parametrize("filled", [True, False])
def test_a_stop_of_a_running_executor_closes_what_it_holds(
    filled: bool, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca((100, 99)), taken)
        await bench.one_pass()
        await bench.one_pass()
        if filled:
            bench.exchange.fill(bench.buys[0], 100)
        else:
            bench.exchange.acknowledge(bench.buys[0])
        bench.exchange.acknowledge(bench.buys[1])
        bench.executor.early_stop()
        for order_id in bench.exchange.cancels:
            bench.exchange.confirm_cancel(order_id)
        await bench.one_pass()
        if filled:
            bench.exchange.fill(bench.sells[0], 100)
            await bench.one_pass()
        assert bench.is_closed_by(CloseType.EARLY_STOP)
        bench.assert_proved()

    run_virtual(scenario())
