"""Hummingbot's own Binance code, unmodified, against the local venue: only the addresses are redirected."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hummingbot.connector.derivative.binance_perpetual.binance_perpetual_derivative import BinancePerpetualDerivative
from hummingbot.connector.exchange.binance.binance_exchange import BinanceExchange
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import OrderBookEvent
from hummingbot.core.rate_oracle.sources.binance_rate_source import BinanceRateSource
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.core.web_assistant.connections.rest_connection import RESTConnection
from hummingbot.core.web_assistant.connections.ws_connection import WSConnection
from hummingbot.data_feed.candles_feed.binance_perpetual_candles import BinancePerpetualCandles
from hummingbot.data_feed.candles_feed.binance_spot_candles import BinanceSpotCandles

from shared.simulator.scenario import simulated
from shared.simulator.server import VenueServer
from shared.simulator.venue import Venue

PAIRS = ["BTC-USDT", "ETH-USDT"]
PATIENCE_S = 20
REDIRECTS = {
    "https://api.binance.com": "http://{at}/spot",
    "wss://stream.binance.com:9443": "ws://{at}/spot",
    "https://fapi.binance.com": "http://{at}/perpetual",
    "wss://fstream.binance.com": "ws://{at}/perpetual",
}


def against_the_venue(monkeypatch: pytest.MonkeyPatch, use: Callable[[Venue], Awaitable[None]]) -> None:
    """Run `use` with all of Hummingbot's web traffic sent to a venue that moves once a second in real time."""

    async def run() -> None:
        venue = simulated(PAIRS, start_ms=int(time.time() * 1000), duration_s=3600, step_s=1)
        server = VenueServer(venue)
        await server.start()
        to_venue = {public: local.format(at=f"127.0.0.1:{server.port}") for public, local in REDIRECTS.items()}

        def redirected(url: str) -> str:
            for public, local in to_venue.items():
                if url.startswith(public):
                    return local + url.removeprefix(public)
            raise AssertionError(f"{url} is not served by the venue")

        call, connect = RESTConnection.call, WSConnection.connect

        async def call_venue(self: RESTConnection, request: Any) -> Any:
            request.url = redirected(request.url)
            return await call(self, request)

        async def connect_venue(self: WSConnection, ws_url: str, *args: Any, **kwargs: Any) -> None:
            await connect(self, redirected(ws_url), *args, **kwargs)

        monkeypatch.setattr(RESTConnection, "call", call_venue)
        monkeypatch.setattr(WSConnection, "connect", connect_venue)
        try:
            await asyncio.wait_for(use(venue), PATIENCE_S)
        finally:
            # The factory is a singleton whose session belongs to this event loop.
            await ConnectionsFactory().close()
            await server.stop()

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.05)


def connector(perpetual: bool) -> Any:
    if perpetual:
        return BinancePerpetualDerivative(
            binance_perpetual_api_key="key",
            binance_perpetual_api_secret="secret",
            trading_pairs=PAIRS,
            trading_required=False,
        )
    return BinanceExchange(
        binance_api_key="key", binance_api_secret="secret", trading_pairs=PAIRS, trading_required=False
    )


@pytest.mark.parametrize("perpetual", [False, True], ids=["spot", "perpetual"])
def test_order_books_follow_and_trades_arrive(monkeypatch: pytest.MonkeyPatch, perpetual: bool) -> None:
    async def use(venue: Venue) -> None:
        exchange = connector(perpetual)
        await exchange.start_network()
        try:
            tracker = exchange.order_book_tracker
            await asyncio.wait_for(tracker.wait_ready(), PATIENCE_S)
            book, market = exchange.get_order_book("BTC-USDT"), venue.market(perpetual, "BTCUSDT")
            trades: list[Any] = []
            listener = EventForwarder(trades.append)
            book.add_listener(OrderBookEvent.TradeEvent, listener)
            followed_from = book.snapshot_uid

            def in_step() -> bool:
                """Both sides of Hummingbot's book are the venue's, level by level, at the venue's present update."""
                now, scale = market.book(), market.instrument.price_scale
                bids = {round(float(row.price) * scale) for row in book.bid_entries()}
                asks = {round(float(row.price) * scale) for row in book.ask_entries()}
                return (bids, asks) == (set(now.bids), set(now.asks)) and now.update_id > followed_from

            await until(in_step)
            await until(lambda: len(trades) >= 3)
            assert {event.trading_pair for event in trades} == {"BTC-USDT"}
            known = market.path.price_ticks / market.instrument.price_scale
            assert all(np.isclose(known, float(event.price)).any() for event in trades)
            if perpetual:
                await until(lambda: exchange.get_funding_info("BTC-USDT") is not None)
                assert exchange.get_funding_info("BTC-USDT").rate == Decimal("0.0001")
        finally:
            await exchange.stop_network()

    against_the_venue(monkeypatch, use)


