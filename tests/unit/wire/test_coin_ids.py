"""Which coin a symbol means, and a pair's price in its own quote."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mark_price import MarkPrice
from shared.wire.coin_ids import KNOWN, mark_price, meant
from shared.wire.coingecko import CoinPrice


def coin(usd: str = "1", cap: int | None = None, at_s: int = 100, **other: str) -> CoinPrice:
    prices = {name: Decimal(value) for name, value in {"usd": usd, **other}.items() if value}
    return CoinPrice(prices, None if cap is None else Decimal(cap), at_s)


PRICES = {"bitcoin": coin("100000", at_s=200, eur="95000"), "tether": coin("0.8"), "silent": CoinPrice({}, None, 1)}


def test_the_only_coin_of_a_symbol_is_meant() -> None:
    assert meant(["foo"], {}) == "foo"
    assert meant([], {}) is None


def test_of_several_the_one_that_dwarfs_the_others_is_meant() -> None:
    assert meant(["cat", "bitcoin"], {"cat": coin(cap=1), "bitcoin": coin(cap=10)}) == "bitcoin"
    assert meant(["cat", "bitcoin"], {"bitcoin": coin(cap=10)}) == "bitcoin"


def test_of_several_alike_none_is() -> None:
    assert meant(["cat", "dog"], {"cat": coin(cap=1), "dog": coin(cap=9)}) is None
    assert meant(["cat", "dog"], {}) is None
    assert meant(["cat", "dog"], {"cat": coin(cap=0), "dog": coin(cap=0)}) is None


@given(st.dictionaries(st.text(), st.none() | st.integers(0, 10**12), max_size=6))
def test_the_order_of_the_list_does_not_matter(caps: dict[str, int | None]) -> None:
    prices = {name: coin(cap=cap) for name, cap in caps.items()}
    assert meant(list(caps), prices) == meant(list(reversed(caps)), prices)


def test_a_price_in_a_currency_is_the_one_stated() -> None:
    assert mark_price("BTC-USD", KNOWN, PRICES) == MarkPrice(Decimal(100_000), 200_000)
    assert mark_price("BTC-EUR", KNOWN, PRICES) == MarkPrice(Decimal(95_000), 200_000)


def test_a_price_in_a_coin_is_that_of_both_as_old_as_the_older() -> None:
    """USD and USDT are two quotes: where a dollar of the one is not one of the other, the mark must not hide it."""
    assert mark_price("BTC-USDT", KNOWN, PRICES) == MarkPrice(Decimal(125_000), 100_000)


def test_a_price_that_is_missing_is_none() -> None:
    for pair in ("ETH-USD", "BTC-GBP", "BTC-ETH", "NONE-USD", "BTC-NONE", "BTC", ""):
        assert mark_price(pair, KNOWN, PRICES) is None
    assert mark_price("S-USDT", KNOWN | {"S": "silent"}, PRICES) is None
    assert mark_price("BTC-S", KNOWN | {"S": "silent"}, PRICES) is None
