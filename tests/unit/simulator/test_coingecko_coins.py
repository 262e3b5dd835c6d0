"""The list of coins: one id each, symbols that are not unique, and a price for none but the real ones."""

from collections import Counter

from shared.simulator.coingecko_coins import TETHER, coins
from shared.simulator.instruments import SPOT

BASES = [instrument.base for instrument in SPOT.values()]


def test_every_base_of_the_venue_has_a_known_id() -> None:
    listed = coins(BASES)
    assert {coin.base for coin in listed} == {*BASES, "USDT"}
    assert len({coin.id for coin in listed}) == len(listed)
    assert {coin.id for coin in coins(["BTC", "ETH"])} == {"bitcoin", "ethereum", "osmosis-allbtc", "tether"}


def test_some_symbols_are_ambiguous_and_one_coin_of_each_outweighs_the_others() -> None:
    listed = coins(BASES)
    symbols = Counter(coin.symbol for coin in listed)
    assert {symbol for symbol, count in symbols.items() if count > 1} == {"btc", "doge", "link", "sol", "xrp"}
    for symbol in symbols:
        supplies = sorted((coin.supply for coin in listed if coin.symbol == symbol), reverse=True)
        assert all(supplies[0] > 1000 * other for other in supplies[1:])


def test_a_base_nobody_knows_is_its_own_id() -> None:
    (coin,) = (coin for coin in coins(["S042"]) if coin is not TETHER)
    assert (coin.id, coin.symbol, coin.base) == ("s042", "s042", "S042")
