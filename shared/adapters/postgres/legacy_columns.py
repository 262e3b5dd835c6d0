"""Columns of a legacy table as SQL expressions over a row of it, `old`, each read as its type allows."""

from collections.abc import Mapping, Sequence

from shared.ports import StoreError

SCHEMA = "legacy"
_NUMBERS = ("smallint", "integer", "bigint", "real", "double precision", "numeric")
_TEXTS = ("text", "character varying", "character")
_JSONS = ("json", "jsonb")

# By type, how a column of it is read. Text that is no number is null, and the row is refused for what it then lacks.
_AS_NUMBER = {
    **dict.fromkeys(_NUMBERS, "{}::numeric"),
    **dict.fromkeys(_TEXTS, "CASE WHEN pg_input_is_valid({}::text, 'numeric') THEN {}::text::numeric END"),
}
_AS_TEXT = dict.fromkeys((*_TEXTS, *_NUMBERS), "{}::text")
_AS_OBJECT = dict.fromkeys(_JSONS, "CASE jsonb_typeof({}::jsonb) WHEN 'object' THEN {}::jsonb END")
# The legacy system's clock was UTC where it left the zone out.
_AS_TIME = {
    "timestamp with time zone": "{}",
    "timestamp without time zone": "{} AT TIME ZONE 'UTC'",
    "date": "{}::timestamp AT TIME ZONE 'UTC'",
}
_ARGUMENTS = 40  # pairs a jsonb_build_object is given; a function takes 100 arguments


class LegacyShapeError(StoreError):
    """A legacy table lacks what its rows cannot be told without."""


class LegacyColumns:
    """The columns of one table, and which of them were used.

    Args:
        table: Its name in schema legacy.
        types: By column, its type as `format_type` writes it, without length.
    """

    def __init__(self, table: str, types: Mapping[str, str]) -> None:
        self._table = table
        self._types = types
        self._used: set[str] = set()

    def number(self, *names: str) -> str | None:
        """The first of the columns that is there, as numeric; None where none is."""
        return self._first(names, _AS_NUMBER)

    def text(self, *names: str) -> str | None:
        """The same as text."""
        return self._first(names, _AS_TEXT)

    def json_object(self, *names: str) -> str | None:
        """The same as jsonb, null where it is no object."""
        return self._first(names, _AS_OBJECT)

    def time(self, *names: str) -> str | None:
        """The same as timestamptz."""
        return self._first(names, _AS_TIME)

    def needed(self, expression: str | None, *names: str) -> str:
        """The expression.

        Raises:
            LegacyShapeError: There is none, for there is no such column.
        """
        if expression is None:
            raise LegacyShapeError(
                f"{SCHEMA}.{self._table}: has no column {' or '.join(names)}; its columns are {', '.join(self._types)}"
            )
        return expression

    def rest(self) -> list[str]:
        """Columns that were not used."""
        return [name for name in self._types if name not in self._used]

    def rest_as_json(self) -> list[str]:
        """Expressions for JSON objects that hold the columns not used; where one is null it is left out."""
        structured = [name for name in self.rest() if self._types[name] in _JSONS]
        plain = [name for name in self.rest() if name not in structured]
        return [
            *(f"jsonb_strip_nulls({pairs})" for pairs in _objects(plain)),
            *_objects(structured),
        ]

    def _first(self, names: Sequence[str], readings: Mapping[str, str]) -> str | None:
        for name in names:
            if name in self._types:
                kind = self._types[name]
                if kind not in readings:
                    allowed = " or ".join(sorted(readings))
                    raise LegacyShapeError(f"{SCHEMA}.{self._table}.{name}: is {kind}; must be {allowed}")
                self._used.add(name)
                return readings[kind].replace("{}", f"old.{identifier(name)}")
        return None


def _objects(names: Sequence[str]) -> list[str]:
    pairs = [f"{literal(name)}, old.{identifier(name)}" for name in names]
    return [f"jsonb_build_object({', '.join(pairs[at : at + _ARGUMENTS])})" for at in range(0, len(pairs), _ARGUMENTS)]


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def literals(texts: Sequence[str]) -> str:
    """Texts as a list of SQL literals."""
    return ", ".join(map(literal, texts))


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
