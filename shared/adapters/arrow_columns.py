"""Columns of a Postgres table as columns of Arrow, by way of COPY's CSV: every value comes back as it was."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv as csv
from asyncpg import Connection

from shared.ports import StoreError

_DECIMAL_DIGITS, _DECIMAL_PLACES = 38, 18
_TYPES = {
    "text": pa.string(),
    "uuid": pa.string(),
    "jsonb": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "numeric": pa.decimal128(_DECIMAL_DIGITS, _DECIMAL_PLACES),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}
# Of CSV in memory at once, and so of a row group; no row may be longer.
BLOCK_BYTES = 8 * 1024 * 1024
_COLUMNS = """
SELECT attname::text AS name, format_type(atttypid, NULL) AS type,
    coalesce(array_position(i.indkey::int2[], a.attnum), -1) AS place_in_key
FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


class NotArchivable(StoreError):
    """A value or a column that a file cannot hold. What it belongs to stays in the database."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table, in its order.

    Attributes:
        types: Name of each Postgres type by the column's name.
        key: Names of the primary key's columns, in its order.
    """

    types: dict[str, str]
    key: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return list(self.types)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(name, _TYPES[postgres_type]) for name, postgres_type in self.types.items()])

    def query(self, relation: str) -> str:
        """All rows, in the order of the key: neighbours resemble each other and compress well."""
        return f"SELECT {_quoted(self.names)} FROM {relation} ORDER BY {_quoted(self.key)}"

    def unfit_query(self, relation: str) -> str | None:
        """The first value that has no place in a file, with its column; None where every value of its types has one."""
        unfit = {
            name: f"""(abs("{name}") >= 1e{_DECIMAL_DIGITS - _DECIMAL_PLACES} OR scale("{name}") > {_DECIMAL_PLACES}
                AND scale(trim_scale("{name}")) > {_DECIMAL_PLACES})"""  # NaN is greater than every number
            for name, postgres_type in self.types.items()
            if postgres_type == "numeric"
        }
        if not unfit:
            return None
        names = " ".join(f"WHEN {condition} THEN '{name}'" for name, condition in unfit.items())
        values = " ".join(f'WHEN {condition} THEN "{name}"::text' for name, condition in unfit.items())
        return (
            f"SELECT CASE {names} END AS column, CASE {values} END AS value FROM {relation} "
            f"WHERE {' OR '.join(unfit.values())} LIMIT 1"
        )

    def values(self) -> str:
        """Select list that gives the rows of a file as they were: numbers without the zeros that fill their places."""
        return ", ".join(
            f'trim_scale("{name}")' if postgres_type == "numeric" else f'"{name}"'
            for name, postgres_type in self.types.items()
        )

    def read_options(self) -> dict[str, object]:
        """How to read what COPY writes: nothing between commas is NULL, "" is the empty string."""
        return {
            "read_options": csv.ReadOptions(column_names=self.names, block_size=BLOCK_BYTES, use_threads=False),
            "parse_options": csv.ParseOptions(newlines_in_values=True),
            "convert_options": csv.ConvertOptions(
                column_types=self.schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        }


UNFIT = f"no decimal of {_DECIMAL_DIGITS} digits, {_DECIMAL_PLACES} of them decimals, can hold it"
# Strings in quotes, NULL as nothing: as COPY reads it.
CSV_FOR_COPY = csv.WriteOptions(include_header=False, quoting_style="needed")


async def columns_of(connection: Connection, relation: str) -> Columns:
    """The columns of a table.

    Raises:
        NotArchivable: A column's type has no counterpart.
    """
    rows = await connection.fetch(_COLUMNS, relation)
    for row in rows:
        if row["type"] not in _TYPES:
            raise NotArchivable(f"{relation}: column {row['name']} is of type {row['type']}, which files do not hold")
    key = sorted((row["place_in_key"], row["name"]) for row in rows if row["place_in_key"] >= 0)
    return Columns({row["name"]: row["type"] for row in rows}, tuple(name for _, name in key))


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
