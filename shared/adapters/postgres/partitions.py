"""Partitions as the catalog has them, and their moves.

A move waits briefly for its locks and then gives way: whoever uses the table goes first, and the move is tried again. What a
move needs is asked for in one order everywhere: the partition against writes, then whatever the DDL takes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg
from asyncpg import Connection

from shared.domain.retention import Dataset, Partition, PartitionError, Place
from shared.ports import StoreError, StoreUnavailable

SCHEMAS = {Place.LIVE: "public", Place.ARCHIVE: "archive"}
# More than deadlock_timeout (1 s): only then is an autovacuum that holds the partition cancelled for us.
_FOR_THE_PARTITION = "SET LOCAL lock_timeout = '2s'"
# Less than deadlock_timeout: where a writer and we wait for each other, it is never the writer's transaction that ends.
_FOR_THE_PARENT = "SET LOCAL lock_timeout = '500ms'"
_TO_READ = "SET LOCAL lock_timeout = '10s'"
# Work on a partition is bounded by the partition; a role's time limits are made for requests.
_NO_OTHER_LIMIT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"

_READ = """
SELECT p.dataset, p.place, p.partition::text AS relation, p.period_start, p.period_end, p.rows, p.bytes, held.until
FROM recovery.partitions p
LEFT JOIN LATERAL (
    SELECT max(m.held_until) AS until FROM public.archive_manifest m
    WHERE p.place = 'archive' AND m.dataset = p.dataset AND m.period_start = p.period_start
) held ON true
ORDER BY p.dataset, p.period_start, p.place
"""
_USERS = """
SELECT string_agg(DISTINCT l.pid::text, ', ') FROM pg_locks l
WHERE l.granted AND l.pid <> pg_backend_pid() AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.relation IN (to_regclass($1), (SELECT inhparent FROM pg_inherits WHERE inhrelid = to_regclass($1)))
"""


class PartitionBusy(StoreUnavailable):
    """A partition is in use; a later run moves it."""


class PartitionMissing(StoreUnavailable):
    """A partition has gone since it was planned for; a later run plans anew."""


@dataclass(frozen=True)
class Patience:
    """How often a busy table is tried. The pause doubles each time.

    Attributes:
        attempts: At least 1.
        pause_s: Before the second one.
    """

    attempts: int = 5
    pause_s: float = 1.0


@dataclass(frozen=True)
class Content:
    """What rows come to: equal for equal rows, whatever their order."""

    rows: int
    checksum: Decimal


async def read_partitions(connection: Connection) -> list[Partition]:
    """All partitions of the datasets, live and archived, in order of dataset and time.

    Raises:
        PartitionBusy: One is locked, so that not even its size can be asked for.
        StoreError: One does not hold one step of its dataset.
    """
    found = []
    try:
        async with connection.transaction():
            await connection.execute(_TO_READ)
            rows = await connection.fetch(_READ)
    except asyncpg.LockNotAvailableError:
        raise PartitionBusy("the partitions cannot be looked at: one of their tables is locked; try again") from None
    for row in rows:
        if row["period_start"] is None or row["period_end"] is None:
            raise StoreError(f"{row['relation']}: holds no period; a partition holds one step of its dataset")
        try:
            found.append(
                Partition(
                    Dataset(row["dataset"]),
                    row["period_start"],
                    row["period_end"],
                    Place(row["place"]),
                    row["rows"],
                    row["bytes"],
                    row["until"],
                )
            )
        except PartitionError as error:
            raise StoreError(f"{row['relation']}: {error}") from error
    return found


async def relation_of(connection: Connection, dataset: Dataset, start: datetime, place: Place) -> str:
    """The partition's name with its schema, whether it is there or not; our names need no quotes."""
    name: str = await connection.fetchval("SELECT recovery.partition_name($1, $2)", dataset, start)
    return f"{SCHEMAS[place]}.{name}"


async def ensure(connection: Connection, dataset: Dataset, start: datetime, place: Place = Place.LIVE) -> None:
    """Make a partition unless it is there; in a transaction.

    Raises:
        LockNotAvailableError: The table is in use.
    """
    await connection.execute(_NO_OTHER_LIMIT)
    await connection.execute(_FOR_THE_PARENT)
    await connection.execute("SELECT recovery.ensure_partition($1, $2, $3)", dataset, start, SCHEMAS[place])


async def lock_against_writes(connection: Connection, relation: str) -> None:
    """Let nobody change the partition until the transaction ends; reading goes on. DDL that follows waits briefly only.

    Raises:
        PartitionMissing: It is not there any more.
        LockNotAvailableError: It is in use.
    """
    await connection.execute(_NO_OTHER_LIMIT)
    await connection.execute(_FOR_THE_PARTITION)
    try:
        await connection.execute(f"LOCK TABLE {relation} IN SHARE MODE")
    except asyncpg.UndefinedTableError:
        raise PartitionMissing(f"{relation}: has gone since this run was planned; the next one plans anew") from None
    await connection.execute(_FOR_THE_PARENT)


async def content_of(connection: Connection, relation: str) -> Content:
    """Count and checksum of a table's rows."""
    row = await connection.fetchrow("SELECT rows, checksum FROM recovery.rows_checksum($1::text::regclass)", relation)
    return Content(row["rows"], row["checksum"])


async def aggregate_scans(connection: Connection, relation: str) -> None:
    """Add a partition's scans to the daily aggregates. Rows are added once: as they leave the live table."""
    await connection.execute("SELECT recovery.aggregate_scans($1::text::regclass)", relation)


async def move_to_archive(connection: Connection, dataset: Dataset, start: datetime) -> int:
    """Move a locked live partition to the archive.

    Returns:
        Its rows: by the planner's estimate, counted where there is none.

    Raises:
        LockNotAvailableError: The table is in use.
    """
    relation = await relation_of(connection, dataset, start, Place.LIVE)
    rows = await connection.fetchval("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1)", relation)
    if rows < 0:
        rows = await connection.fetchval(f"SELECT count(*) FROM {relation}")
    copied = await connection.fetchval("SELECT recovery.move_to_archive($1, $2)", dataset, start)
    return int(copied or rows)


async def drop(connection: Connection, relation: str) -> None:
    """Drop a locked partition.

    Raises:
        LockNotAvailableError: The table is in use.
    """
    await connection.execute(f"DROP TABLE {relation}")


async def patiently[T](
    connection: Connection, relation: str, patience: Patience, attempt: Callable[[], Awaitable[T | None]]
) -> T:
    """Try in a transaction, again and again while the table is in use.

    Args:
        connection: Outside of a transaction.
        relation: What is tried on.
        patience: How often.
        attempt: The work. None: the table is in use, and what was done so far is committed.

    Raises:
        PartitionBusy: It was in use each time.
    """
    pause_s = patience.pause_s
    for last in (*[False] * (patience.attempts - 1), True):
        try:
            async with connection.transaction():
                result = await attempt()
            if result is not None:
                return result
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            pass  # as with None, but nothing is committed
        if not last:
            await asyncio.sleep(pause_s)
            pause_s *= 2
    users = await connection.fetchval(_USERS, relation)
    by = f" (backend {users})" if users else ""
    raise PartitionBusy(f"{relation}: is in use{by}, tried {patience.attempts} times; it stays until the next run")
