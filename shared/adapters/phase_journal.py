"""The phase of a home, as its journal's file has it: read beside a writing bot, at a cost that no trading loop feels."""

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from shared.domain import phases
from shared.ports import JournalError
from shared.wire.journal_codec import decode_event

# By the index events_of_phases, whose condition it repeats.
_CHANGES = "SELECT payload FROM events WHERE kind = 'phase_changed' ORDER BY seq"
_HAS_EVENTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'events'"


def current_phase(journal: Path) -> int:
    """The phase a home is in: 1 where there is no journal yet, or nobody ever changed it.

    Args:
        journal: The file, data/recovery_journal.sqlite of the home.

    Raises:
        JournalError: It cannot be read.
    """
    phase = phases.current_phase(_changes(journal, f"{_CHANGES} DESC LIMIT 1"))
    if not phases.FIRST_PHASE <= phase <= phases.LAST_PHASE:
        raise JournalError(f"{journal}: to_phase = {phase}: must be {phases.FIRST_PHASE} to {phases.LAST_PHASE}")
    return phase


def phase_changes(journal: Path) -> list[ev.PhaseChanged]:
    """Every change of phase, oldest first; none where there is no journal yet.

    Raises:
        JournalError: It cannot be read.
    """
    return _changes(journal, _CHANGES)


def change_phase(journal: Path, change: ev.PhaseChanged) -> None:
    """Append a change of phase under a run of its own: it belongs to no bot's run, and a bot may be writing meanwhile.

    Raises:
        JournalError: It cannot be written, or the home is not in `from_phase` any more.
    """
    file = SqliteJournal(journal, run_id=uuid.uuid4().hex)
    try:
        with file.alone():
            now = current_phase(journal)
            if change.from_phase not in (None, now):
                raise JournalError(f"{journal}: is in phase {now} by now, not in {change.from_phase}: look again")
            file.append(change)
    finally:
        file.close()


def _changes(journal: Path, query: str) -> list[ev.PhaseChanged]:
    if not journal.exists():
        return []
    try:
        with _opened(journal) as database:
            # Between making the file and its tables a bot that starts leaves it empty for a moment.
            (has_events,) = database.execute(_HAS_EVENTS).fetchone()
            events = [decode_event(payload) for (payload,) in database.execute(query)] if has_events else []
    except (sqlite3.Error, ValueError) as error:
        raise JournalError(f"{journal}: cannot read the phase: {error}") from error
    return [event for event in events if isinstance(event, ev.PhaseChanged)]


@contextmanager
def _opened(journal: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        yield database
    finally:
        database.close()
