"""Binance's messages: klines open and closed, answers, the farewell, and any bytes at all."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Bar, Series
from shared.domain.stored import Timeframe
from shared.wire import binance_messages
from shared.wire.dialect import Said
from shared.wire.link_table import Event
from shared.wire.stream import Complaint, Malformed, Reported

BTC = Series("binance", "BTC-USDT", Timeframe.MINUTE)
SERIES = {"BTCUSDT": BTC}


def kline(**changes: Any) -> dict[str, Any]:
    inner = {
        "t": 1672515780000, "T": 1672515839999, "s": "BTCUSDT", "i": "1m", "f": 100, "L": 200, "o": "16500.10", "c": "16501",
        "h": "16502.5", "l": "16499.00", "v": "12.345", "n": 100, "x": True, "q": "1", "V": "1", "Q": "1", "B": "0",
    }  # fmt: skip
    return {"e": "kline", "E": 1672515782136, "s": "BTCUSDT", "k": {**inner, **changes}}


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("is_combined", [False, True])
def test_a_kline(is_closed: bool, is_combined: bool) -> None:
    event = kline(x=is_closed)
    message = json.dumps({"stream": "btcusdt@kline_1m", "data": event} if is_combined else event)
    prices = [Decimal(text) for text in ("16500.10", "16502.5", "16499.00", "16501", "12.345")]
    assert binance_messages.read(message, SERIES) == [
        Reported((Bar(BTC, 1672515780000, *prices, is_closed=is_closed),))
    ]


@pytest.mark.parametrize(
    "changes",
    [{"i": "5m"}, {"o": "NaN"}, {"o": 1.5}, {"c": "1" + "0" * 400}, {"t": -1}, {"t": "now"}, {"x": "yes"}, {"v": None}],
)
def test_what_is_no_kline_is_malformed(changes: dict[str, Any]) -> None:
    [malformed] = binance_messages.read(json.dumps(kline(**changes)), SERIES)
    assert isinstance(malformed, Malformed)


def test_klines_nobody_wants_say_nothing() -> None:
    assert binance_messages.read(json.dumps(kline(s="ETHUSDT")), SERIES) == []


@pytest.mark.parametrize("message", ['{"result":null,"id":1}', '{"id":"x","result":null}'])
def test_a_confirmation(message: str) -> None:
    assert binance_messages.read(message, SERIES) == [Said(Event.SUBSCRIBED)]


@pytest.mark.parametrize(
    "message",
    ['{"error":{"code":2,"msg":"Invalid request"},"id":1}', '{"code":2,"msg":"Invalid request","id":1}'],
)
def test_a_refused_request(message: str) -> None:
    assert binance_messages.read(message, SERIES) == [
        Complaint("binance", "Binance refuses a request: 2 Invalid request.")
    ]


@pytest.mark.parametrize(
    "message",
    ['{"e":"serverShutdown","E":1770123456789}', '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'],
)
def test_the_farewell(message: str) -> None:
    [said] = binance_messages.read(message, SERIES)
    assert isinstance(said, Said)
    assert (said.event, said.is_planned) == (Event.LOST, True)


@pytest.mark.parametrize(
    "message", ["", "[]", "{}", "null", '{"e":"trade"}', "[" * 100_000, '{"k":' * 100_000, b"\xff"]
)
def test_rubbish(message: str | bytes) -> None:
    [malformed] = binance_messages.read(message, SERIES)
    assert isinstance(malformed, Malformed)
    assert len(malformed.excerpt) <= 200


@given(st.binary() | st.text())
def test_no_bytes_make_it_raise(message: str | bytes) -> None:
    binance_messages.read(message, SERIES)
