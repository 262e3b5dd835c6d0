"""The session: every signal is decided and journaled with a reason; what is taken is claimed until its executor closed."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.models.executors import CloseType

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.config_fields import MONTH_S
from shared.bot.session import Proposal, Session
from shared.domain import events as ev
from shared.domain.limits import Limits
from shared.domain.protections import Protections
from shared.domain.signals import Refusal, Side, Signal
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.fake_exchange import PAIR, START_S
from tests.unit.bot.test_recorder import executor

LIMITS = Limits(max_positions=2, max_positions_per_pair=1, capital_quote=Decimal(1_000))


def signal(name: str = "a", controller: str = "c", pair: str = PAIR) -> Signal:
    return Signal(
        signal_id=name,
        controller_id=controller,
        strategy="recovery_dca",
        pair=pair,
        side=Side.BUY,
        candle_close_ms=1,
        price=100.0,
        confidence=0.5,
        thresholds={"drop_threshold": 0.03},
        values={"drop": 0.04},
        components={"depth": 0.5},
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
        **bounds: Any,
    ) -> bool:
        protections = Protections(max_positions=max_positions, cooldown_s=cooldown_s, **bounds)
        return under.decide(Proposal(signal(name, controller, pair), Decimal(amount), protections, own_refusal=own))

    return decide


def close(under: Session, name: str, by: CloseType = CloseType.TAKE_PROFIT, *, filled: bool = True) -> None:
    """Its executor opened, was filled or not, and closed."""
    made = executor(name)
    made.close_type = by
    under.executor_opened(made)
    if filled:
        fill(under, name)
    under.executor_closed(made, pnl_quote=Decimal(1), fees_quote=Decimal(0))


def fill(under: Session, name: str) -> None:
    """Its executor's only order is filled."""
    under.order_submitted(
        executor(name),
        f"order-{name}",
        side=TradeType.BUY,
        order_type="LIMIT",
        price=Decimal(100),
        amount=Decimal(1),
        closing=False,
    )
    under.append(
        ev.OrderFilled(
            at_ms=1,
            trade_id=f"fill-{name}",
            order_id=f"order-{name}",
            signal_id=name,
            pair=PAIR,
            side=Side.BUY,
            price=Decimal(100),
            amount=Decimal(1),
            fee_quote=Decimal(0),
        )
    )


def reasons(under: Session) -> list[str | None]:
    """Of every signal in the journal, oldest first."""
    return [event.reason for event in under.journal.read("run") if isinstance(event, ev.SignalDecided)]


@pytest.fixture
def under_limits(clock: VirtualClock) -> Session:
    return Session(MemoryJournal(), LIMITS)


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


STOP = CloseType.STOP_LOSS


def test_a_cooldown_after_a_stop_ends_to_the_second(under_limits: Session, clock: VirtualClock) -> None:
    decide = deciding(under_limits)
    assert decide("a", cooldown_s=0, cooldown_after_stop_s=600)
    clock.jump(1_000)
    close(under_limits, "a", STOP)
    clock.jump(599)
    assert not decide("b", cooldown_s=0, cooldown_after_stop_s=600)
    assert decide("c", controller="other", pair="ETH-USDT", cooldown_s=0, cooldown_after_stop_s=600)
    clock.jump(1)
    assert decide("d", cooldown_s=0, cooldown_after_stop_s=600)
    assert reasons(under_limits) == [None, Refusal.COOLDOWN_AFTER_STOP, None, None]


@pytest.mark.parametrize("by", [CloseType.TAKE_PROFIT, CloseType.TIME_LIMIT, CloseType.EARLY_STOP], ids=str)
def test_only_a_stop_has_a_cooldown_of_its_own(by: CloseType, under_limits: Session) -> None:
    decide = deciding(under_limits)
    assert decide("a", cooldown_s=0, cooldown_after_stop_s=600)
    close(under_limits, "a", by)
    assert decide("b", cooldown_s=0, cooldown_after_stop_s=600)


def ends(under: Session, *types: CloseType, filled: bool = True) -> None:
    """One position after the other was taken and ended so."""
    decide = deciding(under)
    for by in types:
        name = f"{by.name}-{len(under.record.signals)}"
        assert decide(name, cooldown_s=0)
        close(under, name, by, filled=filled)


BAN = {"cooldown_s": 0, "stops_in_a_row": 3, "ban_s": 3_600}


def test_stops_in_a_row_ban_and_the_ban_ends_to_the_second(under_limits: Session, clock: VirtualClock) -> None:
    decide = deciding(under_limits)
    ends(under_limits, STOP, STOP)
    assert decide("third", **BAN), "two stops are no reason yet"
    close(under_limits, "third", STOP)
    clock.jump(3_599)
    assert not decide("banned", **BAN)
    clock.jump(1)
    assert decide("free", **BAN)
    close(under_limits, "free", STOP)
    assert not decide("again", **BAN), "a fourth in the same row"
    assert reasons(under_limits)[-3:] == [Refusal.STOPS_IN_A_ROW, None, Refusal.STOPS_IN_A_ROW]


