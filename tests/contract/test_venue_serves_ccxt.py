"""ccxt's own Binance client, unmodified, against the local venue: only its URLs are changed."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Fault
from shared.simulator.scenario import DEFAULT_START_MS, simulated
from shared.simulator.server import PERPETUAL_PREFIX, SPOT_PREFIX, VenueServer
from shared.simulator.venue import Venue
from tests.python_packages import use_ccxt
from tests.virtual import on_virtual_clock

use_ccxt()
ccxt = pytest.importorskip("ccxt.async_support")

PAIRS = ["BTC-USDT", "ETH-USDT"]
MINUTE_MS = 60_000
NOW_S = DEFAULT_START_MS // 1000 + 3600 + 20


def against_the_venue(use: Callable[[Any, Venue, VenueServer], Awaitable[None]]) -> None:
    async def run() -> None:
        venue = simulated(PAIRS, duration_s=2 * 86_400, warmup_s=86_400)
        server = VenueServer(venue)
        await server.start()
        exchange = ccxt.binance({"options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}})
        exchange.urls["api"]["public"] = f"{server.base_url}{SPOT_PREFIX}/api/v3"
        exchange.urls["api"]["fapiPublic"] = f"{server.base_url}{PERPETUAL_PREFIX}/fapi/v1"
        try:
            await use(exchange, venue, server)
        finally:
            await exchange.close()
            await server.stop()

    on_virtual_clock(run(), NOW_S)


def test_markets_and_their_limits() -> None:
    async def use(exchange: Any, venue: Venue, _: VenueServer) -> None:
        markets = await exchange.load_markets()
        assert sorted(markets) == ["BTC/USDT", "ETH/USDT"]
        instrument = venue.market(False, "BTCUSDT").instrument
        assert markets["BTC/USDT"]["precision"]["price"] == float(instrument.tick_size)
        assert markets["BTC/USDT"]["limits"]["cost"]["min"] == float(instrument.min_notional)

    against_the_venue(use)


def test_candles_are_the_venues() -> None:
    async def use(exchange: Any, venue: Venue, _: VenueServer) -> None:
        since_ms = DEFAULT_START_MS - 1000 * MINUTE_MS
        rows = await exchange.fetch_ohlcv("BTC/USDT", "1m", since=since_ms, limit=1000)
        assert [row[0] for row in rows] == list(range(since_ms, DEFAULT_START_MS, MINUTE_MS))
        market = venue.market(False, "BTCUSDT")
        klines = market.klines(60, since_ms, DEFAULT_START_MS - 1)
        scale = market.instrument.price_scale
        assert [row[4] for row in rows] == pytest.approx([close / scale for close in klines.close])
        assert {n.upper(): v for n, v in exchange.last_response_headers.items()}["X-MBX-USED-WEIGHT-1M"] == "22", (
            "20 for the markets, 2 for the candles"
        )

    against_the_venue(use)


def test_time_books_and_trades() -> None:
    async def use(exchange: Any, venue: Venue, _: VenueServer) -> None:
        assert await exchange.fetch_time() == venue.now_ms()
        book = await exchange.fetch_order_book("ETH/USDT", limit=5)
        assert len(book["bids"]) == len(book["asks"]) == 5
        assert book["bids"][0][0] < book["asks"][0][0]
        trades = await exchange.fetch_trades("ETH/USDT", limit=10)
        assert trades
        assert all(trade["timestamp"] <= venue.now_ms() for trade in trades)
        assert (await exchange.fetch_ticker("ETH/USDT"))["last"] > 0

    against_the_venue(use)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, ccxt.OperationFailed),
        (418, ccxt.DDoSProtection),
        (429, ccxt.DDoSProtection),
        (451, ccxt.ExchangeNotAvailable),
        (503, ccxt.ExchangeNotAvailable),
    ],
)
def test_refusals_are_what_ccxt_takes_them_for(status: int, error: type[Exception]) -> None:
    async def use(exchange: Any, _: Venue, server: VenueServer) -> None:
        await exchange.load_markets()
        server.faults.add(Fault(where=Where.BINANCE, kind=Kind.STATUS, status=status))
        with pytest.raises(error):
            await exchange.fetch_ohlcv("BTC/USDT", "1m")
        assert await exchange.fetch_ohlcv("BTC/USDT", "1m"), "once is once"

    against_the_venue(use)


def test_a_symbol_that_is_not_listed() -> None:
    async def use(exchange: Any, _: Venue, server: VenueServer) -> None:
        await exchange.load_markets()
        server.faults.add(Fault(where=Where.BINANCE, kind=Kind.UNKNOWN_SYMBOL, symbol="BTC-USDT"))
        with pytest.raises(ccxt.BadSymbol):
            await exchange.fetch_ohlcv("BTC/USDT", "1m")
        assert await exchange.fetch_ohlcv("ETH/USDT", "1m")
        assert sorted(await exchange.load_markets(reload=True)) == ["ETH/USDT"]

    against_the_venue(use)


def test_a_clock_that_is_wrong() -> None:
    async def use(exchange: Any, venue: Venue, server: VenueServer) -> None:
        server.faults.add(Fault(where=Where.BINANCE, kind=Kind.CLOCK_SKEW, skew_s=-90))
        assert await exchange.fetch_time() == venue.now_ms() - 90_000

    against_the_venue(use)
