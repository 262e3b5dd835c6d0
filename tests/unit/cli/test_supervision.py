"""When a run ends, why, and what is told of it."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot import launcher, session
from shared.cli import supervision
from shared.cli.market import MarketChoice
from shared.cli.supervision import Supervisor
from shared.ports import JournalError
from tests.conftest import VirtualRun
from tests.unit.domain.generated_runs import finished, record, round_trip, signal


def supervisor(until_trades: int = 2, timeout_s: float | None = None, name: str = "simulated") -> Any:
    return Supervisor(MarketChoice(name, 7, ()), "recovery_dca_phase1.yml", until_trades, timeout_s)


def strategy(trades: int = 0, failure: BaseException | None = None) -> Any:
    run = record(finished([round_trip(str(number)) for number in range(trades)]))
    return SimpleNamespace(session=SimpleNamespace(failure=failure, record=run))


def test_a_run_goes_on_until_enough_trades_have_closed() -> None:
    watch = supervisor(until_trades=2)
    assert watch._reason_to_stop(strategy(trades=1)) is None
    assert watch._reason_to_stop(strategy(trades=2)) == "2 trades closed"
    assert not watch.timed_out


def test_time_that_is_up_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = supervisor(timeout_s=5)
    began = watch._began_s
    monkeypatch.setattr(supervision, "real_time", lambda: began + 4.9)
    assert watch._reason_to_stop(strategy()) is None
    monkeypatch.setattr(supervision, "real_time", lambda: began + 5)
    assert watch._reason_to_stop(strategy(trades=2)) == "2 trades closed", "done in time is not timed out"
    assert not watch.timed_out
    assert watch._reason_to_stop(strategy()) == "timed out after 5 s"
    assert watch.timed_out


def test_a_market_that_has_ended_is_a_time_out() -> None:
    watch = supervisor()
    watch.market_ended = asyncio.Event()
    assert watch._reason_to_stop(strategy()) is None
    watch.market_ended.set()
    assert watch._reason_to_stop(strategy()) == "the market's data ended"
    assert watch.timed_out


def test_a_hole_in_the_journal_ends_the_run() -> None:
    with pytest.raises(JournalError, match="no space left"):
        supervisor()._reason_to_stop(strategy(failure=JournalError("no space left")))


def test_the_first_reason_stands() -> None:
    watch = supervisor()
    watch.request_stop("SIGINT")
    watch.request_stop("SIGTERM")
    assert watch._stop_reason == "SIGINT"


def test_the_session_learns_what_it_trades_on_before_the_script_starts(
    run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = []

    async def run_script(*_: Any) -> None:
        named.append(session.market_name())

    monkeypatch.setattr(session, "_market", None)
    monkeypatch.setattr(launcher, "configure", lambda **_: None)
    monkeypatch.setattr(launcher, "run_script", run_script)
    config: Any = None
    run_virtual(supervisor().trade("recovery_dca.py", config, simulated=True))
    assert named == ["simulated, seed 7"]


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqliteJournal:
    path = tmp_path / "journal.sqlite"
    monkeypatch.setattr(session, "journal_path", lambda: path)
    return SqliteJournal(path, run_id="one")


def test_the_report_is_read_back_from_the_journals_file(
    journal: SqliteJournal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for event in finished([round_trip("1")], [signal("x", reason="cooldown")]):
        journal.append(event)
    watch = supervisor()
    watch._run_id = "one"
    watch._market_began_s, watch._market_ended_s = 1_000.0, 4_600.0
    watch.egress.refused["api.example.com"] = 2
    watch.request_stop("1 trades closed")
    report = watch.report()
    assert report.verification.ok
    told = report.as_json()
    assert (told["venue"], told["seed"], told["market_duration_s"], told["ready_s"]) == ("simulated", 7, 3600.0, None)
    assert told["refused_hosts"] == {"api.example.com": 2}
    watch.print_summary(report)
    shown = capsys.readouterr().out
    for part in (
        "Stopped: 1 trades closed",
        "simulated, seed 7",
        "1.00 h of market",
        "2, 1 taken, refused: 1 cooldown",
        "3, 0 failed",
        "1: 1 TAKE_PROFIT",
        "+0.84900000 quote (0.15100000 fees)",
        "2 api.example.com",
        "Verified: 1 trades add up",
    ):
        assert part in shown


def test_a_live_run_has_no_seed(journal: SqliteJournal) -> None:
    for event in finished([round_trip("1")]):
        journal.append(event)
    watch = supervisor(name="live")
    watch._run_id = "one"
    assert watch.report().seed is None
