"""Reads a bot's journal beyond a cursor, in bounded batches, while the bot goes on writing it."""

import sqlite3
from pathlib import Path

from shared.domain.shipping import JournalBatch
from shared.ports import JournalError


class JournalTail:
    """A reader of one journal file. May be used from any one thread at a time.

    Args:
        path: The file.
        bot: Whose journal it is, for people.

    Raises:
        JournalError: There is no journal, or it cannot be read.
    """

    def __init__(self, path: Path, bot: str) -> None:
        self.path = path
        self.bot = bot
        if not path.is_file():
            raise JournalError(f"{path}: there is no journal here; run the bot first")
        try:
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            row = self._db.execute("SELECT run_id FROM events ORDER BY seq LIMIT 1").fetchone()
        except sqlite3.Error as error:
            raise JournalError(f"{path}: cannot open the journal: {error}") from error
        self.journal_id: str | None = None if row is None else row[0]

    def read(self, after_seq: int, limit: int) -> JournalBatch:
        """At most `limit` events beyond the cursor, oldest first; none where there are no more yet.

        Raises:
            JournalError: It cannot be read, or has no event at all yet.
        """
        rows = self._query("SELECT seq, run_id, payload FROM events WHERE seq > ? ORDER BY seq LIMIT ?", after_seq, limit)
        seqs, run_ids, payloads = zip(*rows, strict=True) if rows else ((), (), ())
        if self.journal_id is None:
            if not rows:
                raise JournalError(f"{self.path}: the journal is empty; the bot has not begun to trade")
            self.journal_id = run_ids[0]
        return JournalBatch(self.journal_id, self.bot, after_seq, seqs, run_ids, payloads)

    def last_seq(self) -> int:
        """Number of the newest event; 0 while there is none."""
        return int(self._query("SELECT coalesce(max(seq), 0) FROM events")[0][0])

    def _query(self, statement: str, *arguments: int) -> list[tuple[int, str, str]]:
        try:
            return self._db.execute(statement, arguments).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot read the journal: {error}") from error

    def close(self) -> None:
        self._db.close()
