"""The guards of our executors, each beside Hummingbot's own executor running into the defect it guards against."""

from decimal import Decimal
from typing import Any

import pytest
from hummingbot.strategy_v2.executors.dca_executor.dca_executor import DCAExecutor
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.executors import RecoveryDcaExecutor, RecoveryPositionExecutor
from shared.domain.signals import Side
from shared.domain.verification import verify
from tests.conftest import VirtualRun
from tests.unit.bot.executor_bench import SIGNAL_ID, Bench, dca, position
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR, RELEASE, FakeStrategy

fixed_upstream = pytest.mark.skipif(RELEASE != "20260126", reason=f"Hummingbot {RELEASE} has fixed this itself")


async def fall_and_run_out_of_time(bench: Bench) -> None:
    """Stop loss and time limit are touched in one pass."""
    await bench.one_pass()
    bench.exchange.fill(bench.buys[0], 100)
    bench.exchange.set_price(90)
    bench.strategy.current_timestamp += 120
    await bench.one_pass()


BOTH_BARRIERS = {"stop_loss": Decimal("0.04"), "time_limit": 60}
TWO_KINDS = [(DCAExecutor, dca), (PositionExecutor, position)]
OUR_KINDS = [(RecoveryDcaExecutor, dca), (RecoveryPositionExecutor, position)]


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


TRAILING = TrailingStop(activation_price=Decimal("0.02"), trailing_delta=Decimal("0.01"))


async def trail_and_run_out_of_time(bench: Bench) -> None:
    await bench.one_pass()
    bench.exchange.fill(bench.buys[0], 100)
    bench.exchange.set_price(110)
    await bench.one_pass()
    assert bench.sells == []
    bench.exchange.set_price(105)
    bench.strategy.current_timestamp += 120
    await bench.one_pass()


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
    await bench.one_pass()
    bench.exchange.fill(bench.buys[0], 100)
    bench.exchange.set_price(110)
    await bench.one_pass()
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
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        bench.exchange.set_price(110)
        await bench.one_pass()
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


async def place_a_level_in_the_closing_tick(bench: Bench) -> None:
    """The first level reached its profit before the second was even sent: one pass sends it and closes."""
    await bench.one_pass()
    bench.exchange.fill(bench.buys[0], 100)
    bench.exchange.set_price(110)
    await bench.one_pass()
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
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        bench.exchange.set_price(110)
        await bench.one_pass()
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


PASSES = 40


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


async def close_in_two_orders(bench: Bench, end_first: str) -> None:
    """The first closing order ends after a part; a second one closes the rest at another price."""
    await bench.one_pass()
    bench.exchange.fill(bench.buys[0], 100)
    bench.exchange.set_price(110)
    await bench.one_pass()
    bench.exchange.fill(bench.sells[0], 110, "0.4")
    getattr(bench.exchange, end_first)(bench.sells[0])
    await bench.one_pass()
    assert len(bench.sells) == 2
    bench.exchange.fill(bench.sells[1], 90)
    await bench.one_pass()


def test_the_close_price_is_the_average_over_all_closing_orders(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(take_profit=Decimal("0.01")), taken)
        await close_in_two_orders(bench, "confirm_cancel")
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        assert bench.executor.close_price == Decimal("98.0")  # 0.4 at 110 and 0.6 at 90
        # Stock takes the first order's price for the whole.
        assert DCAExecutor.close_price.fget(bench.executor) == 110
        assert bench.record.closed is not None
        assert bench.record.closed.reported_pnl_quote == bench.record.pnl_quote == Decimal("-2.198")
        bench.assert_proved()

    run_virtual(scenario())


def test_a_closing_order_that_fails_after_a_part_is_not_closed_again(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(take_profit=Decimal("0.01")), taken)
        await close_in_two_orders(bench, "refuse")
        assert [bench.exchange.orders[order_id].amount for order_id in bench.sells] == [1, Decimal("0.6")]
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.assert_proved()

    run_virtual(scenario())


