"""The pauses of a session: cooldowns and bans begin with an end of their own kind and end to the second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hummingbot.strategy_v2.models.executors import CloseType

from shared.adapters.memory_journal import MemoryJournal
from shared.bot import session
from shared.bot.config_fields import MONTH_S
from shared.bot.session import Session
from shared.domain.signals import Refusal
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.fake_exchange import START_S
from tests.unit.bot.session_samples import LIMITS, STOP, close, deciding, ends, reasons

BAN = {"cooldown_s": 0, "stops_in_a_row": 3, "ban_s": 3_600}


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


def test_a_refused_signal_starts_no_cooldown(under_limits: Session) -> None:
    decide = deciding(under_limits)
    assert not decide("a", own=Refusal.PRICE_UNAVAILABLE)
    assert decide("b")


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
