"""The session: every signal is decided and journaled with a reason; what is taken is claimed until its executor closed."""

from decimal import Decimal

import pytest

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.session import Proposal, Session
from shared.domain import events as ev
from shared.domain.protections import Protections
from shared.domain.signals import Refusal, Side
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.fake_exchange import PAIR, START_S
from tests.unit.bot.session_samples import LIMITS, close, deciding, reasons, signal


def test_a_taken_signal_is_journaled_with_all_it_was_decided_on(under_limits: Session) -> None:
    proposal = Proposal(
        signal("a"),
        Decimal(100),
        Protections(max_positions=1, cooldown_s=300),
        adjustments={"levels": "5 -> 4: below_minimum_order"},
        phase=2,
        config_id="0123456789ab",
    )
    assert under_limits.decide(proposal)
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
        components={"depth": 0.5},
        adjustments={"levels": "5 -> 4: below_minimum_order"},
        phase=2,
        config_id="0123456789ab",
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


def test_a_position_is_open_until_its_executor_has_closed(under_limits: Session) -> None:
    assert deciding(under_limits)("a", controller="one")
    assert under_limits.has_open_positions("one")
    assert not under_limits.has_open_positions("two")
    close(under_limits, "a")
    assert not under_limits.has_open_positions("one")


def test_a_wish_to_leave_ends_with_the_executor(under_limits: Session) -> None:
    """Where a barrier was faster than the controller, nobody asks for the reason any more."""
    assert deciding(under_limits)("a")
    under_limits.exit_causes["executor-a"] = "channel_broken"
    close(under_limits, "a")
    assert under_limits.exit_causes == {}


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


def test_the_market_is_as_told_else_the_environments_venue_else_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_market", None)
    monkeypatch.delenv("RECOVERY_VENUE_URL", raising=False)
    assert session.market_name() == "live"
    monkeypatch.setenv("RECOVERY_VENUE_URL", "http://127.0.0.1:8765")
    assert session.market_name() == "venue http://127.0.0.1:8765"
    session.trade_on("simulated, seed 7")
    assert session.market_name() == "simulated, seed 7"


def test_a_controller_alone_finds_a_session_without_overall_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hummingbot Dashboard runs controllers under a script of its own."""
    monkeypatch.setattr(session, "_current", None)
    found = session.current()
    assert found.limits is None
    assert session.current() is found
    assert session.journal_path().parent.name == "data"
    found.journal.close()
