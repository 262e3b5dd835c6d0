"""Adoption: the rows of the legacy system's tables, brought into the partitioned ones batch by batch.

A batch is a range of the legacy table's pages, so none reads more than its own rows, and how far adoption got is written in the
transaction of each batch (recovery.adoption): killed at any point, it goes on where it was. The legacy table refuses to change
from then on, which is what makes its pages a cursor and the final count a proof.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from asyncpg import Connection

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.adoption_progress import (
    Adopted,
    CountMismatch,
    Progress,
    QuoteUnknown,
    Refused,
    begin,
    read_progress,
    write_down,
)
from shared.adapters.postgres.adoption_survey import AdoptionPlan, survey
from shared.adapters.postgres.legacy_columns import SCHEMA, identifier
from shared.adapters.postgres.legacy_tables import QUOTE_UNKNOWN, AdoptionOptions
from shared.adapters.postgres.retention_runs import Run, RunKind, exclusive, recorded

BATCH_ROWS = 50_000
_ROWS_A_PAGE = 80  # until the first batch has told
# Every partition a batch writes to stays locked, with its index, to the batch's end; a server has room for some thousand locks.
_PERIODS_A_BATCH = 200
_PAGES_COUNTED_AT_ONCE = 20_000
# Reasons name values; of a column full of junk they would be too many.
_REASONS, _OTHER = 30, "other reasons"
_PERIODS = """
SELECT DISTINCT dataset, recovery.partition_start(dataset, day) AS period FROM (
    SELECT DISTINCT {dataset} AS dataset, date_trunc('day', "timestamp", 'UTC') AS day
    FROM ({judged}) judged WHERE refusal IS NULL
) days ORDER BY 1, 2
"""
# Of rows with one key the first stays; what is in our table already is not touched.
_BATCH = """
WITH judged AS MATERIALIZED ({judged}), placed AS (
    INSERT INTO public.{table} ({columns})
    SELECT {values} FROM judged WHERE refusal IS NULL ORDER BY "timestamp", place
    {on_conflict} RETURNING 1
)
SELECT (SELECT count(*) FROM judged) AS read, (SELECT count(*) FROM placed) AS adopted, (
    SELECT coalesce(jsonb_object_agg(refusal, jsonb_build_object('rows', rows, 'first', first)), '{{}}')
    FROM (
        SELECT refusal, count(*) AS rows, min(place)::text AS first FROM judged WHERE refusal IS NOT NULL GROUP BY refusal
    ) refused
) AS refusals
"""
_LEAVES = """
SELECT relid::regclass::text AS leaf FROM pg_partition_tree(format('public.%I', $1::text)::regclass) WHERE isleaf
"""
_DIED = """
UPDATE retention_runs SET state = 'died', error = 'its process ended before it did' WHERE kind = 'adopt' AND state = 'running'
"""
# A batch is bounded by its size; a role's time limits are made for requests.
_LIMITS = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '10s'"


@asynccontextmanager
async def adopting(address: Address) -> AsyncIterator["Adoption"]:
    """The one adoption that may be at work in a database. It and retention exclude each other too.

    Raises:
        RunInProgress: There is one.
        StoreError: The database cannot be asked.
    """
    async with exclusive(address) as connection:
        await connection.execute(_LIMITS)
        yield Adoption(connection, address)


@dataclass(frozen=True)
class AdoptionResult:
    """What an adoption came to.

    Attributes:
        tables: What became of the rows of each legacy table.
        freed_bytes: Of the legacy tables that were dropped, by name.
    """

    tables: tuple[Adopted, ...]
    freed_bytes: Mapping[str, int]


class Adoption:
    """See `adopting`. Each method raises StoreError where it cannot go on; what was done before stays done."""

    def __init__(self, connection: Connection, address: Address) -> None:
        self._connection = connection
        self._address = address

    async def survey(self, options: AdoptionOptions) -> AdoptionPlan:
        """What there is to adopt, and what it takes."""
        return await survey(self._connection, options)

    async def adopt(
        self,
        options: AdoptionOptions,
        *,
        batch_rows: int = BATCH_ROWS,
        drop_legacy: bool = False,
        said: Callable[[Adopted], None] = lambda _: None,
    ) -> AdoptionResult:
        """Bring over the rows that are left, and verify that each has one fate.

        Args:
            options: What the tables may not tell.
            batch_rows: Rows of a transaction, about.
            drop_legacy: Drop a legacy table once every row of it is in ours.
            said: Told how far it is, after each batch.
        """
        plan = await self.survey(options)
        for table in plan.tables:
            if table.lacks_quote:
                raise QuoteUnknown(
                    _no_quote(table.so_far.table, "some of its symbols do not tell their quote currency")
                )
        if not any(not table.so_far.verified or (drop_legacy and not table.so_far.refused) for table in plan.tables):
            return AdoptionResult(tuple(table.so_far for table in plan.tables), {})
        await self._connection.execute(_DIED)
        async with recorded(self._connection, self._address, RunKind.ADOPT) as run:
            tables = [await self._adopt(run, table.so_far.table, options, batch_rows, said) for table in plan.tables]
            dropped = [table for table in tables if drop_legacy and not table.refused]
            freed_bytes = {table.table: await self._drop(table) for table in dropped}
        return AdoptionResult(tuple(tables), freed_bytes)

    async def _adopt(
        self, run: Run, table: str, options: AdoptionOptions, batch_rows: int, said: Callable[[Adopted], None]
    ) -> Adopted:
        progress = await begin(self._connection, await read_progress(self._connection, table, options))
        said(progress.so_far)
        if progress.so_far.verified:
            return progress.so_far
        pages = max(1, batch_rows // _ROWS_A_PAGE)
        while progress.so_far.pages_done < progress.so_far.pages:
            pages = await self._make_partitions(
                progress, min(pages, progress.so_far.pages - progress.so_far.pages_done)
            )
            rows_before = progress.so_far.rows
            progress = await self._take(run, progress, pages)
            said(progress.so_far)
            # The next pages may be fuller than these: at most twice as many of them.
            rows = max(1, progress.so_far.rows - rows_before)
            pages = max(1, min(2 * pages, pages * batch_rows // rows))
        await self._count_again(progress.so_far)
        await self._analyze(table)
        await self._connection.execute(
            "UPDATE recovery.adoption SET verified_at = clock_timestamp() WHERE relation = $1", table
        )
        return replace(progress.so_far, verified=True)

    async def _drop(self, adopted: Adopted) -> int:
        """Drop a legacy table of which every row is in ours; the bytes this gave back."""
        name = f"{SCHEMA}.{adopted.table}"
        async with self._connection.transaction():
            await self._connection.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
            await self._count_again(adopted)
            freed = await self._connection.fetchval("SELECT pg_total_relation_size($1::text::regclass)", name)
            await self._connection.execute(f"DROP TABLE {name}")
            await self._connection.execute(
                "UPDATE recovery.adoption SET dropped_at = clock_timestamp() WHERE relation = $1", adopted.table
            )
        return int(freed)

    async def _make_partitions(self, progress: Progress, pages: int) -> int:
        """Make the partitions that the rows of the next pages need; how many pages to take, where that would be too many."""
        how, first = progress.how, progress.so_far.pages_done
        statement = _PERIODS.format(dataset=how.dataset, judged=how.judged)
        while True:
            periods = await self._connection.fetch(statement, first, first + pages)
            if len(periods) <= _PERIODS_A_BATCH or pages == 1:
                break
            pages //= 2
        # Each in a transaction of its own: making one takes more locks than writing to it.
        for period in periods:
            await self._connection.execute(
                "SELECT recovery.ensure_partition($1, $2)", period["dataset"], period["period"]
            )
        return pages

    async def _take(self, run: Run, progress: Progress, pages: int) -> Progress:
        """Adopt the rows of the next pages, and write it down."""
        first = progress.so_far.pages_done
        async with self._connection.transaction():
            row = await self._connection.fetchrow(_batch(progress), first, first + pages)
            if QUOTE_UNKNOWN in row["refusals"]:
                raise await self._quote_unknown(progress.so_far.table, row["refusals"][QUOTE_UNKNOWN]["first"])
            after = _after(progress, pages, row)
            await write_down(self._connection, progress, after)
            await run.add(rows_moved=row["adopted"])
        return after

    async def _quote_unknown(self, table: str, place: str) -> QuoteUnknown:
        symbol = await self._connection.fetchval(
            f"SELECT symbol FROM {SCHEMA}.{table} WHERE ctid = $1::text::tid", place
        )
        return QuoteUnknown(_no_quote(table, f"the symbol {symbol!r} does not tell its quote currency"))

    async def _count_again(self, so_far: Adopted) -> None:
        """Count the legacy rows apart from what was taken, in steps: none keeps a vacuum from its work for long."""
        counted = 0
        pages = await self._connection.fetchval(
            "SELECT pg_relation_size(format('%I.%I', $1::text, $2::text)::regclass) / 8192", SCHEMA, so_far.table
        )
        for first in range(0, pages, _PAGES_COUNTED_AT_ONCE):
            counted += await self._connection.fetchval(
                f"""SELECT count(*) FROM {SCHEMA}.{so_far.table}
                WHERE ctid >= format('(%s,0)', $1::bigint)::tid AND ctid < format('(%s,0)', $2::bigint)::tid""",
                first,
                first + _PAGES_COUNTED_AT_ONCE,
            )
        if counted != so_far.rows:
            raise CountMismatch(
                f"{SCHEMA}.{so_far.table}: has {counted:,} rows, but {so_far.rows:,} were taken from it "
                f"({so_far.adopted:,} adopted, {so_far.duplicates:,} duplicates, {so_far.refused:,} refused); it stays as it is"
            )

    async def _analyze(self, table: str) -> None:
        """Let the planner know the new rows; an embedded server may not run long enough to do so on its own."""
        for row in await self._connection.fetch(_LEAVES, table):
            await self._connection.execute(f"ANALYZE {row['leaf']}")


def _no_quote(table: str, why: str) -> str:
    return f"{SCHEMA}.{table}: {why}, and it is not guessed; give --quote, e.g. --quote USD"


def _batch(progress: Progress) -> str:
    how = progress.how
    columns = [identifier(name) for name in how.values]
    values = list(columns)
    if not how.key:
        columns.append("seq")
        values.append(f"{progress.next_seq - 1} + row_number() OVER (ORDER BY place)")
    return _BATCH.format(
        judged=how.judged,
        table=how.table,
        columns=", ".join(columns),
        values=", ".join(values),
        # A numbered row has no equal: a conflict would be a defect, and is an error.
        on_conflict="ON CONFLICT DO NOTHING" if how.key else "",
    )


def _after(progress: Progress, pages: int, row: Mapping[str, Any]) -> Progress:
    so_far = progress.so_far
    refused = sum(reason["rows"] for reason in row["refusals"].values())
    return replace(
        progress,
        next_seq=progress.next_seq + row["adopted"],
        so_far=replace(
            so_far,
            adopted=so_far.adopted + row["adopted"],
            duplicates=so_far.duplicates + row["read"] - refused - row["adopted"],
            refused=so_far.refused + refused,
            refusals=_merged(so_far.refusals, row["refusals"]),
            pages_done=so_far.pages_done + pages,
        ),
    )


def _merged(known: Mapping[str, Refused], more: Mapping[str, Mapping[str, Any]]) -> dict[str, Refused]:
    merged = dict(known)
    for reason, refused in sorted(more.items()):
        if reason not in merged and len(merged) >= _REASONS:
            reason = _OTHER
        before = merged.get(reason)
        merged[reason] = Refused(
            rows=refused["rows"] + (before.rows if before else 0), first=before.first if before else refused["first"]
        )
    return merged