@pytest.mark.parametrize("perpetual", [False, True], ids=["spot", "perpetual"])
def test_trading_rules_prices_and_time(monkeypatch: pytest.MonkeyPatch, perpetual: bool) -> None:
    async def use(venue: Venue) -> None:
        exchange = connector(perpetual)
        await exchange._update_trading_rules()
        assert sorted(exchange.trading_rules) == PAIRS
        instrument = venue.market(perpetual, "BTCUSDT").instrument
        rule = exchange.trading_rules["BTC-USDT"]
        assert (rule.min_price_increment, rule.min_base_amount_increment, rule.min_notional_size) == (
            instrument.tick_size,
            instrument.step_size,
            instrument.min_notional,
        )
        prices = await exchange.get_last_traded_prices(PAIRS)
        assert prices["BTC-USDT"] == pytest.approx(98_000, rel=0.1)
        assert (await exchange.check_network()).name == "CONNECTED"
        await exchange._update_time_synchronizer()
        assert exchange._time_synchronizer.time() == pytest.approx(time.time(), abs=1)

    against_the_venue(monkeypatch, use)


@pytest.mark.parametrize("feed_class", [BinanceSpotCandles, BinancePerpetualCandles], ids=["spot", "perpetual"])
@pytest.mark.parametrize(("interval", "seconds", "count"), [("1m", 60, 240), ("5m", 300, 40)])
def test_candles_become_ready_and_equal_the_venues(
    monkeypatch: pytest.MonkeyPatch, feed_class: type, interval: str, seconds: int, count: int
) -> None:
    perpetual = feed_class is BinancePerpetualCandles

    async def use(venue: Venue) -> None:
        feed = feed_class("ETH-USDT", interval, max_records=count)
        await feed.start_network()
        try:
            await until(lambda: feed.ready)
            first_ms = int(feed.candles_df.timestamp.iloc[0] * 1000)
            market = venue.market(perpetual, "ETHUSDT")
            klines = market.klines(seconds, first_ms, 2**60)
            candles = feed.candles_df
            closed = slice(0, count - 2)  # the last ones may have moved on since
            np.testing.assert_array_equal(candles.timestamp[closed] * 1000, klines.open_ms[closed])
            scale = market.instrument.price_scale
            for name in ("open", "high", "low", "close"):
                np.testing.assert_allclose(candles[name][closed], getattr(klines, name)[closed] / scale, rtol=1e-12)
            np.testing.assert_allclose(
                candles.volume[closed], klines.volume[closed] / market.instrument.size_scale, rtol=1e-12
            )
            before = float(candles.volume.iloc[-1])
            await until(lambda: float(feed.candles_df.volume.iloc[-1]) != before)
        finally:
            await feed.stop_network()

    against_the_venue(monkeypatch, use)


def test_rate_oracle_prices_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(venue: Venue) -> None:
        prices = await BinanceRateSource().get_prices()
        assert sorted(prices) == PAIRS
        market = venue.market(False, "BTCUSDT")
        last = market.price_ticks / market.instrument.price_scale
        assert float(prices["BTC-USDT"]) == pytest.approx(last, rel=0.01)

    against_the_venue(monkeypatch, use)
