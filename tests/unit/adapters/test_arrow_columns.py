"""Columns of Postgres as columns of Arrow. That values survive: tests/integration/test_archive.py."""

import pyarrow as pa

from shared.adapters.arrow_columns import Columns

CANDLES = Columns(
    {"symbol": "text", "timestamp": "timestamp with time zone", "close": "numeric"}, ("symbol", "timestamp")
)


def test_each_type_has_its_counterpart() -> None:
    assert CANDLES.names == ["symbol", "timestamp", "close"]
    assert CANDLES.schema == pa.schema(
        [("symbol", pa.string()), ("timestamp", pa.timestamp("us", tz="UTC")), ("close", pa.decimal128(38, 18))]
    )


def test_rows_are_asked_for_in_the_order_of_their_key() -> None:
    assert CANDLES.query("public.t") == (
        'SELECT "symbol", "timestamp", "close" FROM public.t ORDER BY "symbol", "timestamp"'
    )


def test_only_numbers_may_be_unfit() -> None:
    assert Columns({"symbol": "text"}, ("symbol",)).unfit_query("public.t") is None
    query = CANDLES.unfit_query("public.t")
    assert query is not None
    assert "'close'" in query
    assert "'symbol'" not in query


def test_numbers_lose_the_zeros_that_fill_their_places() -> None:
    assert CANDLES.values() == '"symbol", "timestamp", trim_scale("close")'
