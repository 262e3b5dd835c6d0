"""What there is to adopt and how many bytes that takes, from a few pages of each legacy table."""

from collections.abc import Mapping
from dataclasses import dataclass

from asyncpg import Connection

from shared.adapters.postgres.adoption_progress import Adopted, Progress, read_progress
from shared.adapters.postgres.legacy_columns import SCHEMA, identifier
from shared.adapters.postgres.legacy_tables import QUOTE_UNKNOWN, TRANSLATED, AdoptionOptions

_SAMPLES, _PAGES_A_SAMPLE = 8, 8
# Bytes around a row: its pointer in the page, and what an entry of an index has beside the key. An index page is filled to
# about this share where rows of many symbols arrive in the order of time.
_POINTER_BYTES, _ENTRY_BYTES, _INDEX_FILLED = 4, 12, 0.7
_ROW_HEADER_BYTES = 24
_TABLES = """
SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = $1 AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""
_SAMPLE = """
SELECT refusal, count(*) AS rows, sum(pg_column_size(ROW({columns}))) AS row_bytes, sum(pg_column_size(ROW({key}))) AS key_bytes
FROM ({judged}) judged GROUP BY refusal
"""


@dataclass(frozen=True)
class LegacyTable:
    """A legacy table before its adoption, or half way.

    Attributes:
        so_far: What became of its rows.
        legacy_bytes: What it occupies, indexes included.
        rows_left: Rows to take, estimated.
        bytes_needed: What they will occupy in our table, estimated.
        likely_refused: Shares (0 to 1) of the rows that will be refused, by reason, estimated.
        left_behind: Columns that our table has no place for.
    """

    so_far: Adopted
    legacy_bytes: int
    rows_left: int
    bytes_needed: int
    likely_refused: Mapping[str, float]
    left_behind: tuple[str, ...]

    @property
    def lacks_quote(self) -> bool:
        """Whether a sampled candle does not tell its quote currency."""
        return QUOTE_UNKNOWN in self.likely_refused


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
        """What the rows that are left will occupy, estimated."""
        return sum(table.bytes_needed for table in self.tables)


async def survey(connection: Connection, options: AdoptionOptions) -> AdoptionPlan:
    """Look at the legacy tables. Nothing is changed, and no table is read whole.

    Raises:
        StoreError: A table cannot be adopted, or not without a further option.
    """
    # Without our schema there is no place for any row; this says so.
    await connection.execute("SELECT FROM recovery.adoption LIMIT 0")
    names = [row["relname"] for row in await connection.fetch(_TABLES, SCHEMA)]
    tables = [
        await _survey_table(connection, await read_progress(connection, name, options))
        for name in TRANSLATED
        if name in names
    ]
    return AdoptionPlan(
        tuple(tables),
        tuple(name for name in names if name not in TRANSLATED),
        await connection.fetchval("SELECT pg_database_size(current_database())"),
    )


async def _survey_table(connection: Connection, progress: Progress) -> LegacyTable:
    how, so_far = progress.how, progress.so_far
    columns = ", ".join(identifier(name) for name in how.values)
    # Rows without a key of their own get a number, of 8 bytes.
    key = ", ".join(identifier(name) for name in how.key or ("run_id", "timestamp"))
    number_bytes = 0 if how.key else 8
    statement = _SAMPLE.format(columns=columns, key=key, judged=how.judged)
    pages, rows, needed = 0, 0, 0.0
    refused: dict[str, int] = {}
    for first in _spread(so_far.pages_done, so_far.pages):
        last = min(first + _PAGES_A_SAMPLE, so_far.pages)
        pages += last - first
        for row in await connection.fetch(statement, first, last):
            rows += row["rows"]
            if row["refusal"] is not None:
                refused[row["refusal"]] = refused.get(row["refusal"], 0) + row["rows"]
                continue
            needed += row["row_bytes"] + row["rows"] * (_POINTER_BYTES + number_bytes)
            entries = row["key_bytes"] + row["rows"] * (_ENTRY_BYTES + number_bytes - _ROW_HEADER_BYTES)
            needed += entries / _INDEX_FILLED
    scale = (so_far.pages - so_far.pages_done) / pages if pages else 0.0
    return LegacyTable(
        so_far=so_far,
        legacy_bytes=await connection.fetchval(
            "SELECT pg_total_relation_size(format('%I.%I', $1::text, $2::text)::regclass)", SCHEMA, so_far.table
        ),
        rows_left=round(rows * scale),
        bytes_needed=round(needed * scale),
        likely_refused={reason: count / rows for reason, count in refused.items()},
        left_behind=how.left_behind,
    )


def _spread(first: int, end: int) -> list[int]:
    """Pages to begin samples at, evenly over [first, end), without overlap."""
    step = max(_PAGES_A_SAMPLE, (end - first) // _SAMPLES)
    return list(range(first, end, step))[:_SAMPLES]
