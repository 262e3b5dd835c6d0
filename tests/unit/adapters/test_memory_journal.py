"""The journal's in-memory twin behaves as the file does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.adapters.memory_journal import MemoryJournal
from shared.adapters.sqlite_journal import SqliteJournal
from shared.ports import Journal
from tests.journals import phase_changed
from tests.unit.domain.generated_runs import finished, round_trip


@pytest.fixture(params=["memory", "file"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    make: Callable[[], Journal] = {
        "memory": lambda: MemoryJournal("one"),
        "file": lambda: SqliteJournal(tmp_path / "journal.sqlite", "one"),
    }[request.param]
    return make()


def test_it_gives_back_what_was_appended(journal: Journal) -> None:
    events = finished([round_trip()])
    assert journal.runs() == []
    assert list(journal.read("one")) == []
    for event in events:
        journal.append(event)
    assert journal.runs() == ["one"]
    assert list(journal.read("one")) == events
    assert list(journal.read("two")) == []
    journal.close()


def test_changes_of_phase_alone_are_no_run(journal: Journal) -> None:
    journal.append(phase_changed())
    assert journal.runs() == []
    assert list(journal.read("one")) == [phase_changed()]
