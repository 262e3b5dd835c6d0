"""Runs of retention: one at a time in a database, each with a record of what it did and what that was good for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import asyncpg
from asyncpg import Connection

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.awaited_queries import p50_ms
from shared.adapters.postgres.connection import connected, one_sentence
from shared.ports import StoreError, StoreUnavailable

# Two numbers, so that pg_locks shows them as they are: "rec" and "ret".
_LOCK = (0x726563, 0x726574)
# A killed process's backend sees within a second that its client is gone; only then is its lock free.
_NOTICE_DEATH = "SET client_connection_check_interval = '1s'"
_TRIES, _PAUSE_S = 4, 0.5
_HOLDER = """
SELECT l.pid, coalesce(r.started_at, a.backend_start) AS since
FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
LEFT JOIN retention_runs r ON r.state = 'running'
WHERE l.locktype = 'advisory' AND l.classid::bigint = $1 AND l.objid::bigint = $2 AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY r.started_at DESC NULLS LAST LIMIT 1
"""
_DIED = """
UPDATE retention_runs SET state = 'died', error = 'its process ended before it did'
WHERE state = 'running'
"""
_BEGIN = """
INSERT INTO retention_runs (kind, database_bytes_before, query_p50_ms_before)
VALUES ($1, pg_database_size(current_database()), $2) RETURNING id
"""
_END = """
UPDATE retention_runs SET
    finished_at = clock_timestamp(), state = $2, error = $3, wal_bytes = pg_current_wal_insert_lsn() - $4::text::pg_lsn,
    database_bytes_after = size.bytes, bytes_freed = database_bytes_before - size.bytes, query_p50_ms_after = $5
FROM (SELECT pg_database_size(current_database()) AS bytes) size
WHERE id = $1
"""
_RECORDS = """
SELECT id, kind, state, started_at, finished_at, rows_moved, rows_dropped, bytes_freed, wal_bytes, database_bytes_before,
    database_bytes_after, query_p50_ms_before, query_p50_ms_after, error
FROM retention_runs
"""


class RunInProgress(StoreError):
    """Another run is at work in the database."""


class RunKind(StrEnum):
    """What a run was for."""

    ENFORCE = "enforce"
    EMERGENCY = "emergency"
    ADOPT = "adopt"
    RESTORE = "restore"


@dataclass(frozen=True)
class RunRecord:
    """A run as it is recorded. What is None is not known: the run is not over, or died.

    Attributes:
        state: running, done, failed, or died.
        rows_moved: Rows that went from one place in the database to another.
        rows_dropped: Rows that left the database.
        bytes_freed: By which the database became smaller; negative where it grew meanwhile.
        wal_bytes: Written ahead by the whole server meanwhile.
        query_p50_ms_before, query_p50_ms_after: Median of the queries people wait for.
    """

    id: int
    kind: RunKind
    state: str
    started_at: datetime
    finished_at: datetime | None
    rows_moved: int
    rows_dropped: int
    bytes_freed: int
    wal_bytes: int
    database_bytes_before: int | None
    database_bytes_after: int | None
    query_p50_ms_before: float | None
    query_p50_ms_after: float | None
    error: str | None


class Run:
    """A run at work: its connection, and its record, which each step adds to in its own transaction."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.id = number
        self.troubles: list[str] = []
        self.record: RunRecord | None = None

    async def add(self, *, rows_moved: int = 0, rows_dropped: int = 0, **detail: int) -> None:
        """Count what a step did. Figures in `detail` are summed up by name."""
        await self.connection.execute(
            """UPDATE retention_runs SET rows_moved = rows_moved + $2, rows_dropped = rows_dropped + $3,
                   detail = detail || (
                       SELECT coalesce(jsonb_object_agg(key, coalesce((detail ->> key)::bigint, 0) + value::bigint), '{}')
                       FROM jsonb_each_text($4)
                   )
               WHERE id = $1""",
            self.id,
            rows_moved,
            rows_dropped,
            detail,
        )


@asynccontextmanager
async def exclusive(address: Address) -> AsyncIterator[Connection]:
    """A connection on which the one run of a database may be at work; nothing is changed yet.

    Raises:
        RunInProgress: There is a run at work.
        StoreError: The database cannot be asked.
    """
    async with connected(address) as connection:
        await connection.execute(_NOTICE_DEATH)
        await _take_lock(connection)
        yield connection


@asynccontextmanager
async def recorded(connection: Connection, address: Address, kind: RunKind) -> AsyncIterator[Run]:
    """A run from the first line of its record to the last; `record` is there afterwards.

    Raises:
        StoreError: The run cannot go on.
    """
    # Whoever has the lock knows that nobody else is at work.
    await connection.execute(_DIED)
    before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()::text")
    run = Run(connection, await connection.fetchval(_BEGIN, kind, await p50_ms(connection)))
    try:
        with one_sentence(address):
            yield run
    except (StoreError, asyncio.CancelledError) as error:
        # Any other error is a defect, and where the connection is lost nothing can be written: the next run closes the
        # record, as that of one that died.
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.execute(_END, run.id, "failed", str(error) or type(error).__name__, before, None)
        raise
    state, trouble = ("failed", "; ".join(run.troubles)) if run.troubles else ("done", None)
    await connection.execute(_END, run.id, state, trouble, before, await p50_ms(connection))
    run.record = await read_record(connection, run.id)


async def _take_lock(connection: Connection) -> None:
    for attempt in range(_TRIES):
        if attempt:
            await asyncio.sleep(_PAUSE_S)
        if await connection.fetchval("SELECT pg_try_advisory_lock($1::int, $2::int)", *_LOCK):
            return
    holder = await connection.fetchrow(_HOLDER, *_LOCK)
    if holder is None:
        raise StoreUnavailable("another run of retention has just ended; try again")
    # Another role's backend does not tell when it began.
    since = f" since {holder['since']:%Y-%m-%d %H:%M:%S} UTC" if holder["since"] else ""
    raise RunInProgress(f"backend {holder['pid']} has been at work on retention{since}; one run at a time")


async def read_record(connection: Connection, number: int) -> RunRecord:
    """The record of one run."""
    return _record(await connection.fetchrow(f"{_RECORDS} WHERE id = $1", number))


async def read_records(connection: Connection, limit: int) -> list[RunRecord]:
    """The records of the last runs, the last first."""
    return [_record(row) for row in await connection.fetch(f"{_RECORDS} ORDER BY id DESC LIMIT $1", limit)]


def _record(row: Any) -> RunRecord:
    return RunRecord(**{**row, "kind": RunKind(row["kind"])})
