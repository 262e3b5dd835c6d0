"""Which sources a home has: those of its configuration that the environment has a key for, at their addresses."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.adapters.feeds.binance_history import BinanceHistory
from shared.adapters.feeds.coingecko_prices import CoinGeckoPrices
from shared.adapters.feeds.polygon_history import PolygonHistory
from shared.domain.feed_symbols import symbol_at
from shared.ports import BarHistory, PriceSource
from shared.sidecar.feed_config import FeedsConfig
from shared.wire.binance_stream import BinanceStream
from shared.wire.polygon_stream import PolygonStream
from shared.wire.stream import StreamMachine

POLYGON_KEY = "POLYGON_API_KEY"
COINGECKO_KEY = "COINGECKO_API_KEY"
VENUE_URL = "RECOVERY_VENUE_URL"
"""As the bot has it: a local venue that stands for every source."""

SIMULATED_KEY = "simulated"


@dataclass(frozen=True)
class BarSource:
    """A source of bars.

    Attributes:
        stream: Its machine.
        history: Its REST interface.
        account_key: What there may be one connection of; None where connections are not counted by account.
    """

    stream: StreamMachine
    history: BarHistory
    account_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Sources:
    """What a home has.

    Attributes:
        bars: Sources of bars by name, the preferred one first.
        prices: A source of prices; None where none is configured.
        left_out: Sources that are configured and cannot be used, with the reason.
    """

    bars: Mapping[str, BarSource]
    prices: PriceSource | None
    left_out: Mapping[str, str]

    async def close(self) -> None:
        """Let go of every connection."""
        for source in self.bars.values():
            await source.history.close()
        if self.prices is not None:
            await self.prices.close()


def open_sources(config: FeedsConfig, environment: Mapping[str, str], rng: random.Random) -> Sources:
    """The sources, not connected yet."""
    venue = environment.get(VENUE_URL, "").rstrip("/")
    bars: dict[str, BarSource] = {}
    left_out: dict[str, str] = {}
    prices: PriceSource | None = None
    for name in config.sources:
        canary = symbol_at(name, config.canary)
        if name == "polygon":
            key = environment.get(POLYGON_KEY) or (SIMULATED_KEY if venue else None)
            if key is None:
                left_out[name] = f"{POLYGON_KEY} is not set"
                continue
            bars[name] = _polygon(config, venue, key, canary, rng)
        elif name == "binance":
            bars[name] = _binance(config, venue, canary, rng)
        else:
            url = f"{venue}/coingecko/api/v3" if venue else config.coingecko.rest_url
            key = None if venue else environment.get(COINGECKO_KEY) or None
            prices = CoinGeckoPrices(url, key, config.coingecko.calls_per_minute)
    return Sources(bars, prices, left_out)


def _polygon(config: FeedsConfig, venue: str, key: str, canary: str, rng: random.Random) -> BarSource:
    rest_url = f"{venue}/polygon" if venue else config.polygon.rest_url
    stream_url = f"{_as_websocket(venue)}/polygon" if venue else config.polygon.stream_url
    stream = PolygonStream(stream_url, key, rng, canary=canary)
    return BarSource(stream, PolygonHistory(rest_url, key, config.polygon.calls_per_minute), account_key=key)


def _binance(config: FeedsConfig, venue: str, canary: str, rng: random.Random) -> BarSource:
    rest_url = f"{venue}/spot" if venue else config.binance.rest_url
    stream_url = f"{_as_websocket(venue)}/spot" if venue else config.binance.stream_url
    stream = BinanceStream(stream_url, rng, canary=canary)
    return BarSource(stream, BinanceHistory(rest_url, config.binance.weight_per_minute))


def _as_websocket(url: str) -> str:
    return "ws" + url.removeprefix("http")
