"""Stream names."""

import pytest

from shared.simulator.streams import parse_stream, symbol_of


@pytest.mark.parametrize(
    ("name", "kind", "interval"),
    [
        ("btcusdt@trade", "trade", ""),
        ("btcusdt@aggTrade", "aggTrade", ""),
        ("btcusdt@depth", "depth", ""),
        ("btcusdt@depth@100ms", "depth", ""),
        ("btcusdt@kline_5m", "kline", "5m"),
        ("btcusdt@markPrice@1s", "markPrice", ""),
        ("btcusdt@bookTicker", "bookTicker", ""),
    ],
)
def test_known_names(name: str, kind: str, interval: str) -> None:
    stream = parse_stream(name, perpetual=True, step_s=5)
    assert stream is not None
    assert (stream.kind, stream.interval) == (kind, interval)
    assert stream.wrap('{"e":1}') == f'{{"stream":"{name}","data":{{"e":1}}}}'


@pytest.mark.parametrize("name", ["btcusdt@kline_7m", "btcusdt@depth@3ms", "btcusdt@nothing", "btcusdt", "", "@"])
def test_names_nobody_publishes(name: str) -> None:
    assert parse_stream(name, perpetual=True, step_s=5) is None


def test_spot_has_no_mark_price() -> None:
    assert parse_stream("btcusdt@markPrice", perpetual=False, step_s=5) is None


def test_symbol_of() -> None:
    assert symbol_of("btcusdt@depth@100ms") == "BTCUSDT"
    assert symbol_of("listenkey") == ""
