"""`recovery phase`: what it refuses, what it records, and what it leaves alone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.phase_journal import current_phase, phase_changes
from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from tests.unit.cli.command import Command
from tests.unit.domain.phase_runs import PhaseTrade, round_trip, run_of, signal_of, validated

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def unreachable_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here starts a database."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:secret@127.0.0.1:9/store")


def ten_trades() -> list[ev.Event]:
    return run_of([round_trip(signal_of(number)) for number in range(10)])


def phase_of(recovery: Command) -> int:
    return current_phase(recovery.home / "data" / "recovery_journal.sqlite")


def changes(recovery: Command) -> list[ev.PhaseChanged]:
    return phase_changes(recovery.home / "data" / "recovery_journal.sqlite")


def status(recovery: Command, *arguments: str) -> dict[str, Any]:
    done = recovery("phase", "status", "--json", *arguments)
    assert done.code == 0, done
    view: dict[str, Any] = json.loads(done.out)
    return view


# Status.


def test_a_new_home_is_in_phase_1_with_nothing_proved(recovery: Command) -> None:
    view = status(recovery)
    assert (view["phase"], [gate["verdict"] for gate in view["gates"]]) == (1, ["INCONCLUSIVE"] * 4)
    assert not (recovery.home / "data").exists(), "asking makes nothing"
    assert "Phase 1, stabilise" in recovery("phase", "status").out


def test_one_gate_can_be_asked_for(recovery: Command) -> None:
    recovery.write("a", ten_trades())
    (gate,) = status(recovery, "--phase", "1")["gates"]
    assert (gate["phase"], gate["verdict"]) == (1, "PASSED")
    assert "Gate 2" not in recovery("phase", "status", "--phase", "1").out


@pytest.mark.parametrize("phase", ["0", "5", "x"])
def test_there_are_four_gates(recovery: Command, phase: str) -> None:
    assert recovery("phase", "status", "--phase", phase).code == 2


def test_queries_are_shown_when_asked_for_and_always_in_json(recovery: Command) -> None:
    recovery.write("0f1e2d", ten_trades())
    assert "select" not in recovery("phase", "status").out
    assert "where r.journal_id = '0f1e2d'" in recovery("phase", "status", "--queries").out
    assert "where r.journal_id = '0f1e2d'" in status(recovery)["gates"][0]["criteria"][0]["query"]


def test_a_store_that_cannot_be_reached_is_no_evidence(recovery: Command) -> None:
    recovery.write("a", run_of(validated()))
    gate = status(recovery, "--phase", "2")["gates"][0]
    answers = {each["name"]: (each["verdict"], each["needed"]) for each in gate["criteria"]}
    verdict, needed = answers.pop("trades_stored")
    assert verdict == "INCONCLUSIVE"
    assert needed.startswith("me@127.0.0.1:9/store (DATABASE_URL): cannot be reached")
    assert {verdict for verdict, _ in answers.values()} == {"PASSED"}


def test_wrong_settings_of_the_store_are_bad_input(recovery: Command) -> None:
    recovery.write("a", run_of(validated()))
    (recovery.home / "conf").mkdir()
    (recovery.home / "conf" / "sidecar.yml").write_text("- wrong\n")
    assert "sidecar.yml" in recovery.refused("phase", "status")


@pytest.mark.parametrize("command", ["status", "advance", "back", "history"])
def test_a_home_that_is_not_there_is_named(recovery: Command, command: str) -> None:
    elsewhere = recovery.home / "elsewhere"
    sentence = recovery.refused("phase", command, "--home", str(elsewhere))
    assert sentence == f"{elsewhere}: there is no home here; run the bot first, or name another with --home"
    assert not elsewhere.exists()


@pytest.mark.parametrize("command", ["status", "advance", "back", "history"])
def test_a_damaged_journal_is_named(recovery: Command, command: str) -> None:
    path = recovery.home / "data" / "recovery_journal.sqlite"
    path.parent.mkdir()
    path.write_text("not a database " * 100)
    assert recovery.refused("phase", command).startswith(f"{path}: cannot read the phase")


# Advance.


def test_a_gate_that_has_not_passed_is_not_left(recovery: Command) -> None:
    recovery.write("a", run_of([round_trip(signal_of(1)), PhaseTrade(signal_of(2)).open()]))
    done = recovery("phase", "advance")
    assert (done.code, done.out) == (1, "")
    assert [line.partition(" is not left: ")[2] for line in done.err.splitlines()] == [
        "closed trades: 1, asked >= 10: INCONCLUSIVE: 9 more closed trades",
        "signals reach orders: 1 of 2, asked all: FAILED: recovery_dca_phase1@2 has no order (recovery verify --run a)",
        "positions and PnL: 2 mismatches in 1 trades, asked agree: FAILED: signal recovery_dca_phase1@2 was taken but "
        "has no order (recovery verify --run a)",
    ]
    assert (phase_of(recovery), changes(recovery)) == (1, [])


def test_a_gate_that_passed_is_left(recovery: Command) -> None:
    recovery.write("a", ten_trades())
    done = recovery("phase", "advance", "--reason", "the first ten trades")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "phase 2, validate (before: 1)"
    assert "within 10 s" in done.out
    (change,) = changes(recovery)
    assert (change.from_phase, change.to_phase, change.forced, change.reason) == (1, 2, False, "the first ten trades")
    assert change.evidence == {
        "closed_trades": "PASSED: 10",
        "signals_reach_orders": "PASSED: 10 of 10",
        "reconciled": "PASSED: 0 mismatches in 10 trades",
    }
    assert status(recovery)["phase"] == 2


def test_forcing_is_recorded_as_forced(recovery: Command) -> None:
    done = recovery("phase", "advance", "--force")
    assert done.code == 0
    assert done.out.startswith("phase 2, validate, forced (before: 1)")
    (change,) = changes(recovery)
    assert (change.forced, change.reason) == (True, "no reason given")
    assert change.evidence["closed_trades"] == "INCONCLUSIVE: 0"


def test_what_has_passed_needs_no_force(recovery: Command) -> None:
    recovery.write("a", ten_trades())
    assert recovery("phase", "advance", "--force").code == 0
    (change,) = changes(recovery)
    assert (change.forced, change.reason) == (False, "the gate has passed")


def test_there_is_nothing_beyond_phase_4(recovery: Command) -> None:
    for phase in (2, 3, 4):
        assert recovery("phase", "advance", "--force").code == 0
        assert phase_of(recovery) == phase
    assert recovery.refused("phase", "advance", "--force") == "phase 4 is the last: there is none to advance to"
    assert len(changes(recovery)) == 3


def test_a_bot_that_writes_is_not_disturbed(recovery: Command) -> None:
    recovery.write("a", ten_trades())
    bot = SqliteJournal(recovery.home / "data" / "recovery_journal.sqlite", run_id="b")
    bot.append(ten_trades()[0])
    assert recovery("phase", "advance").code == 0
    bot.append(ten_trades()[-1])
    bot.close()
    reader = SqliteJournal(bot.path)
    assert reader.runs() == ["a", "b"]
    assert len(list(reader.read("b"))) == 2
    assert phase_of(recovery) == 2


# Back and history.


def test_going_back(recovery: Command) -> None:
    assert recovery("phase", "advance", "--force").code == 0
    done = recovery("phase", "back", "--reason", "too early")
    assert done.out.startswith("phase 1, stabilise (before: 2)")
    change = changes(recovery)[-1]
    assert (change.from_phase, change.to_phase, change.forced, change.reason) == (2, 1, False, "too early")
    assert recovery.refused("phase", "back").startswith("phase 1 is the first a home can be in")


def test_the_history_is_that_of_the_journal(recovery: Command) -> None:
    assert recovery("phase", "history").out == "no change yet: phase 1 from the beginning\n"
    recovery("phase", "advance", "--force", "--reason", "to look")
    recovery("phase", "back")
    shown = recovery("phase", "history").out
    assert "forced" in shown
    assert "to look" in shown
    history = json.loads(recovery("phase", "history", "--json").out)
    assert [(each["to_phase"], each["forced"]) for each in history] == [(2, True), (1, False)]


def test_it_does_not_load_hummingbot() -> None:
    program = "import sys; import shared.cli.phase\n"
    program += "assert not [name for name in sys.modules if name.partition('.')[0] in ('hummingbot', 'scipy')]"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=CHECKOUT)
