"""What a source calls the pair a bot trades: its symbol says the quote its prices are in, which may not be the pair's."""

from functools import lru_cache

_DOLLARS = frozenset({"USD", "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI"})
# The quote a source has dollar prices in. A source that is not named here has them in whatever quote is asked for.
_DOLLAR_AT = {"polygon": "USD", "coingecko": "USD"}


@lru_cache(maxsize=4096)
def symbol_at(source: str, pair: str) -> str:
    """The symbol in the source's own quote.

    Args:
        source: E.g. "polygon".
        pair: As the bot trades it, e.g. "BTC-USDT".

    Returns:
        E.g. "BTC-USD" at Polygon and "BTC-USDT" at Binance. Whether the source has it only the source can say.

    Raises:
        ValueError: It is no pair.
    """
    base, dash, quote = pair.partition("-")
    if not (base and dash and quote) or "-" in quote:
        raise ValueError(f"{pair!r} is no pair: must be a base and a quote, such as BTC-USDT")
    if quote in _DOLLARS:
        quote = _DOLLAR_AT.get(source, _quote_elsewhere(source, quote))
    return f"{base}-{quote}"


def _quote_elsewhere(source: str, quote: str) -> str:
    # Binance lists nothing in US dollars; the stablecoin with the most trade stands for them.
    return "USDT" if source == "binance" and quote == "USD" else quote
