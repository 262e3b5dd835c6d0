"""The phase as the journal's file has it: cheap to ask for, beside a bot that writes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters import phase_journal
from shared.adapters.phase_journal import change_phase, current_phase, phase_changes
from shared.adapters.sqlite_journal import SqliteJournal
from shared.ports import JournalError
from tests.unit.domain.generated_runs import finished, round_trip, run_started
from tests.unit.domain.phase_changes import changed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "recovery_journal.sqlite"


def test_without_a_journal_a_home_is_in_phase_1(path: Path) -> None:
    assert current_phase(path) == 1
    assert phase_changes(path) == []
    assert not path.parent.exists(), "asking makes nothing"


def test_a_change_is_the_newest_whatever_bots_write(path: Path) -> None:
    bot = SqliteJournal(path, run_id="bot")
    bot.append(run_started())
    assert current_phase(path) == 1
    change_phase(path, changed(2, 1))
    bot.append(run_started())
    assert current_phase(path) == 2
    change_phase(path, changed(1, 2, reason="back"))
    assert current_phase(path) == 1
    assert [(each.to_phase, each.reason) for each in phase_changes(path)] == [(2, ""), (1, "back")]
    bot.close()


def test_a_change_is_no_run_and_no_part_of_one(path: Path) -> None:
    events = finished([round_trip()])
    journal = SqliteJournal(path, run_id="bot")
    for event in events:
        journal.append(event)
        change_phase(path, changed(2))
    journal.close()
    reader = SqliteJournal(path)
    assert reader.runs() == ["bot"]
    assert list(reader.read("bot")) == events
    with closing(sqlite3.connect(path)) as database:
        ids = [row[0] for row in database.execute("SELECT run_id FROM events WHERE kind = 'phase_changed'")]
    assert len(set(ids)) == len(events), "an id of its own each"
    assert all(len(run_id) == 32 and int(run_id, 16) for run_id in ids), "as the store wants them"


def test_a_change_decided_on_another_phase_is_refused(path: Path) -> None:
    """Two people at once: the second looked at a phase that is not the home's any more."""
    change_phase(path, changed(2, 1))
    with pytest.raises(JournalError, match="is in phase 2 by now, not in 1: look again"):
        change_phase(path, changed(2, 1))
    assert [change.to_phase for change in phase_changes(path)] == [2]


def test_it_is_found_by_its_index(path: Path) -> None:
    """A journal grows to millions of events, and the trading loop asks every few seconds."""
    change_phase(path, changed(2, 1))
    with closing(sqlite3.connect(path)) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {phase_journal._CHANGES} DESC LIMIT 1").fetchall()
    assert "events_of_phases" in plan[0][3]


def test_a_journal_that_was_only_just_made_is_empty(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert current_phase(path) == 1


def test_a_journal_from_before_phases_is_read(path: Path) -> None:
    SqliteJournal(path, run_id="old").append(run_started())
    with closing(sqlite3.connect(path)) as database:
        database.execute("DROP INDEX events_of_phases")
    assert current_phase(path) == 1
    change_phase(path, changed(2, 1))
    assert current_phase(path) == 2


def test_a_file_that_is_no_journal_is_named(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("not a database " * 100)
    for ask in (current_phase, phase_changes):
        with pytest.raises(JournalError, match=r"recovery_journal\.sqlite: cannot read the phase: "):
            ask(path)
    with pytest.raises(JournalError):
        change_phase(path, changed(2))


def test_what_is_no_change_of_phase_is_named(path: Path) -> None:
    SqliteJournal(path, run_id="one").close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO events (run_id, at_ms, kind, payload) VALUES ('a', 1, 'phase_changed', '{}')")
    with pytest.raises(JournalError, match="cannot read the phase: not a journal event"):
        current_phase(path)


@pytest.mark.parametrize("phase", [0, 5, -1])
def test_a_phase_that_there_is_not_is_refused(path: Path, phase: int) -> None:
    change_phase(path, changed(phase))
    with pytest.raises(JournalError, match=rf"to_phase = {phase}: must be 1 to 4"):
        current_phase(path)
