"""Adoption: the rows of the legacy system's tables, brought into the partitioned ones, batch by batch.

A batch is a range of the legacy table's pages, so that none scans more than its own rows. How far adoption got is written in the
transaction of each batch (recovery.adoption): a process killed at any point goes on where it was. Meanwhile and afterwards the
legacy table refuses to change, which is what makes its pages a cursor and its count a proof.

    AdoptionError
    ├── AdoptionBusy        another adoption is at work
    └── QuoteUnknown        an option is missing
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import Connection, connected
from shared.adapters.postgres.legacy_columns import SCHEMA, identifier
from shared.adapters.postgres.legacy_tables import QUOTE_UNKNOWN, TRANSLATED, AdoptionOptions, Translation, translation
from shared.ports import StoreError

BATCH_ROWS = 50_000
_PAGE_BYTES = 8192
_ROWS_A_PAGE = 80  # until the first batch has told
# Each partition that a batch writes to is locked with its index until the batch ends, and locks are limited.
_PERIODS_A_BATCH = 200
_REASONS = 50
_OTHER_REASONS = "other reasons"
_PAGES_COUNTED = 20_000
_SAMPLES, _SAMPLED_PAGES = 5, 8
_INDEX_FILLED = 0.7  # of an index page, where rows of many symbols come in by time


class AdoptionError(StoreError):
    """Legacy tables cannot be adopted."""


class AdoptionBusy(AdoptionError):
    """Another adoption is at work."""


class QuoteUnknown(AdoptionError):
    """The quote currency of a candle cannot be known."""


@dataclass(frozen=True)
class Refused:
    """Legacy rows that have no place in our tables, for one reason.

    Attributes:
        rows: How many.
        first: ctid of the first, to look at it.
    """

    rows: int
    first: str


@dataclass(frozen=True)
class Adopted:
    """What became of a legacy table's rows.

    Attributes:
        table: Its name in schema legacy.
        rows: Rows taken so far: adopted + duplicates + refused.
        adopted: Rows that are in our table now.
        duplicates: Rows whose key was there already.
        refused: Rows left behind.
        refusals: The same by reason.
        pages: Its pages of 8 kB, and how many of them are done.
        verified: Whether `rows` was found to be the number of its rows.
    """

    table: str
    adopted: int
    duplicates: int
    refused: int
    refusals: Mapping[str, Refused]
    pages: int
    pages_done: int
    verified: bool

    @property
    def rows(self) -> int:
        return self.adopted + self.duplicates + self.refused

    @property
    def droppable(self) -> bool:
        return self.verified and self.refused == 0


@dataclass(frozen=True)
class LegacyTable:
    """A legacy table as adoption finds it.

    Attributes:
        so_far: What became of its rows.
        rows_left: Rows not taken yet, estimated from a few of its pages.
        legacy_bytes: What it occupies, indexes included.
        bytes_needed: What its rows will occupy in our table, estimated likewise.
        left_behind: Columns that our table has no place for.
        likely_refused: Shares (0 to 1) of the sampled rows that will be refused, by reason.
    """

    so_far: Adopted
    rows_left: int
    legacy_bytes: int
    bytes_needed: int
    left_behind: tuple[str, ...]
    likely_refused: Mapping[str, float]


@dataclass(frozen=True)
class AdoptionPlan:
    """What there is to adopt.

    Attributes:
        tables: Legacy tables whose rows have a place here.
        left_alone: Those whose rows have none.
        database_bytes: Size of the database now.
    """

    tables: tuple[LegacyTable, ...]
    left_alone: tuple[str, ...]
    database_bytes: int

    @property
    def bytes_needed(self) -> int:
        return sum(table.bytes_needed for table in self.tables)

    @property
    def waiting(self) -> tuple[LegacyTable, ...]:
        """Tables not wholly adopted."""
        return tuple(table for table in self.tables if not table.so_far.verified)


@asynccontextmanager
async def adopting(address: Address) -> AsyncIterator["Adoption"]:
    """The only adoption of a database, for as long as it lasts.

    Raises:
        AdoptionBusy: There is one already.
        StoreError: The database cannot be asked.
    """
    async with connected(address) as connection:
        # The server needs a moment to see that a killed process is gone.
        await connection.execute("SET lock_timeout = '5s'")
        try:
            await connection.execute("SELECT pg_advisory_lock(hashtext('recovery.adopt'))")
        except asyncpg.LockNotAvailableError:
            raise AdoptionBusy(f"{address}: another adoption is at work; wait for its end") from None
        yield Adoption(connection)


class Adoption:
    """See `adopting`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def plan(self, options: AdoptionOptions) -> AdoptionPlan:
        """What there is to do. Nothing is changed, and a few pages of each table are read.

        Raises:
            StoreError: A table cannot be adopted, or not without a further option.
        """
        names = [
            row["relname"]
            for row in await self._connection.fetch(
                """SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
                WHERE nspname = $1 AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY pg_total_relation_size(c.oid) DESC""",
                SCHEMA,
            )
        ]
        tables = []
        for name in names:
            if name in TRANSLATED:
                progress = await self._progress(name, options)
                tables.append(await self._survey(progress))
        database_bytes = await self._connection.fetchval("SELECT pg_database_size(current_database())")
        return AdoptionPlan(tuple(tables), tuple(name for name in names if name not in TRANSLATED), database_bytes)

    async def adopt(
        self,
        options: AdoptionOptions,
        batch_rows: int = BATCH_ROWS,
        said: Callable[[Adopted], None] = lambda progress: None,
    ) -> list[Adopted]:
        """Bring over what is left, and verify it.

        Args:
            options: What the tables may not tell.
            batch_rows: Rows of a transaction, about.
            said: Told after each batch.

        Returns:
            What became of each table.

        Raises:
            StoreError: It stopped; what was done so far stays, and the next call goes on from there.
        """
        plan = await self.plan(options)
        run = await _Run.begin(self._connection)
        try:
            done = [await self._adopt_table(table.so_far.table, options, batch_rows, said) for table in plan.tables]
        except (StoreError, asyncpg.PostgresError) as error:
            await run.fail(error)
            raise
        await run.finish(plan, done)
        return done

    async def drop(self, table: str) -> int:
        """Drop a legacy table that was adopted whole; the bytes it gave back.

        Raises:
            AdoptionError: It was not, or its rows were refused, or their number is another one now.
        """
        progress = await self._progress(table, AdoptionOptions())
        if not progress.adopted.droppable:
            raise AdoptionError(f"{SCHEMA}.{table}: {progress.adopted.refused:,} of its rows are nowhere else; it stays")
        async with self._connection.transaction():
            await self._connection.execute(f"LOCK TABLE {SCHEMA}.{table} IN ACCESS EXCLUSIVE MODE")
            await self._count_again(progress.adopted)
            freed = await self._connection.fetchval("SELECT pg_total_relation_size($1::text::regclass)", f"{SCHEMA}.{table}")
            await self._connection.execute(f"DROP TABLE {SCHEMA}.{table}")
            await self._connection.execute(
                "UPDATE recovery.adoption SET dropped_at = clock_timestamp() WHERE relation = $1", table
            )
        return int(freed)

    async def _adopt_table(
        self, table: str, options: AdoptionOptions, batch_rows: int, said: Callable[[Adopted], None]
    ) -> Adopted:
        progress = await self._begin(await self._progress(table, options))
        said(progress.adopted)
        pages = max(1, batch_rows // _ROWS_A_PAGE)
        while progress.next_block < progress.adopted.pages:
            before = progress
            pages = await self._prepare(progress, min(pages, progress.adopted.pages - progress.next_block))
            progress = await self._adopt_batch(progress, pages)
            said(progress.adopted)
            # At most twice as many: the next pages may be fuller than these.
            rows = max(1, progress.adopted.rows - before.adopted.rows)
            pages = max(1, min(2 * pages, pages * batch_rows // rows))
        if not progress.adopted.verified:
            await self._count_again(progress.adopted)
            await self._analyze(table)
            await self._connection.execute(
                "UPDATE recovery.adoption SET verified_at = clock_timestamp() WHERE relation = $1", table
            )
        return replace(progress.adopted, verified=True)

    async def _progress(self, table: str, options: AdoptionOptions) -> "_Progress":
        """How far a table is, and how its rows become ours; it may not have been begun."""
        found = await self._connection.fetchrow(
            """SELECT relkind::text AS kind, pg_relation_filenode(c.oid)::bigint AS filenode, pg_relation_size(c.oid) AS bytes,
                EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = 'recovery_adoption') AS given
            FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $1 AND relname = $2""",
            SCHEMA,
            table,
        )
        if found is None or found["kind"] != "r":
            raise AdoptionError(f"{SCHEMA}.{table}: is no plain table; only plain tables are adopted")
        row = await self._connection.fetchrow("SELECT * FROM recovery.adoption WHERE relation = $1", table)
        if row is not None and row["filenode"] != found["filenode"]:
            if not found["given"]:
                row = None  # another table of that name: its rows are new ones
            elif row["verified_at"] is None:
                raise AdoptionError(
                    f"{SCHEMA}.{table}: was rewritten (VACUUM FULL, CLUSTER or a restore) half way through its adoption, "
                    "and which rows are left cannot be known; restore it as it was"
                )
        options = _settled(table, options, row)
        types = await self._types(table)
        return _Progress.read(translation(table, types, options), options, found["filenode"], found["bytes"] // _PAGE_BYTES, row)

    async def _types(self, table: str) -> dict[str, str]:
        rows = await self._connection.fetch(
            """SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute
            WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
            f"{SCHEMA}.{table}",
        )
        return {row["attname"]: row["type"] for row in rows}

    async def _survey(self, progress: "_Progress") -> LegacyTable:
        """Estimate, from a few pages spread over those that are left, what is to come."""
        how, first, pages = progress.translation, progress.next_block, progress.adopted.pages
        left = pages - first
        starts = sorted({first + left * sample // _SAMPLES for sample in range(_SAMPLES)}) if left else []
        columns = ", ".join(f"judged.{identifier(name)}" for name in how.values)
        key = ", ".join(f"judged.{identifier(name)}" for name in how.key or ("run_id", "timestamp"))
        sampled, read, row_bytes, key_bytes = 0, 0, 0, 0
        refused: dict[str, int] = {}
        for start in starts:
            end = min(start + _SAMPLED_PAGES, pages)
            sampled += end - start
            for row in await self._connection.fetch(
                f"""SELECT refusal, count(*) AS rows, coalesce(sum(pg_column_size(ROW({columns}))), 0)::bigint AS row_bytes,
                    coalesce(sum(pg_column_size(ROW({key}))), 0)::bigint AS key_bytes
                FROM ({how.judged}) judged GROUP BY refusal""",
                start,
                end,
            ):
                read += row["rows"]
                if row["refusal"] is None:
                    row_bytes, key_bytes = row["row_bytes"] + 8 * row["rows"], key_bytes + row["key_bytes"]
                else:
                    refused[row["refusal"]] = refused.get(row["refusal"], 0) + row["rows"]
        ...
