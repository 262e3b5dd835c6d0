"""What an executor journals of its life: its orders as the venue gets them, its begin and its end once."""

from decimal import Decimal

import pytest
from hummingbot.strategy_v2.models.executors import CloseType

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.executors import RecoveryDcaExecutor
from shared.domain.signals import Side
from tests.conftest import VirtualRun
from tests.unit.bot.executor_bench import SIGNAL_ID, Bench, dca
from tests.unit.bot.fake_exchange import ACCOUNT, FakeStrategy


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


def test_stopping_twice_is_journaled_once(taken: session.Session, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        bench = Bench(RecoveryDcaExecutor, dca(), taken)
        bench.executor.close_execution_by(CloseType.INSUFFICIENT_BALANCE)
        bench.executor.stop()
        assert isinstance(taken.journal, MemoryJournal)
        kinds = [event.kind for event in taken.journal.read("run")]
        assert kinds == ["run_started", "signal", "executor_opened", "executor_closed"]

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
