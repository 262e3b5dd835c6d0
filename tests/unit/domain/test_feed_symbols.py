"""A source's symbol for a pair is in the quote that source has."""

import pytest

from shared.domain.feed_symbols import symbol_at


@pytest.mark.parametrize(
    ("source", "pair", "symbol"),
    [
        ("polygon", "BTC-USDT", "BTC-USD"),
        ("polygon", "BTC-USDC", "BTC-USD"),
        ("polygon", "BTC-USD", "BTC-USD"),
        ("polygon", "BTC-EUR", "BTC-EUR"),
        ("polygon", "ETH-BTC", "ETH-BTC"),
        ("coingecko", "BTC-USDT", "BTC-USD"),
        ("binance", "BTC-USDT", "BTC-USDT"),
        ("binance", "BTC-FDUSD", "BTC-FDUSD"),
        ("binance", "BTC-USD", "BTC-USDT"),
        ("binance", "BTC-EUR", "BTC-EUR"),
        ("kraken", "BTC-USD", "BTC-USD"),
        ("kraken", "BTC-USDT", "BTC-USDT"),
    ],
)
def test_a_pair_has_a_symbol_at_each_source(source: str, pair: str, symbol: str) -> None:
    assert symbol_at(source, pair) == symbol
    assert symbol_at(source, symbol) == symbol


@pytest.mark.parametrize("pair", ["", "-", "BTC", "BTC-", "-USDT", "BTC-USDT-PERP"])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(ValueError, match="is no pair"):
        symbol_at("polygon", pair)
