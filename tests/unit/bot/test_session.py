"""The session: every signal is decided and journaled with a reason; what is taken is claimed until its executor closed."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.session import Session
from shared.domain import events as ev
from shared.domain.limits import Limits
from shared.domain.signals import Refusal, Side, Signal
from shared.simulator.virtual_time import VirtualClock, virtual_time
from tests.unit.bot.fake_exchange import PAIR, START_S
from tests.unit.bot.test_recorder import executor

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
