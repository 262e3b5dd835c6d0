"""Columns of legacy tables as SQL."""

import pytest

from shared.adapters.postgres.legacy_columns import LegacyColumns, LegacyShapeError, identifier, literal


def test_the_first_column_there_is_is_read_as_its_type_allows() -> None:
    columns = LegacyColumns(
        "ohlc_data", {"close": "double precision", "note": "text", "at": "timestamp without time zone"}
    )
    assert columns.number("price", "close") == 'old."close"::numeric'
    assert (
        columns.number("note")
        == 'CASE WHEN pg_input_is_valid(old."note"::text, \'numeric\') THEN old."note"::text::numeric END'
    )
    assert columns.time("timestamp", "at") == "old.\"at\" AT TIME ZONE 'UTC'"
    assert columns.text("absent") is None


def test_a_type_that_cannot_be_read_is_named() -> None:
    columns = LegacyColumns("ohlc_data", {"timestamp": "bigint", "close": "boolean"})
    with pytest.raises(LegacyShapeError, match=r"legacy.ohlc_data.timestamp: is bigint; must be"):
        columns.time("timestamp")
    with pytest.raises(LegacyShapeError, match="close: is boolean"):
        columns.number("close")


def test_what_is_missing_is_named_with_what_is_there() -> None:
    columns = LegacyColumns("ohlc_data", {"a": "text", "b": "text"})
    with pytest.raises(LegacyShapeError, match=r"has no column open; its columns are a, b"):
        columns.needed(columns.number("open"), "open")


def test_the_rest_is_gathered_in_objects_of_few_arguments() -> None:
    columns = LegacyColumns("ml_features", {f"f{n}": "real" for n in range(90)} | {"raw": "jsonb", "symbol": "text"})
    columns.text("symbol")
    objects = columns.rest_as_json()
    assert len(columns.rest()) == 91
    assert [sql.count("old.") for sql in objects] == [40, 40, 10, 1]
    # Nulls within a JSON column are its content.
    assert [sql.startswith("jsonb_strip_nulls") for sql in objects] == [True, True, True, False]


def test_names_and_texts_cannot_break_out() -> None:
    assert identifier('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"
