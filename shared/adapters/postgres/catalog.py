"""Tables as the catalog and the planner's statistics have them. Nothing is counted and no table is read.

Works on any database: without our schema, and without a single table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from asyncpg import Connection

from shared.domain.storage import TableSize
from shared.domain.table_statistics import ColumnStatistics, TimeDistribution, bloat_bytes, estimated_rows

# What belongs to us or to the legacy system. Supabase's own schemas are its own affair.
SCHEMAS = ("public", "archive", "legacy")
_TIME_TYPES = ("timestamp with time zone", "timestamp without time zone")
_TIME_COLUMNS = ("timestamp", "scan_time")

# A table that vanishes meanwhile has no size: it is left out.
_RELATIONS = """
SELECT n.nspname AS schema, c.relname AS name, pn.nspname AS parent_schema, p.relname AS parent,
    c.reltuples AS counted, c.relpages AS counted_pages, pg_relation_size(c.oid) / 8192 AS pages,
    pg_table_size(c.oid) - coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS table_bytes,
    coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast_bytes, pg_indexes_size(c.oid) AS index_bytes,
    coalesce(
        (SELECT option_value::integer FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100
    ) AS fill,
    coalesce(greatest(seen.last_analyze, seen.last_autoanalyze), now()) AS seen_at, columns.*
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_class p ON p.oid = i.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
LEFT JOIN pg_stat_all_tables seen ON seen.relid = c.oid
LEFT JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY attnum) AS names,
        array_agg(format_type(a.atttypid, NULL) ORDER BY attnum) AS types,
        array_agg(a.attlen > 0 ORDER BY attnum) AS fixed, array_agg(a.attalign::text ORDER BY attnum) AS alignments,
        array_agg(s.avg_width ORDER BY attnum) AS widths, array_agg(coalesce(s.null_frac, 0) ORDER BY attnum) AS null_fractions
    FROM pg_attribute a
    LEFT JOIN pg_stats s
        ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) columns ON true
WHERE c.relkind IN ('r', 'm') AND n.nspname = any($1) AND pg_relation_size(c.oid) IS NOT NULL
ORDER BY n.nspname, c.relname
"""
_TIMES = """
SELECT asked.place, s.null_frac AS null_fraction, s.most_common_vals::text::timestamptz[] AS common,
    s.most_common_freqs AS common_shares, s.histogram_bounds::text::timestamptz[] AS bounds
FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (schema, name, attname, place)
JOIN pg_stats s ON s.schemaname = asked.schema AND s.tablename = asked.name AND s.attname = asked.attname AND NOT s.inherited
"""
_SHARES = """
SELECT unnest(most_common_vals::text::text[]) AS value, unnest(most_common_freqs) AS share
FROM pg_stats WHERE schemaname = $1 AND tablename = $2 AND attname = $3 AND NOT inherited
"""
# Newest partitions of each table whose rows' times are read: a month's first day needs the month before.
_NEWEST = 2
# What is counted in no time: a megabyte, and of tables so large so many.
_SMALL_PAGES = 128
_COUNTED_AT_MOST = 50


@dataclass(frozen=True)
class Relation:
    """A table or a partition.

    Attributes:
        size: As it is told. Its name is without the schema where that is public.
        parent: Name of the table it is a partition of, likewise; None for none.
        schema: Its schema.
        table: Its name without it.
        pages: Its pages of 8 kB.
        time_column: The column that says when a row is of; None where there is none.
        seen_at: When it was analyzed; the present where that is not known.
        is_analyzed: Whether there are statistics of it, or no rows to have them of.
        times: How its rows lie in time; of partitions the newest only, and without statistics there are none.
    """

    size: TableSize
    parent: str | None
    schema: str
    table: str
    pages: int
    time_column: str | None
    seen_at: datetime
    is_analyzed: bool
    times: TimeDistribution = field(default_factory=lambda: TimeDistribution(()))


async def read_relations(connection: Connection) -> list[Relation]:
    """All tables and partitions that are ours or the legacy system's, in the order of their names."""
    found = await _with_small_counted(connection, await connection.fetch(_RELATIONS, list(SCHEMAS)))
    densities = _densities(found)
    relations = [_relation(row, densities.get(_parent(row))) for row in found]
    times = await _read_times(connection, _worth_dating(relations))
    return [replace(r, times=times.get(r.size.name, r.times)) for r in relations]


