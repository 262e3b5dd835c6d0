"""Reads a bot's journal beyond a cursor, in bounded batches, while the bot goes on writing it."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from shared.domain.shipping import JournalBatch
from shared.ports import JournalError


class JournalTail:
    """A reader of one journal file. For one thread at a time, whichever.

    Args:
        path: The file.
        bot: Whose journal it is, for people.

    Attributes:
        journal_id: The id of its first run; None while nothing is in it.

    Raises:
        JournalError: There is no journal, or it cannot be read.
    """

    def __init__(self, path: Path, bot: str) -> None:
        self.path = path
        self.journal_id: str | None = None
        self._bot = bot
        try:
            self._file = _identity(path)
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
        except FileNotFoundError as error:
            raise JournalError(f"{path}: there is no journal here; run the bot first") from error
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"{path}: cannot open the journal: {error}") from error

    def begin(self) -> None:
        """Look whether the journal has its first event by now."""
        if self.journal_id is None:
            rows = self._query("SELECT run_id FROM events ORDER BY seq LIMIT 1")
            self.journal_id = rows[0][0] if rows else None

    def read(self, after_seq: int, limit: int) -> JournalBatch:
        """At most `limit` events beyond the cursor, oldest first; none where there are no more yet. Call `begin` first.

        Raises:
            JournalError: It cannot be read.
        """
        assert self.journal_id is not None
        rows = self._query(
            "SELECT seq, run_id, payload FROM events WHERE seq > ? ORDER BY seq LIMIT ?", after_seq, limit
        )
        seqs, run_ids, payloads = zip(*rows, strict=True) if rows else ((), (), ())
        return JournalBatch(self.journal_id, self._bot, after_seq, seqs, run_ids, payloads)

    def last_seq(self) -> int:
        """Number of the newest event; 0 while there is none."""
        return int(self._query("SELECT coalesce(max(seq), 0) FROM events")[0][0])

    def is_replaced(self) -> bool:
        """Whether another file, or none, lies in the journal's place now: this reader would wait for ever."""
        try:
            return _identity(self.path) != self._file
        except FileNotFoundError:
            return True

    def _query(self, statement: str, *arguments: int) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(statement, arguments).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot read the journal: {error}") from error

    def close(self) -> None:
        self._db.close()


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
