"""The session: every signal is decided with a reason, every step is journaled, and nothing that fails is silent."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.strategy_v2.models.executors import CloseType

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.session import Session
from shared.domain import events as ev
from shared.domain.limits import Limits
from shared.domain.signals import Refusal, Side, Signal
from shared.ports import JournalError
from shared.simulator.virtual_time import VirtualClock, virtual_time
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR, RELEASE, START_S, FakeConnector

LIMITS = Limits(max_positions=2, max_positions_per_pair=1, capital_quote=Decimal(1_000))


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with virtual_time(VirtualClock(START_S, None)) as found:
        yield found


def signal(name: str = "a", controller: str = "c", pair: str = PAIR) -> Signal:
    return Signal(
        name, controller, "recovery_dca", pair, Side.BUY, 1, 100.0, 0.5, {"drop_threshold": 0.03}, {"drop": 0.04}
    )


Decide = Callable[..., bool]


def deciding(under: Session) -> Decide:
    def decide(
        name: str,
        controller: str = "c",
        pair: str = PAIR,
        amount: int = 100,
        own: Refusal | None = None,
        max_positions: int = 1,
        cooldown_s: int = 300,
    ) -> bool:
        return under.decide(
            signal(name, controller, pair),
            Decimal(amount),
            own_refusal=own,
            max_positions=max_positions,
            cooldown_s=cooldown_s,
        )

    return decide


def executor(name: str = "a", controller: str = "c", side: TradeType = TradeType.BUY) -> Any:
    config = SimpleNamespace(
        id=f"executor-{name}",
        level_id=name,
        controller_id=controller,
        connector_name=ACCOUNT,
        trading_pair=PAIR,
        side=side,
    )
    return SimpleNamespace(config=config, close_type=CloseType.TAKE_PROFIT)


def close(under: Session, name: str) -> None:
    """Its executor opened and closed."""
    under.executor_opened(executor(name))
    under.executor_closed(executor(name), pnl_quote=Decimal(1), fees_quote=Decimal(0))


def reasons(under: Session) -> list[str | None]:
    """Of every signal in the journal, oldest first."""
    return [event.reason for event in under.journal.read("run") if isinstance(event, ev.SignalDecided)]


@pytest.fixture
def under_limits(clock: VirtualClock) -> Session:
    return Session(MemoryJournal(), LIMITS)


def test_a_taken_signal_is_journaled_with_all_it_was_decided_on(under_limits: Session) -> None:
    assert deciding(under_limits)("a")
    (decided,) = under_limits.journal.read("run")
    assert decided == ev.SignalDecided(
        at_ms=int(START_S * 1000),
        signal_id="a",
        controller_id="c",
        strategy="recovery_dca",
        pair=PAIR,
        side=Side.BUY,
        candle_close_ms=1,
        price=100.0,
        confidence=0.5,
        thresholds={"drop_threshold": 0.03},
        values={"drop": 0.04},
        reason=None,
    )
    assert under_limits.record.signals == [decided]


@pytest.mark.parametrize("own", [Refusal.KILL_SWITCH, Refusal.BELOW_MINIMUM_ORDER, Refusal.PRICE_UNAVAILABLE])
def test_a_controllers_own_reason_comes_first(own: Refusal, under_limits: Session) -> None:
    under_limits.stopping = True
    assert not deciding(under_limits)("a", own=own)
    assert reasons(under_limits) == [own]


def test_nothing_is_taken_while_the_bot_winds_down(under_limits: Session) -> None:
    under_limits.stopping = True
    assert not deciding(under_limits)("a")
    assert reasons(under_limits) == [Refusal.STOPPING]


def test_one_position_a_controller_until_its_executor_closes(under_limits: Session, clock: VirtualClock) -> None:
    decide = deciding(under_limits)
    assert decide("a", cooldown_s=0)
    assert not decide("b", cooldown_s=0)
    close(under_limits, "a")
    assert decide("c", cooldown_s=0)
    assert reasons(under_limits) == [None, Refusal.POSITION_OPEN, None]


def test_a_cooldown_ends_to_the_second(under_limits: Session, clock: VirtualClock) -> None:
    decide = deciding(under_limits)
    assert decide("a")
    close(under_limits, "a")
    clock.jump(299)
    assert not decide("b")
    assert decide("c", controller="other", pair="ETH-USDT"), "a cooldown is one controller's"
    clock.jump(1)
    assert decide("d")
    assert reasons(under_limits) == [None, Refusal.COOLDOWN, None, None]


def test_a_refused_signal_starts_no_cooldown(under_limits: Session) -> None:
    decide = deciding(under_limits)
    assert not decide("a", own=Refusal.PRICE_UNAVAILABLE)
    assert decide("b")


def test_each_overall_limit_refuses_with_its_name(under_limits: Session) -> None:
    decide = deciding(under_limits)
    assert decide("a", controller="one", amount=600)
    assert not decide("b", controller="two")
    assert not decide("c", controller="two", pair="ETH-USDT", amount=401)
    assert decide("d", controller="two", pair="ETH-USDT", amount=400)
    assert not decide("e", controller="three", pair="SOL-USDT")
    assert reasons(under_limits) == [
        None,
        Refusal.MAX_POSITIONS_PER_PAIR,
        Refusal.CAPITAL,
        None,
        Refusal.MAX_POSITIONS,
    ]
    close(under_limits, "a")
    assert decide("f", controller="three", pair="SOL-USDT", amount=600), "what an executor held is free once it closed"


def test_without_overall_limits_each_controller_has_its_own(clock: VirtualClock) -> None:
    alone = Session(MemoryJournal(), None)
    decide = deciding(alone)
    taken = [decide(str(number), amount=10**9, max_positions=2, cooldown_s=0) for number in range(3)]
    assert taken == [True, True, False]
    assert reasons(alone)[-1] == Refusal.POSITION_OPEN


def test_an_executors_life_is_journaled(clock: VirtualClock) -> None:
    one = Session(MemoryJournal(), None)
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


@pytest.fixture
def watched(clock: VirtualClock) -> tuple[Session, FakeConnector]:
    one, exchange = Session(MemoryJournal(), None), FakeConnector()
    one.watch({ACCOUNT: exchange}, script="recovery_dca.py")
    return one, exchange


def place(one: Session, exchange: FakeConnector) -> str:
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


def test_a_run_begins_and_ends_with_the_accounts_balances(watched: tuple[Session, FakeConnector]) -> None:
    one, exchange = watched
    assert one.is_watching
    exchange.balances["USDT"] = Decimal(5)
    one.end()
    started, stopped = one.journal.read("run")
    assert isinstance(started, ev.RunStarted)
    assert (started.hummingbot, started.script) == (RELEASE, "recovery_dca.py")
    assert started.balances == {ACCOUNT: {"BTC": 0, "USDT": 10_000}}
    assert isinstance(stopped, ev.RunStopped)
    assert stopped.balances == {ACCOUNT: {"BTC": 0, "USDT": 5}}
    exchange.fill(exchange.place(TradeType.BUY, Decimal(1), OrderType.LIMIT, Decimal(100)), 100)
    assert len(list(one.journal.read("run"))) == 2, "nothing is heard after the end"


def test_what_becomes_of_an_order_is_journaled_with_its_signal(watched: tuple[Session, FakeConnector]) -> None:
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
    message: str, code: str, watched: tuple[Session, FakeConnector]
) -> None:
    one, exchange = watched
    exchange.refuse(place(one, exchange), message)
    failed = list(one.journal.read("run"))[-1]
    assert isinstance(failed, ev.OrderFailed)
    assert failed.code == code


def test_an_order_of_somebody_else_is_journaled_without_a_signal(watched: tuple[Session, FakeConnector]) -> None:
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
    one, exchange = Session(FullJournal(), None), FakeConnector()
    one.watch({ACCOUNT: exchange}, script="x")
    assert one.failure is None
    exchange.fill(exchange.place(TradeType.BUY, Decimal(1), OrderType.LIMIT, Decimal(100)), 100)
    assert isinstance(one.failure, JournalError)
    first = one.failure
    exchange.refuse(exchange.place(TradeType.BUY, Decimal(1), OrderType.LIMIT, Decimal(100)))
    assert one.failure is first
    assert one.record.stray_fills == [], "what is not in the journal is not in the record"


def test_an_order_that_cannot_be_journaled_is_remembered_too(clock: VirtualClock) -> None:
    """Hummingbot logs what an executor's control task raises and goes on: the order is out, the journal has a hole."""
    one, exchange = Session(FullJournal(), None), FakeConnector()
    one.watch({ACCOUNT: exchange}, script="x")
    with pytest.raises(JournalError):
        place(one, exchange)
    assert isinstance(one.failure, JournalError)


def test_a_refused_edit_is_journaled(under_limits: Session) -> None:
    under_limits.config_refused("levels = 0: must be greater than or equal to 1")
    (event,) = under_limits.journal.read("run")
    assert isinstance(event, ev.ConfigRefused)
    assert event.reason.startswith("levels = 0")


class ClosingJournal(MemoryJournal):
    """Knows whether it was let go of."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_one_session_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_current", None)
    journal = ClosingJournal()
    first = session.begin(LIMITS, journal)
    assert session.current() is first
    assert not first.is_watching
    second = session.begin(None, MemoryJournal())
    assert journal.closed
    assert session.current() is second


def test_a_controller_alone_finds_a_session_without_overall_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hummingbot Dashboard runs controllers under a script of its own."""
    monkeypatch.setattr(session, "_current", None)
    found = session.current()
    assert found.limits is None
    assert session.current() is found
    assert session.journal_path().parent.name == "data"
    found.journal.close()