async def _with_small_counted(connection: Connection, found: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The planner knows nothing yet of a table that is new; one that is small too is counted, so few that it is at once."""
    rows: list[Mapping[str, Any]] = []
    left = _COUNTED_AT_MOST
    for row in found:
        if row["counted"] < 0 and 0 < row["pages"] <= _SMALL_PAGES and left:
            left -= 1
            count = await connection.fetchval(
                f"SELECT count(*) FROM ONLY {_quoted(row['schema'])}.{_quoted(row['name'])}"
            )
            rows.append({**row, "counted": float(count), "counted_pages": row["pages"]})
        else:
            rows.append(row)
    return rows


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


async def read_shares(connection: Connection, relation: Relation, column: str) -> dict[str, float]:
    """Values of a column with the share of rows that have it, 0 to 1: the common ones only."""
    found = await connection.fetch(_SHARES, relation.schema, relation.table, column)
    return {row["value"]: row["share"] for row in found}


def grouped(relations: Iterable[Relation]) -> dict[str, tuple[Relation, ...]]:
    """The relations by table: a table with partitions is those, another is itself."""

    def table(relation: Relation) -> str:
        return relation.parent or relation.size.name

    return {name: tuple(group) for name, group in groupby(sorted(relations, key=table), key=table)}


async def _read_times(connection: Connection, relations: Iterable[Relation]) -> dict[str, TimeDistribution]:
    asked = [relation for relation in relations if relation.time_column is not None]
    found = await connection.fetch(
        _TIMES,
        [relation.schema for relation in asked],
        [relation.table for relation in asked],
        [relation.time_column for relation in asked],
    )
    return {asked[row["place"] - 1].size.name: _distribution(row) for row in found}


def _worth_dating(relations: Iterable[Relation]) -> list[Relation]:
    return [
        relation
        for group in grouped(relations).values()
        # Partitions' names are in the order of time.
        for relation in sorted((r for r in group if r.size.table_bytes), key=attrgetter("table"))[-_NEWEST:]
    ]


def _shown(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _parent(row: Mapping[str, Any]) -> str | None:
    return None if row["parent"] is None else _shown(row["parent_schema"], row["parent"])


def _densities(found: Iterable[Mapping[str, Any]]) -> dict[str | None, float]:
    """Rows a page in the partitions of each table, those that were counted: a new one is like them."""
    sums: dict[str | None, tuple[float, int]] = {}
    for row in found:
        if row["parent"] is not None and row["counted"] >= 0 and row["counted_pages"] > 0:
            counted, pages = sums.get(_parent(row), (0.0, 0))
            sums[_parent(row)] = (counted + row["counted"], pages + row["counted_pages"])
    return {parent: counted / pages for parent, (counted, pages) in sums.items()}


def _relation(row: Mapping[str, Any], rows_a_page: float | None) -> Relation:
    names, types = row["names"] or (), row["types"] or ()
    statistics = (row["fixed"], row["alignments"], row["widths"], row["null_fractions"])
    columns = [ColumnStatistics(*column) for column in zip(*statistics, strict=True)] if names else []
    rows = estimated_rows(row["counted"], row["counted_pages"], row["pages"], rows_a_page)
    return Relation(
        size=TableSize(
            name=_shown(row["schema"], row["name"]),
            rows=None if rows is None else round(rows),
            table_bytes=row["table_bytes"],
            index_bytes=row["index_bytes"],
            toast_bytes=row["toast_bytes"],
            bloat_bytes=bloat_bytes(rows, columns, row["pages"], row["fill"] / 100),
            partitions=0,
        ),
        parent=_parent(row),
        schema=row["schema"],
        table=row["name"],
        pages=row["pages"],
        time_column=_time_column(dict(zip(names, types, strict=True))),
        seen_at=row["seen_at"],
        is_analyzed=row["pages"] == 0 or all(column.width_bytes is not None for column in columns),
    )


def _time_column(types: Mapping[str, str]) -> str | None:
    times = [name for name, kind in types.items() if kind in _TIME_TYPES]
    return next((name for name in (*_TIME_COLUMNS, *times) if name in times), None)


def _distribution(row: Mapping[str, Any]) -> TimeDistribution:
    common = dict(zip(row["common"] or (), row["common_shares"] or (), strict=True))
    return TimeDistribution(
        bounds=[at for at in row["bounds"] or () if _is_a_time(at)],
        common={at: share for at, share in common.items() if _is_a_time(at)},
        null_fraction=row["null_fraction"],
    )


def _is_a_time(at: datetime) -> bool:
    # Postgres knows infinity, which arrives as the last of all datetimes, or the first.
    return at.tzinfo is not None and 1970 <= at.year < 2100
