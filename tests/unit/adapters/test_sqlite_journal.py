"""The journal's file: only ever longer, whole after a kill, and clear about what is wrong with it."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from shared.ports import JournalError
from tests.journals import phase_changed
from tests.unit.domain.generated_runs import finished, round_trip
from tests.unit.domain.generated_runs import signal as taken_signal

CHECKOUT = Path(__file__).resolve().parents[3]

# Appends for ever, telling of each event once it is durable, until it is killed or ends itself.
_WRITER = """
import os, sys
from pathlib import Path
from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain.events import ConfigRefused

journal = SqliteJournal(Path(sys.argv[1]), run_id="killed")
for number in range(10_000):
    journal.append(ConfigRefused(at_ms=number, reason="x" * 200))
    print(number, flush=True)
    if number == int(sys.argv[2]):
        os._exit(9)
"""


def events() -> list[ev.Event]:
    return finished([round_trip()])


def test_events_are_read_back_in_order_by_another(tmp_path: Path) -> None:
    path = tmp_path / "data" / "journal.sqlite"
    journal = SqliteJournal(path, run_id="one")
    for event in events():
        journal.append(event)
        assert list(SqliteJournal(path).read("one"))[-1] == event, "an event is there once append has returned"
    journal.close()
    assert list(SqliteJournal(path).read("one")) == events()


def test_runs_share_a_file_and_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    first, second = SqliteJournal(path, run_id="zebra"), SqliteJournal(path, run_id="ant")
    for number in range(3):
        first.append(taken_signal(f"first-{number}"))
        second.append(taken_signal(f"second-{number}"))
    reader = SqliteJournal(path)
    assert reader.runs() == ["zebra", "ant"], "oldest first, whatever their names"
    assert [event.signal_id for event in reader.read("ant")] == ["second-0", "second-1", "second-2"]  # type: ignore[union-attr]
    assert list(reader.read("nonesuch")) == []
    again = SqliteJournal(path, run_id="zebra")
    again.append(taken_signal("first-3"))
    assert len(list(reader.read("zebra"))) == 4


def test_a_change_of_phase_is_in_the_file_and_no_run(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    change, bot = SqliteJournal(path, run_id="ant"), SqliteJournal(path, run_id="bee")
    change.append(phase_changed())
    assert SqliteJournal(path).runs() == []
    bot.append(taken_signal("a"))
    SqliteJournal(path, run_id="cat").append(phase_changed())
    bot.append(taken_signal("b"))
    reader = SqliteJournal(path)
    assert reader.runs() == ["bee"]
    assert list(reader.read("ant")) == list(reader.read("cat")) == [phase_changed()]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET payload = '{}'",
        "UPDATE events SET at_ms = 0 WHERE seq = 1",
        "DELETE FROM events",
        "DELETE FROM events WHERE seq = 1",
    ],
)
def test_nothing_in_the_file_is_ever_changed(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path, run_id="one")
    for event in events():
        journal.append(event)
    journal.close()
    database = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="the journal is append-only"):
        database.execute(statement)
    database.close()
    assert list(SqliteJournal(path).read("one")) == events()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    SqliteJournal(path, run_id="one").append(taken_signal("a"))
    with pytest.raises(JournalError, match="cannot append signal: attempt to write a readonly database"):
        SqliteJournal(path).append(taken_signal("b"))


def told_events(writer: "subprocess.Popen[str]", until: int) -> int:
    """Read what the writer tells until it tells of event `until` or ends; the last it told of."""
    assert writer.stdout is not None
    last = -1
    for line in writer.stdout:
        last = int(line)
        if last == until:
            break
    return last


@pytest.mark.parametrize("by_whom", ["itself", "SIGKILL"])
def test_a_killed_process_loses_nothing_it_appended(by_whom: str, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    last = 40 if by_whom == "itself" else 10_000
    command = [sys.executable, "-c", _WRITER, str(path), str(last)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as writer:
        told = told_events(writer, 25)
        if by_whom == "SIGKILL":
            os.kill(writer.pid, signal.SIGKILL)
        told = max(told, told_events(writer, -1))
        writer.wait()
    assert writer.returncode == (9 if by_whom == "itself" else -signal.SIGKILL)
    assert told >= 25
    found = [event.at_ms for event in SqliteJournal(path).read("killed")]
    assert found == list(range(len(found)))
    # The last may have been appended and not yet told of.
    assert len(found) in (told + 1, told + 2)
    journal = SqliteJournal(path, run_id="after")
    journal.append(taken_signal("a"))
    assert SqliteJournal(path).runs() == ["killed", "after"]


def test_a_missing_file_is_named_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "journal.sqlite"
    with pytest.raises(JournalError) as missing:
        SqliteJournal(path)
    assert str(missing.value) == f"{path}: there is no journal here; run the bot first"
    assert not path.parent.exists()


@pytest.mark.parametrize("run_id", ["one", None])
def test_a_file_that_is_no_database_is_named(run_id: str | None, tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_text("not a database " * 100)
    with pytest.raises(JournalError, match=r"journal\.sqlite: cannot"):
        SqliteJournal(path, run_id).runs()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"journal\.sqlite: cannot open the journal"):
        SqliteJournal(tmp_path / "file" / "journal.sqlite", run_id="one")


def test_an_event_of_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    SqliteJournal(path, run_id="one").append(taken_signal("a"))
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO events (run_id, at_ms, kind, payload) VALUES ('one', 1, 'x', '{\"kind\":\"x\"}')")
    with pytest.raises(JournalError, match="cannot read run one: not a journal event"):
        list(SqliteJournal(path).read("one"))
    with pytest.raises(sqlite3.IntegrityError), sqlite3.connect(path) as database:
        database.execute("INSERT INTO events (run_id, at_ms, kind, payload) VALUES ('one', 1, 'x', 'no json')")


def test_signals_can_be_asked_for_by_id(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = SqliteJournal(path, run_id="one")
    for event in events():
        journal.append(event)
    with sqlite3.connect(path) as database:
        kinds = [
            kind for (kind,) in database.execute("SELECT kind FROM events WHERE signal_id = 'signal-1' ORDER BY seq")
        ]
    assert kinds == [event.kind for event in events() if getattr(event, "signal_id", None) == "signal-1"]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(appended=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2**40)), max_size=12))
def test_any_interleaving_of_runs_keeps_each_runs_order(
    appended: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite"
    journals = {name: SqliteJournal(path, run_id=name) for name in "abc"}
    for name, at_ms in appended:
        journals[name].append(ev.ConfigRefused(at_ms=at_ms, reason=name))
    reader = SqliteJournal(path)
    assert reader.runs() == list(dict.fromkeys(name for name, _ in appended))
    for name in "abc":
        assert [event.at_ms for event in reader.read(name)] == [at_ms for run, at_ms in appended if run == name]
    for journal in (*journals.values(), reader):
        journal.close()
