"""How soon a candle the sidecar tells is one a controller decides on, over loopback: `python -m tests.benchmarks.feed_latency`.

Measured from before the message is written by the server to `MarketDataProvider.get_candles_df` giving the candle. A controller
asks once a second (Hummingbot's control loop), which is not counted: it is the same for any feed.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import hummingbot
from aiohttp import web
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.data_feed.market_data_provider import MarketDataProvider
from rich.console import Console

from shared.adapters.feed_address import FeedAddress, write_address
from shared.bot.feed_candles import NAME, RecoveryFeed
from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedWindow
from shared.wire.feed_protocol import MAX_MESSAGE_BYTES, STREAM_PATH, read_subscriptions, write_message

_CANDLES, _WINDOW, _TARGET_MS = 2000, 1442, 20.0
_STEP_MS = 60_000


def _candle(place: int) -> FeedCandle:
    price = Decimal("43210.12") + place
    return FeedCandle(place * _STEP_MS, price, price + 1, price - 1, price, Decimal("1.2345"))


class _Server:
    """Serves whole windows, and then what it is told to."""

    def __init__(self) -> None:
        self.socket: web.WebSocketResponse | None = None

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        self.socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES, compress=False)
        await self.socket.prepare(request)
        known = set()
        async for message in self.socket:
            for each in read_subscriptions(message.data):
                if each not in known:
                    known.add(each)
                    await self.socket.send_str(write_message(_window(each.pair, each.limit)))
        return self.socket

    async def tell(self, pair: str, place: int) -> None:
        assert self.socket is not None
        await self.socket.send_str(write_message(FeedClose(pair, Timeframe.MINUTE, 1, _candle(place), 0)))


def _window(pair: str, count: int) -> FeedWindow:
    candles = tuple(map(_candle, range(_WINDOW - count, _WINDOW)))
    return FeedWindow(pair, Timeframe.MINUTE, "binance", "USDT", 1, Mode.LIVE, "", 180, candles)


async def _measure(home: Path, pairs: int) -> list[float]:
    """Milliseconds of each candle; those of all pairs are told at once, as at the end of a minute."""
    server, app = _Server(), web.Application()
    app.add_routes([web.get(STREAM_PATH, server.stream)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (home / "data").mkdir()
    write_address(home, FeedAddress(f"http://127.0.0.1:{runner.addresses[0][1]}", "benchmark"))
    hummingbot.root_path = lambda: home
    provider = MarketDataProvider({})
    asked = [
        CandlesConfig(connector=NAME, trading_pair=f"P{number}-USDT", interval="1m", max_records=_WINDOW)
        for number in range(pairs)
    ]
    feeds: list[RecoveryFeed] = [provider.get_candles_feed(each) for each in asked]
    while not all(len(feed.view) == _WINDOW for feed in feeds):
        await asyncio.sleep(0.01)
    began: dict[str, float] = {}
    took: list[float] = []
    for feed, each in zip(feeds, asked, strict=True):
        _look_at_each(provider, feed, each, began, took)
    for place in range(_WINDOW, _WINDOW + _CANDLES // pairs):
        for each in asked:
            began[each.trading_pair] = time.perf_counter()
            await server.tell(each.trading_pair, place)
        while len(took) < (place + 1 - _WINDOW) * pairs:
            await asyncio.sleep(0.001)
    provider.stop()
    await asyncio.sleep(0.1)
    await runner.cleanup()
    return took


def _look_at_each(
    provider: MarketDataProvider, feed: RecoveryFeed, asked: CandlesConfig, began: dict[str, float], took: list[float]
) -> None:
    """Let a controller look as soon as a candle is there."""
    take = feed.view.take_close

    def take_and_look(close: FeedClose) -> None:
        take(close)
        frame = provider.get_candles_df(asked.connector, asked.trading_pair, asked.interval, asked.max_records)
        assert frame["timestamp"].iloc[-1] * 1000 == close.candle.open_ms
        took.append((time.perf_counter() - began[asked.trading_pair]) * 1000)

    feed.view.take_close = take_and_look  # type: ignore[method-assign]


def feed_latency(pairs: int) -> dict[str, float]:
    """Median, p99 and maximum, ms."""
    with tempfile.TemporaryDirectory() as folder:
        took = asyncio.run(_measure(Path(folder), pairs))
    percentiles = statistics.quantiles(took, n=100)
    return {"p50_ms": percentiles[49], "p99_ms": percentiles[98], "max_ms": max(took)}


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    for pairs in (1, 20):
        found = feed_latency(pairs)
        Console(width=200).print(
            f"candle told -> controller, {pairs} at once, windows of {_WINDOW}, {_CANDLES} candles: "
            f"p50 {found['p50_ms']:.2f} ms, p99 {found['p99_ms']:.2f} ms, max {found['max_ms']:.2f} ms "
            f"(target p99 <= {_TARGET_MS:g} ms)"
        )


if __name__ == "__main__":
    main()
