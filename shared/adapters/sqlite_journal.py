"""The journal as an append-only SQLite file (WAL) beside the bot."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.domain.events import Event
from shared.ports import JournalError
from shared.wire.journal_codec import JournalCodecError, decode_event, encode_event

_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id    TEXT NOT NULL,
    at_ms     INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    signal_id TEXT,
    payload   TEXT NOT NULL CHECK (json_valid(payload))
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_run ON events (run_id, seq);
CREATE INDEX IF NOT EXISTS events_by_signal ON events (signal_id) WHERE signal_id IS NOT NULL;
-- The running bot asks for the phase every few seconds.
CREATE INDEX IF NOT EXISTS events_of_phases ON events (seq) WHERE kind = 'phase_changed';
CREATE TRIGGER IF NOT EXISTS events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""


class SqliteJournal:
    """One file, many runs; appends go to the run named at opening.

    synchronous=NORMAL with WAL: a crash of the process loses nothing, a power cut at most the newest events, and the file
    is never torn (sqlite.org/pragma.html#pragma_synchronous).

    Args:
        path: The file; made with its folder if absent.
        run_id: The run to append to; None opens for reading only.

    Raises:
        JournalError: The file cannot be opened, or is absent and only to be read.
    """

    def __init__(self, path: Path, run_id: str | None = None) -> None:
        self.path = path
        self.run_id = run_id
        try:
            if run_id is None:
                if not path.is_file():
                    raise JournalError(f"{path}: there is no journal here; run the bot first")
                self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(path, isolation_level=None)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"{path}: cannot open the journal: {error}") from error

    def append(self, event: Event) -> None:
        try:
            self._db.execute(
                "INSERT INTO events (run_id, at_ms, kind, signal_id, payload) VALUES (?, ?, ?, ?, ?)",
                (self.run_id, event.at_ms, event.kind, getattr(event, "signal_id", None), encode_event(event)),
            )
        except (sqlite3.Error, JournalCodecError) as error:
            raise JournalError(f"{self.path}: cannot append {event.kind}: {error}") from error

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let nobody else append inside; what was appended inside is there only if it ends well.

        Raises:
            JournalError: Another writer does not let go.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot be had alone: {error}") from error
        with self._db:  # commits, or takes it back
            yield

    def read(self, run_id: str) -> Iterator[Event]:
        try:
            rows = self._db.execute("SELECT payload FROM events WHERE run_id = ? ORDER BY seq", (run_id,))
            for (payload,) in rows:
                yield decode_event(payload)
        except (sqlite3.Error, ValueError) as error:
            raise JournalError(f"{self.path}: cannot read run {run_id}: {error}") from error

    def runs(self) -> list[str]:
        try:
            # What is written outside any bot's run, a change of phase, has an id of its own too.
            rows = self._db.execute(
                """SELECT run_id FROM (SELECT run_id, MIN(seq) AS first FROM events GROUP BY run_id) JOIN events USING (run_id)
                WHERE seq = first AND kind <> 'phase_changed' ORDER BY first"""
            )
            return [run_id for (run_id,) in rows]
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot list the runs: {error}") from error

    def close(self) -> None:
        self._db.close()
