"""CoinGecko's prices over REST: a mark for each pair, to check other sources against."""

import asyncio
from collections.abc import Collection, Mapping
from itertools import batched

import aiohttp

from shared.adapters.feeds.call_budget import CallBudget
from shared.adapters.feeds.rest import RestSource
from shared.domain.mark_price import MarkPrice
from shared.wire import coingecko as wire
from shared.wire.coin_ids import FIAT, KNOWN, mark_price, meant

# Of one request: an address of more is refused by some gateways.
_MOST_COINS = 100
_COINS_STAND_S = 86_400.0


class CoinGeckoPrices:
    """A `PriceSource`.

    Args:
        base_url: Of its REST interface; the paid plans have one of their own.
        api_key: Never logged; None asks without one.
        calls_per_minute: What the plan allows.
        session: To share with others, who close it; None makes one.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        calls_per_minute: int,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        key = None if api_key is None else (wire.key_header(base_url), api_key)
        self._rest = RestSource(wire.SOURCE, base_url, CallBudget(calls_per_minute), key, session)
        self._found: dict[str, str | None] = {}
        self._found_until_s = 0.0

    @property
    def source(self) -> str:
        return wire.SOURCE

    @property
    def unresolved(self) -> frozenset[str]:
        """Symbols asked for that are no coin's, or several coins' of about the same weight."""
        return frozenset(symbol for symbol, coin_id in self._found.items() if coin_id is None)

    async def prices(self, pairs: Collection[str]) -> Mapping[str, MarkPrice]:
        assets = {asset for pair in pairs for asset in pair.split("-")} - FIAT
        currencies = {"usd"} | {quote.lower() for pair in pairs if (quote := pair.partition("-")[2]) in FIAT}
        ids = await self._ids(assets)
        prices = await self._coin_prices(ids.values(), currencies)
        marks = {pair: mark_price(pair, ids, prices) for pair in pairs}
        return {pair: mark for pair, mark in marks.items() if mark is not None}

    async def ranges(self, asset: str, days: int) -> list[wire.PriceRange]:
        """What an asset's price in US dollars did, in stretches of half an hour and more; none where it is not known.

        Args:
            asset: E.g. "BTC".
            days: 1, 7, 14, 30, 90, 180 or 365.

        Raises:
            FeedUnavailable, FeedRefused: As for `prices`.
        """
        coin_id = (await self._ids({asset})).get(asset)
        if coin_id is None:
            return []
        return await self._rest.ask(wire.ranges(coin_id, days), lambda answer: wire.read_ranges(days, answer))

    async def close(self) -> None:
        await self._rest.close()

    async def _ids(self, assets: Collection[str]) -> dict[str, str]:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._found_until_s:
            self._found, self._found_until_s = {}, now_s + _COINS_STAND_S
        unknown = [asset for asset in assets if asset not in KNOWN and asset not in self._found]
        if unknown:
            await self._look_up(unknown)
        found = {asset: KNOWN.get(asset) or self._found[asset] for asset in assets}
        return {asset: coin_id for asset, coin_id in found.items() if coin_id is not None}

    async def _look_up(self, symbols: Collection[str]) -> None:
        coins = await self._rest.ask(wire.coins(), wire.read_coins)
        candidates = {symbol: coins.get(symbol, []) for symbol in symbols}
        rivals = [coin_id for ids in candidates.values() if len(ids) > 1 for coin_id in ids]
        prices = await self._coin_prices(rivals, {"usd"})
        # All at once: half of an answer would be kept for a day.
        self._found |= {symbol: meant(ids, prices) for symbol, ids in candidates.items()}

    async def _coin_prices(self, coin_ids: Collection[str], currencies: Collection[str]) -> dict[str, wire.CoinPrice]:
        prices: dict[str, wire.CoinPrice] = {}
        for some in batched(sorted(set(coin_ids)), _MOST_COINS):
            prices |= await self._rest.ask(wire.prices(some, currencies), wire.read_prices)
        return prices