def test_a_close_that_is_refused_is_tried_again(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(take_profit=Decimal("0.01")), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        bench.exchange.set_price(110)
        await bench.one_pass()
        bench.exchange.refuse(bench.sells[0])
        await bench.one_pass()
        assert len(bench.sells) == 2
        bench.exchange.fill(bench.sells[1], 110)
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.assert_proved()

    run_virtual(scenario())


def test_while_running_the_close_price_is_the_markets(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(), taken)
        assert bench.executor.close_price == 100
        bench.exchange.set_price(101)
        assert bench.executor.close_price == 101
        bench.executor.close_execution_by(CloseType.EARLY_STOP)
        assert bench.executor.close_price == 101

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("kind", "config", "kept"),
    [
        (DCAExecutor, dca, False),
        (PositionExecutor, position, False),
        (RecoveryDcaExecutor, dca, True),
        (RecoveryPositionExecutor, position, True),
    ],
)
def test_the_report_of_a_closed_executor_is_made_once(
    kind: type[Any], config: Any, kept: bool, taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(kind, config(time_limit=60), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        assert bench.executor.executor_info is not bench.executor.executor_info
        bench.strategy.current_timestamp += 60
        await bench.one_pass()
        bench.exchange.fill(bench.sells[0], 99)
        await bench.one_pass()
        report = bench.executor.executor_info
        assert report.close_type is CloseType.TIME_LIMIT
        assert report.net_pnl_quote == Decimal("-1.199")
        assert (bench.executor.executor_info is report) is kept

    run_virtual(scenario())


def test_each_order_is_journaled_as_the_venue_gets_it(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        config = dca((300,), take_profit=Decimal("0.01"))
        config.prices = [Decimal("99.123456")]
        bench = Bench(RecoveryDcaExecutor, config, taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 99)
        bench.exchange.set_price(110)
        await bench.one_pass()
        bench.exchange.fill(bench.sells[0], 110)
        await bench.one_pass()
        entry, closing = (order.submitted for order in bench.record.orders)
        assert (entry.order_type, entry.price, entry.amount) == ("LIMIT", Decimal("99.12"), Decimal("3.026"))
        assert (entry.side, entry.closing, entry.signal_id) == (Side.BUY, False, SIGNAL_ID)
        assert (closing.order_type, closing.price, closing.amount) == ("MARKET", None, Decimal("3.026"))
        assert (closing.side, closing.closing, closing.account) == (Side.SELL, True, ACCOUNT)
        assert bench.executor.config.id == bench.record.opened.executor_id
        bench.assert_proved()

    run_virtual(scenario())


def test_an_executor_refused_in_its_constructor_is_opened_and_closed(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    """Its amount is below the venue's minimum: Hummingbot ends it before it has orders to sum up."""

    async def scenario() -> None:
        config = dca((100,))
        config.amounts_quote = [Decimal(1)]
        bench = Bench(RecoveryDcaExecutor, config, taken)
        assert bench.record.closed is not None
        assert bench.record.closed.close_type == "FAILED"
        assert bench.record.closed.reported_pnl_quote == 0
        assert taken._reservations == {}

    run_virtual(scenario())


def test_an_executor_that_cannot_be_made_is_a_failure_of_the_run(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    """Hummingbot logs it and goes on; the taken signal would hold its reservation for ever."""

    async def scenario() -> None:
        strategy = FakeStrategy()
        strategy.connector.trading_rules.clear()
        with pytest.raises(KeyError):
            RecoveryDcaExecutor(strategy, dca())
        assert isinstance(taken.failure, KeyError)

    run_virtual(scenario())


@pytest.mark.xfail(
    strict=True, reason="RecoveryPositionExecutor: a closing order that fails after a part is forgotten with its fills"
)
def test_a_position_executors_close_that_fails_after_a_part_is_not_closed_again(
    taken: session.Session, run_virtual: VirtualRun
) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryPositionExecutor, position(take_profit=Decimal("0.01")), taken)
        await close_in_two_orders(bench, "refuse")
        assert [bench.exchange.orders[order_id].amount for order_id in bench.sells] == [1, Decimal("0.6")]

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


def test_a_close_refused_for_ever_ends_and_is_named(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(take_profit=Decimal("0.01")), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        bench.exchange.set_price(110)
        for _ in range(PASSES):
            await bench.one_pass()
            for order_id in bench.exchange.live:
                bench.exchange.refuse(order_id)
        assert bench.is_closed_by(CloseType.FAILED)
        assert len(bench.sells) <= bench.executor._max_retries + 1
        bench.session.end()
        assert (
            "executor executor-1 closed with 1.000 base of BTC-USDT left over"
            in verify(bench.session.record).mismatches
        )

    run_virtual(scenario())


def test_stopping_twice_is_journaled_once(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(), taken)
        bench.executor.close_execution_by(CloseType.INSUFFICIENT_BALANCE)
        bench.executor.stop()
        assert isinstance(taken.journal, MemoryJournal)
        kinds = [event.kind for event in taken.journal.read("run")]
        assert kinds == ["run_started", "signal", "executor_opened", "executor_closed"]

    run_virtual(scenario())


def test_dust_below_the_minimum_order_is_left_and_named(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(take_profit=Decimal("0.01")), taken)
        await bench.one_pass()
        bench.exchange.fill(bench.buys[0], 100)
        bench.exchange.trading_rules[PAIR].min_order_size = Decimal("0.01")
        bench.exchange.set_price(110)
        await bench.one_pass()
        bench.exchange.fill(bench.sells[0], 110, "0.995")
        bench.exchange.confirm_cancel(bench.sells[0])
        await bench.one_pass()
        assert bench.is_closed_by(CloseType.TAKE_PROFIT)
        bench.session.end()
        mismatches = verify(bench.session.record).mismatches
        assert mismatches == ("executor executor-1 closed with 0.005 base of BTC-USDT left over",)

    run_virtual(scenario())
