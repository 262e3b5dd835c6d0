"""How far the adoption of a legacy table is: a row of recovery.adoption, and whether it still means that table.

AdoptionError
├── AdoptionBusy        another adoption is at work
├── LegacyRewritten     the pages counted so far are other pages now
├── OptionsChanged      it was begun with other options
├── QuoteUnknown        an option is missing
└── CountMismatch       rows are not as many as were taken
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from asyncpg import Connection

from shared.adapters.postgres.legacy_columns import SCHEMA
from shared.adapters.postgres.legacy_tables import AdoptionOptions, Translation, translation
from shared.ports import StoreError

_PAGE_BYTES = 8192
_TRIGGER = "recovery_adoption"
_FOUND = f"""
SELECT relkind::text AS kind, pg_relation_filenode(c.oid)::bigint AS filenode, pg_relation_size(c.oid) / {_PAGE_BYTES} AS pages,
    EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = '{_TRIGGER}') AS given
FROM pg_class c WHERE relnamespace = $1::text::regnamespace AND relname = $2
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) AS type FROM pg_attribute
WHERE attrelid = format('%I.%I', $1::text, $2::text)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_BEGIN = """
INSERT INTO recovery.adoption (relation, filenode, options, next_seq)
VALUES ($1, $2::bigint::oid, $3, 1 + coalesce((
    SELECT max(seq) FROM public.scan_history WHERE run_id = '00000000-0000-0000-0000-000000000000' AND $4
), 0))
RETURNING *
"""
# Rows change in legacy no more: a row inserted into a page that is done, or changed in it, would be lost with the table.
_FREEZE = """
CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION recovery.refuse_change_of_legacy()
"""


class AdoptionError(StoreError):
    """Legacy tables cannot be adopted."""


class LegacyRewritten(AdoptionError):
    """A legacy table was rewritten half way through its adoption."""


class OptionsChanged(AdoptionError):
    """An adoption goes on with the options it began with."""


class QuoteUnknown(AdoptionError):
    """The quote currency of a candle cannot be known."""


class CountMismatch(AdoptionError):
    """A legacy table has more or fewer rows than were taken from it."""


@dataclass(frozen=True)
class Refused:
    """Legacy rows that have no place in our table, for one reason.

    Attributes:
        rows: How many.
        first: ctid of the first, for a look at it.
    """

    rows: int
    first: str


@dataclass(frozen=True)
class Adopted:
    """What became of a legacy table's rows.

    Attributes:
        table: Its name in schema legacy.
        adopted: Rows that are in our table now.
        duplicates: Rows whose key was there already.
        refused: Rows left behind.
        refusals: The same, by reason.
        pages: Its pages of 8 kB.
        pages_done: How many of them were read.
        verified: Whether its rows were counted and found to be `rows`.
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
        """Rows taken so far."""
        return self.adopted + self.duplicates + self.refused


@dataclass(frozen=True)
class Progress:
    """How far a table is, and how to go on.

    Attributes:
        so_far: What became of its rows.
        how: How its rows become ours.
        options: With which options.
        filenode: The file its pages are of.
        next_seq: Number of the next row, where rows are numbered.
        is_begun: Whether any of this is written down.
    """

    so_far: Adopted
    how: Translation
    options: AdoptionOptions
    filenode: int
    next_seq: int
    is_begun: bool


async def read_progress(connection: Connection, table: str, options: AdoptionOptions) -> Progress:
    """Where the adoption of a table stands; it may not have been begun. Nothing is changed.

    Raises:
        StoreError: It cannot be begun or go on.
    """
    found = await connection.fetchrow(_FOUND, SCHEMA, table)
    if found is None or found["kind"] != "r":
        raise AdoptionError(f"{SCHEMA}.{table}: is no plain table, and only plain tables are adopted")
    row = await connection.fetchrow("SELECT * FROM recovery.adoption WHERE relation = $1", table)
    if row is not None and row["filenode"] != found["filenode"] and row["verified_at"] is None:
        raise LegacyRewritten(
            f"{SCHEMA}.{table}: was rewritten half way through its adoption (VACUUM FULL, CLUSTER or a restore), so that "
            "the rows left to take cannot be told any more; restore it as it was"
        )
    if row is not None and row["verified_at"] is not None and not found["given"]:
        row = None  # that one was dropped: this is another table of the same name
    options = options if row is None else _settled(table, options, row["options"])
    types = {column["attname"]: column["type"] for column in await connection.fetch(_COLUMNS, SCHEMA, table)}
    how = translation(table, types, options)
    if row is None:
        so_far = Adopted(table, 0, 0, 0, {}, found["pages"], 0, verified=False)
        return Progress(so_far, how, options, found["filenode"], 1, is_begun=False)
    return _progress(row, how, options, found["pages"])


async def begin(connection: Connection, progress: Progress) -> Progress:
    """Write down that a table is given to adoption, and let it change no more; nothing where that is done."""
    if progress.is_begun:
        return progress
    table = progress.so_far.table
    async with connection.transaction():
        await connection.execute(_FREEZE.format(trigger=_TRIGGER, table=f"{SCHEMA}.{table}"))
        await connection.execute("DELETE FROM recovery.adoption WHERE relation = $1", table)
        # Only now is the number of pages a number that stays.
        found = await connection.fetchrow(_FOUND, SCHEMA, table)
        row = await connection.fetchrow(
            _BEGIN, table, found["filenode"], asdict(progress.options), not progress.how.key
        )
    return _progress(row, progress.how, progress.options, found["pages"])


async def write_down(connection: Connection, before: Progress, after: Progress) -> None:
    """Record a batch, in the transaction that took it."""
    so_far = after.so_far
    status = await connection.execute(
        """UPDATE recovery.adoption
        SET next_block = $3, next_seq = $4, adopted = $5, duplicates = $6, refused = $7, refusals = $8
        WHERE relation = $1 AND next_block = $2""",
        so_far.table,
        before.so_far.pages_done,
        so_far.pages_done,
        after.next_seq,
        so_far.adopted,
        so_far.duplicates,
        so_far.refused,
        {reason: asdict(refused) for reason, refused in so_far.refusals.items()},
    )
    if status != "UPDATE 1":
        raise AdoptionError(f"{SCHEMA}.{so_far.table}: somebody else went on with its adoption; run this again")


def _progress(row: Any, how: Translation, options: AdoptionOptions, pages: int) -> Progress:
    so_far = Adopted(
        table=row["relation"],
        adopted=row["adopted"],
        duplicates=row["duplicates"],
        refused=row["refused"],
        refusals={reason: Refused(**refused) for reason, refused in row["refusals"].items()},
        # A vacuum may have cut off pages at its end that were empty.
        pages=max(pages, row["next_block"]),
        pages_done=row["next_block"],
        verified=row["verified_at"] is not None,
    )
    return Progress(so_far, how, options, row["filenode"], row["next_seq"], is_begun=True)


def _settled(table: str, given: AdoptionOptions, stored: Mapping[str, Any]) -> AdoptionOptions:
    """The options an adoption was begun with; one that was left out then may be given now."""
    settled: dict[str, Any] = {}
    for field in fields(AdoptionOptions):
        before, now = stored[field.name], getattr(given, field.name)
        if before and now and before != now:
            raise OptionsChanged(
                f"--{field.name} {now}: the adoption of {SCHEMA}.{table} was begun with --{field.name} {before} "
                "and goes on with it; leave the option out"
            )
        settled[field.name] = now or before
    return AdoptionOptions(**settled)
