"""What a bot did of late, counted in its journal's file while the bot goes on writing it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from shared.domain.health_facts import Activity
from shared.ports import JournalError

_SPAN_MS = 24 * 3600 * 1000
_HAS_EVENTS = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'events'"
_FIRST = "SELECT seq FROM events WHERE seq >= ? AND at_ms >= ? ORDER BY seq LIMIT 1"
_NEXT = "SELECT coalesce(max(seq), 0) + 1 FROM events"
_RECENT = "FROM events WHERE seq >= ? AND at_ms >= ?"
_KINDS = f"SELECT kind, count(*) {_RECENT} GROUP BY kind"
_REASONS = f"SELECT payload ->> '$.reason', count(*) {_RECENT} AND kind = 'signal' GROUP BY 1"
_CODES = f"SELECT payload ->> '$.code', count(*) {_RECENT} AND kind = 'order_failed' GROUP BY 1"
_CANDLES = f"""
SELECT coalesce(sum(payload ->> '$.evaluated'), 0), coalesce(sum(payload ->> '$.unevaluated'), 0)
{_RECENT} AND kind = 'candles_evaluated'
"""
# An executor is a trade if it had fills; they carry its signal's id.
_TRADES = f"""
SELECT count(*) FROM (SELECT run_id, signal_id {_RECENT} AND kind = 'executor_closed') AS closed
WHERE EXISTS (
    SELECT 1 FROM events WHERE signal_id = closed.signal_id AND run_id = closed.run_id AND kind = 'fill'
)
"""
_NEWEST = f"SELECT max(at_ms) {_RECENT}"


class JournalActivity:
    """Counts the events of the last 24 hours of one journal. For one thread at a time, whichever.

    The first look reads all of the file, later ones what is not too old: runs on a virtual clock may have written into the
    same file, so its events do not ascend in time.

    Args:
        journal: The file, there or not yet.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._file: tuple[int, int] | None = None
        self._first_seq = 0

    def until(self, now_ms: int) -> Activity | None:
        """What happened in the 24 hours before `now_ms`; None where there is no journal yet.

        Raises:
            JournalError: It cannot be read.
        """
        try:
            status = os.stat(self._journal)
        except FileNotFoundError:
            return None
        if (status.st_dev, status.st_ino) != self._file:
            self._file, self._first_seq = (status.st_dev, status.st_ino), 0
        try:
            with closing(sqlite3.connect(f"{self._journal.absolute().as_uri()}?mode=ro", uri=True)) as database:
                return self._counted(database, now_ms)
        except sqlite3.Error as error:
            raise JournalError(f"{self._journal}: cannot read the journal: {error}") from error

    def _counted(self, database: sqlite3.Connection, now_ms: int) -> Activity | None:
        # Between making the file and its tables a bot that starts leaves it empty for a moment.
        if not database.execute(_HAS_EVENTS).fetchone()[0]:
            return None
        since_ms = now_ms - _SPAN_MS
        first = database.execute(_FIRST, (self._first_seq, since_ms)).fetchone() or database.execute(_NEXT).fetchone()
        self._first_seq = first[0]
        recent = (self._first_seq, since_ms)
        kinds = _counts(database, _KINDS, recent)
        reasons = _counts(database, _REASONS, recent)
        ((evaluated, unevaluated),) = database.execute(_CANDLES, recent)
        ((trades,),) = database.execute(_TRADES, recent)
        ((newest_ms,),) = database.execute(_NEWEST, recent)
        return Activity(
            candles=evaluated,
            unevaluated=unevaluated,
            signals=kinds.get("signal", 0),
            taken=reasons.pop(None, 0),
            refused=reasons,
            orders=kinds.get("order_submitted", 0),
            failed=_counts(database, _CODES, recent),
            fills=kinds.get("fill", 0),
            trades=trades,
            newest_age_s=None if newest_ms is None else max(now_ms - newest_ms, 0) / 1000,
        )


def _counts(database: sqlite3.Connection, query: str, arguments: tuple[int, int]) -> dict[Any, int]:
    return dict(database.execute(query, arguments).fetchall())
