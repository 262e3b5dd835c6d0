"""The list of coins: one id each, symbols that are not unique, and a price for none but the real ones."""

from collections import Counter

from shared.simulator.coingecko_coins import coins
from shared.simulator.instruments import SPOT

BASES = [instrument.base for instrument in SPOT.values()]


def test_every_base_of_the_venue_has_a_known_id() -> None:
    listed = coins(BASES)
    assert sorted(coin.base for coin in listed if coin.base) == sorted(BASES)
    assert len({coin.id for coin in listed}) == len(listed)
    assert {coin.id for coin in coins(["BTC", "ETH"])} == {"bitcoin", "ethereum", "osmosis-allbtc"}


def test_some_symbols_are_ambiguous_and_one_coin_of_each_has_a_price() -> None:
    symbols = Counter(coin.symbol for coin in coins(BASES))
    assert {symbol for symbol, count in symbols.items() if count > 1} == {"btc", "doge", "link", "sol", "uni", "xrp"}
    assert Counter(coin.symbol for coin in coins(BASES) if coin.base) == Counter(base.lower() for base in BASES)


def test_a_base_nobody_knows_is_its_own_id() -> None:
    (coin,) = coins(["S042"])
    assert (coin.id, coin.symbol, coin.base) == ("s042", "s042", "S042")
