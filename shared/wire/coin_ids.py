"""Which coin a symbol means: CoinGecko has thousands of coins, and anybody may call one BTC."""

from collections.abc import Collection, Mapping
from decimal import Decimal

from shared.domain.mark_price import MarkPrice
from shared.wire.coingecko import CoinPrice

# Currencies CoinGecko states prices in; other quotes are coins, and their prices a quotient of two.
FIAT = frozenset({"USD", "EUR", "GBP", "JPY", "AUD", "BRL", "CAD", "CHF", "TRY", "KRW"})
KNOWN: Mapping[str, str] = {
    "AAVE": "aave",
    "ADA": "cardano",
    "ALGO": "algorand",
    "APT": "aptos",
    "ARB": "arbitrum",
    "ATOM": "cosmos",
    "AVAX": "avalanche-2",
    "BCH": "bitcoin-cash",
    "BNB": "binancecoin",
    "BTC": "bitcoin",
    "DOGE": "dogecoin",
    "DOT": "polkadot",
    "ETC": "ethereum-classic",
    "ETH": "ethereum",
    "FDUSD": "first-digital-usd",
    "FIL": "filecoin",
    "HBAR": "hedera-hashgraph",
    "ICP": "internet-computer",
    "INJ": "injective-protocol",
    "LINK": "chainlink",
    "LTC": "litecoin",
    "NEAR": "near",
    "OP": "optimism",
    "PEPE": "pepe",
    "SHIB": "shiba-inu",
    "SOL": "solana",
    "SUI": "sui",
    "TON": "the-open-network",
    "TRX": "tron",
    "UNI": "uniswap",
    "USDC": "usd-coin",
    "USDT": "tether",
    "XLM": "stellar",
    "XMR": "monero",
    "XRP": "ripple",
}
# Namesakes of a coin that is traded are worth next to nothing beside it. Where that is not so, nobody can tell.
_DOMINANCE = 10


def meant(candidates: Collection[str], prices: Mapping[str, CoinPrice]) -> str | None:
    """The one of several coins of one symbol that is meant: the only one, or by far the greatest; None where none is."""
    if len(candidates) == 1:
        return next(iter(candidates))
    caps = {coin_id: _cap(prices.get(coin_id)) for coin_id in candidates}
    ranked = sorted(caps, key=lambda coin_id: caps[coin_id], reverse=True)
    if not ranked or caps[ranked[0]] <= 0 or caps[ranked[0]] < _DOMINANCE * caps[ranked[1]]:
        return None
    return ranked[0]


def _cap(price: CoinPrice | None) -> Decimal:
    return Decimal(0) if price is None or price.market_cap_usd is None else price.market_cap_usd


def mark_price(pair: str, ids: Mapping[str, str], prices: Mapping[str, CoinPrice]) -> MarkPrice | None:
    """A pair's price in its own quote, as old as the older price in it; None where one is missing.

    Args:
        pair: E.g. "BTC-USDT".
        ids: Coin by symbol.
        prices: By coin id: in US dollars, and in the quote itself where it is one of FIAT.
    """
    base, _, quote = pair.partition("-")
    coin = prices.get(ids.get(base, ""))
    if coin is None:
        return None
    if quote in FIAT:
        stated = coin.by_currency.get(quote.lower())
        return None if stated is None else MarkPrice(stated, coin.updated_at_s * 1000)
    other = prices.get(ids.get(quote, ""))
    if other is None or "usd" not in coin.by_currency or "usd" not in other.by_currency:
        return None
    updated_at_s = min(coin.updated_at_s, other.updated_at_s)
    return MarkPrice(coin.by_currency["usd"] / other.by_currency["usd"], updated_at_s * 1000)
