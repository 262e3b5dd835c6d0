"""Where each event of a journal is in the store: it must be in exactly one place, a row of its table or a dead letter."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import asyncpg

# scan_history is not here: its rows repeat those of signals for as long as scans are kept.
_MISPLACED = """
WITH expected (run_id, seq) AS (
    SELECT replace(lower(run_id), '-', ''), seq FROM unnest($1::text[], $2::bigint[]) AS e (run_id, seq)
), place (run_id, seq) AS (
    SELECT run_id::text, unnest(array[started_seq, stopped_seq]) FROM runs
    UNION ALL SELECT run_id::text, seq FROM signals
    UNION ALL SELECT run_id::text, unnest(array[opened_seq, closed_seq]) FROM positions
    UNION ALL SELECT run_id::text, unnest(array[seq, failed_seq, cancelled_seq, completed_seq]) FROM orders
    UNION ALL SELECT run_id::text, seq FROM fills
    UNION ALL SELECT run_id::text, seq FROM exits
    UNION ALL SELECT run_id::text, seq FROM config_history
    UNION ALL SELECT run_id::text, seq FROM evaluations
    UNION ALL SELECT run_id::text, seq FROM phase_history
    UNION ALL SELECT run_id, seq FROM dead_letters
), found AS (
    SELECT replace(lower(run_id), '-', '') AS run_id, seq, count(*) AS times FROM place WHERE seq IS NOT NULL GROUP BY 1, 2
)
SELECT run_id, seq, CASE WHEN expected.seq IS NULL THEN -found.times ELSE coalesce(found.times, 0) END AS times
FROM expected FULL JOIN found USING (run_id, seq)
WHERE expected.seq IS NULL OR found.times IS DISTINCT FROM 1
ORDER BY run_id, seq
"""

Misplaced = tuple[str, int, int]


async def misplaced(database_url: str, events: Iterable[tuple[str, int]]) -> list[Misplaced]:
    """What is not in exactly one place, of events given by run and number, and what is there besides.

    Returns:
        Run, number, and in how many places it was found: 0 for an event that is lost, less than 0 for one that is stored
        but was not expected.
    """
    run_ids, seqs = zip(*events, strict=True)
    connection = await asyncpg.connect(database_url)
    try:
        return [tuple(row) for row in await connection.fetch(_MISPLACED, run_ids, seqs)]
    finally:
        await connection.close()


async def misplaced_events(database_url: str, journal: Path) -> list[Misplaced]:
    """The same of all the events of a journal's file, to which the database belongs alone."""
    with closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as database:
        return await misplaced(database_url, database.execute("SELECT run_id, seq FROM events").fetchall())