@pytest.mark.parametrize("by", [CloseType.TAKE_PROFIT, CloseType.TIME_LIMIT, CloseType.EARLY_STOP], ids=str)
def test_another_end_in_between_begins_the_row_anew(by: CloseType, under_limits: Session) -> None:
    ends(under_limits, STOP, STOP, by, STOP, STOP)
    assert deciding(under_limits)("free", **BAN)


def test_an_entry_that_was_never_filled_is_no_end_in_between(under_limits: Session) -> None:
    ends(under_limits, STOP, STOP)
    ends(under_limits, CloseType.EARLY_STOP, filled=False)
    ends(under_limits, STOP)
    assert not deciding(under_limits)("banned", **BAN)
    assert reasons(under_limits)[-1] == Refusal.STOPS_IN_A_ROW


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


def test_another_phase_ends_no_pause(under_limits: Session, clock: VirtualClock) -> None:
    decide = deciding(under_limits)
    assert decide("a", controller="recovery_dca_phase1_BTC-USDT")
    close(under_limits, "a")
    assert not decide("b", controller="recovery_dca_phase2_BTC-USDT")
    assert not decide("c", controller="recovery_dca_BTC-USDT")
    assert decide("d", controller="recovery_dca_phase1_ETH-USDT", pair="ETH-USDT")
    assert reasons(under_limits) == [None, Refusal.COOLDOWN, Refusal.COOLDOWN, None]


def test_a_restart_ends_no_pause(clock: VirtualClock) -> None:
    first = Session(MemoryJournal(), LIMITS)
    assert deciding(first)("a")
    close(first, "a")
    clock.jump(299)

    restarted, of_another_market = Session(MemoryJournal(), LIMITS), Session(MemoryJournal(), LIMITS)
    restarted.remember(first.record)
    assert not deciding(restarted)("b")
    assert reasons(restarted) == [Refusal.COOLDOWN]
    clock.jump(-300)
    of_another_market.remember(first.record)
    assert deciding(of_another_market)("b"), "what lies ahead has not happened"


# Runs of a home, one after the other.


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: VirtualClock) -> Callable[[], Session]:
    """Starts a bot in the home; the one before has been stopped a second ago."""
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setattr(session, "_market", None)
    monkeypatch.delenv("RECOVERY_VENUE_URL", raising=False)
    monkeypatch.setattr(session, "journal_path", lambda: tmp_path / "journal.sqlite")

    def start() -> Session:
        if session._current is not None:
            session._current.end()
            clock.jump(1)
        begun = session.begin(LIMITS)
        begun.watch({}, script="recovery_dca.py", market=session.market_name())
        return begun

    return start


def test_a_ban_is_read_from_the_journal_however_many_runs_ago_it_began(
    home: Callable[[], Session], clock: VirtualClock
) -> None:
    ends(home(), STOP)
    ends(home(), STOP, STOP)
    for _ in range(3):
        assert not deciding(home())("banned", **BAN)
    clock.jump(3_600)
    assert deciding(home())("free", **BAN)


def test_what_came_between_two_stops_is_remembered_in_its_order(home: Callable[[], Session]) -> None:
    ends(home(), STOP, STOP)
    ends(home(), STOP)
    ends(home(), CloseType.TAKE_PROFIT)
    assert deciding(home())("free", **BAN)


def test_another_markets_past_is_not_this_ones(home: Callable[[], Session]) -> None:
    """A replay of an earlier day bans nobody on live data."""
    session.trade_on("replay:/candles/a.csv, seed 1")
    ends(home(), STOP, STOP, STOP)
    session.trade_on("live")
    assert deciding(home())("free", **BAN)
    session.trade_on("replay:/candles/a.csv, seed 1")
    assert not deciding(home())("banned", **BAN)


def test_a_simulated_market_that_starts_over_has_no_past(home: Callable[[], Session], clock: VirtualClock) -> None:
    ends(home(), STOP, STOP, STOP)
    clock.jump(600)
    assert not deciding(home())("banned", **BAN)
    clock.jump(START_S - 60 - clock.time())
    again = home()
    assert deciding(again)("free", **BAN)
    assert session._past_runs(again.journal, int((START_S - 60) * 1000)) == [], "runs that lie ahead are not even read"


def test_nobody_looks_back_further_than_the_longest_pause(
    home: Callable[[], Session], clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(home(), STOP, STOP, STOP)
    home().end()
    clock.jump(MONTH_S + 1)
    remembered: list[Any] = []
    monkeypatch.setattr(Session, "remember", lambda self, run: remembered.append(run))
    monkeypatch.setattr(session, "_current", None)
    home()
    assert remembered == []


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
