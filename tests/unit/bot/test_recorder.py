"""The recorder: every step of an order's life is journaled with its signal, and nothing that fails is silent."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop

from shared.adapters.memory_journal import MemoryJournal
from shared.bot.recorder import RunRecorder
from shared.domain import events as ev
from shared.domain.signals import Side
from shared.ports import JournalError
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.executor_bench import dca, position
from tests.unit.bot.fake_exchange import ACCOUNT, RELEASE, FakeConnector
from tests.unit.bot.session_samples import executor


def test_an_executors_life_is_journaled(clock: VirtualClock) -> None:
    one = RunRecorder(MemoryJournal())
    made = executor(side=TradeType.SELL)
    one.executor_opened(made)
    one.order_submitted(
        made, "o-1", side=TradeType.SELL, order_type="LIMIT", price=Decimal(9), amount=Decimal(2), closing=False
    )
    one.executor_closed(made, pnl_quote=Decimal("1.5"), fees_quote=Decimal("0.1"))
    made.close_type = None
    one.executor_closed(made, pnl_quote=Decimal(0), fees_quote=Decimal(0))
    opened, submitted, closed, unknown = one.journal.read("run")
    assert isinstance(opened, ev.ExecutorOpened)
    assert (opened.executor_id, opened.signal_id, opened.side, opened.account) == (
        "executor-a",
        "a",
        Side.SELL,
        ACCOUNT,
    )
    assert isinstance(submitted, ev.OrderSubmitted)
    assert (submitted.order_id, submitted.executor_id, submitted.signal_id) == ("o-1", "executor-a", "a")
    assert (submitted.side, submitted.price, submitted.amount, submitted.closing) == (Side.SELL, 9, 2, False)
    assert isinstance(closed, ev.ExecutorClosed)
    assert (closed.close_type, closed.reported_pnl_quote, closed.reported_fees_quote) == (
        "TAKE_PROFIT",
        Decimal("1.5"),
        Decimal("0.1"),
    )
    assert isinstance(unknown, ev.ExecutorClosed)
    assert unknown.close_type == "NONE"


def test_what_a_position_was_opened_with_is_journaled(clock: VirtualClock) -> None:
    one = RunRecorder(MemoryJournal())
    config = dca(
        (100, 98),
        TradeType.SELL,
        take_profit=Decimal("0.01"),
        stop_loss=Decimal("0.04"),
        trailing_stop=TrailingStop(activation_price=Decimal("0.02"), trailing_delta=Decimal("0.01")),
        time_limit=3_600,
        leverage=5,
    )
    config.amounts_quote = [Decimal(10), Decimal(20)]
    one.executor_opened(SimpleNamespace(config=config))
    one.executor_opened(SimpleNamespace(config=dca()))
    one.executor_opened(SimpleNamespace(config=position()))
    opened = [event for event in one.journal.read("run") if isinstance(event, ev.ExecutorOpened)]
    assert [event.terms for event in opened] == [
        ev.PositionTerms(
            prices=(Decimal(100), Decimal(98)),
            amounts_quote=(Decimal(10), Decimal(20)),
            take_profit=Decimal("0.01"),
            stop_loss=Decimal("0.04"),
            trailing_activation=Decimal("0.02"),
            trailing_delta=Decimal("0.01"),
            time_limit_s=3_600,
            leverage=5,
        ),
        ev.PositionTerms(
            prices=(Decimal(100),),
            amounts_quote=(Decimal(100),),
            take_profit=None,
            stop_loss=None,
            trailing_activation=None,
            trailing_delta=None,
            time_limit_s=None,
            leverage=1,
        ),
        None,
    ]


@pytest.fixture
def watched(clock: VirtualClock) -> tuple[RunRecorder, FakeConnector]:
    one, exchange = RunRecorder(MemoryJournal()), FakeConnector()
    one.watch({ACCOUNT: exchange}, script="recovery_dca.py", market="live")
    return one, exchange


def place(one: RunRecorder, exchange: FakeConnector) -> str:
    order_id = exchange.place(TradeType.BUY, Decimal(1), OrderType.LIMIT, Decimal(100))
    one.order_submitted(
        executor(),
        order_id,
        side=TradeType.BUY,
        order_type="LIMIT",
        price=Decimal(100),
        amount=Decimal(1),
        closing=False,
    )
    return order_id


def test_a_run_begins_and_ends_with_the_accounts_balances(watched: tuple[RunRecorder, FakeConnector]) -> None:
    one, exchange = watched
    assert one.is_watching
    exchange.balances["USDT"] = Decimal(5)
    one.end()
    started, stopped = one.journal.read("run")
    assert isinstance(started, ev.RunStarted)
    assert (started.hummingbot, started.script, started.market) == (RELEASE, "recovery_dca.py", "live")
    assert started.balances == {ACCOUNT: {"BTC": 0, "USDT": 10_000}}
    assert isinstance(stopped, ev.RunStopped)
    assert stopped.balances == {ACCOUNT: {"BTC": 0, "USDT": 5}}
    exchange.fill(exchange.place(TradeType.BUY, Decimal(1), OrderType.LIMIT, Decimal(100)), 100)
    assert len(list(one.journal.read("run"))) == 2, "nothing is heard after the end"


def test_what_becomes_of_an_order_is_journaled_with_its_signal(watched: tuple[RunRecorder, FakeConnector]) -> None:
    one, exchange = watched
    filled, cancelled, refused = (place(one, exchange) for _ in range(3))
    exchange.fill(filled, 99, "0.4")
    exchange.fill(filled, 100)
    exchange.acknowledge(cancelled)
    exchange.confirm_cancel(cancelled)
    exchange.refuse(refused, '{"code":-2010,"msg":"Account has insufficient balance for requested action."}')
    heard = [event for event in one.journal.read("run") if event.kind not in ("run_started", "order_submitted")]
    first, second, completed, gone, failed = heard
    assert isinstance(first, ev.OrderFilled)
    assert (first.order_id, first.signal_id, first.side) == (filled, "a", Side.BUY)
    assert (first.price, first.amount, first.fee_quote) == (99, Decimal("0.4"), Decimal("0.0396"))
    assert isinstance(second, ev.OrderFilled)
    assert second.trade_id != first.trade_id
    assert completed == ev.OrderCompleted(at_ms=completed.at_ms, order_id=filled, signal_id="a")
    assert gone == ev.OrderCancelled(at_ms=gone.at_ms, order_id=cancelled, signal_id="a")
    assert isinstance(failed, ev.OrderFailed)
    assert (failed.order_id, failed.code) == (refused, "-2010")


@pytest.mark.parametrize(("message", "code"), [("no code in it", "VenueRejection"), ("", "VenueRejection")])
def test_a_refusal_without_a_code_is_named_by_its_type(
    message: str, code: str, watched: tuple[RunRecorder, FakeConnector]
) -> None:
    one, exchange = watched
    exchange.refuse(place(one, exchange), message)
    failed = list(one.journal.read("run"))[-1]
    assert isinstance(failed, ev.OrderFailed)
    assert failed.code == code


def test_an_order_of_somebody_else_is_journaled_without_a_signal(watched: tuple[RunRecorder, FakeConnector]) -> None:
    one, exchange = watched
    exchange.fill(exchange.place(TradeType.SELL, Decimal(1), OrderType.MARKET, Decimal("NaN")), 100)
    assert [fill.signal_id for fill in one.record.stray_fills] == [None]


class FullJournal(MemoryJournal):
    """A disk without room, from the second event on."""

    def append(self, event: ev.Event) -> None:
        if self._lines:
            raise JournalError("no space left")
        super().append(event)


def test_a_listener_that_fails_is_remembered_although_hummingbot_goes_on(clock: VirtualClock) -> None:
    one, exchange = RunRecorder(FullJournal()), FakeConnector()
    one.watch({ACCOUNT: exchange}, script="x", market="live")
    assert one.failure is None
    exchange.fill(exchange.place(TradeType.BUY, Decimal(1), OrderType.LIMIT, Decimal(100)), 100)
    assert isinstance(one.failure, JournalError)
    first = one.failure
    exchange.refuse(exchange.place(TradeType.BUY, Decimal(1), OrderType.LIMIT, Decimal(100)))
    assert one.failure is first
    assert one.record.stray_fills == [], "what is not in the journal is not in the record"


def test_an_order_that_cannot_be_journaled_is_remembered_too(clock: VirtualClock) -> None:
    """Hummingbot logs what an executor's control task raises and goes on: the order is out, the journal has a hole."""
    one, exchange = RunRecorder(FullJournal()), FakeConnector()
    one.watch({ACCOUNT: exchange}, script="x", market="live")
    with pytest.raises(JournalError):
        place(one, exchange)
    assert isinstance(one.failure, JournalError)


def test_a_refused_edit_is_journaled(clock: VirtualClock) -> None:
    one = RunRecorder(MemoryJournal())
    one.config_refused("levels = 0: must be greater than or equal to 1")
    (event,) = one.journal.read("run")
    assert isinstance(event, ev.ConfigRefused)
    assert event.reason.startswith("levels = 0")
