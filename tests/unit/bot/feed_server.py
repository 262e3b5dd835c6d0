"""A sidecar's half of the candles' protocol, on loopback, that says what the test wants it to say."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import hummingbot
import pytest
from aiohttp import web

from shared.adapters.feed_address import FEED_TOKEN, FEED_URL, FeedAddress, write_address
from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedHeartbeat, FeedMessage, FeedWindow, Subscription
from shared.wire.feed_protocol import CANDLES_PATH, STREAM_PATH, read_query, read_subscriptions, write_message

TOKEN = "a-token-for-tests"
PAIR = "BTC-USDT"
START_S = 1_736_121_600
"""A whole hour: candles of every length end there."""


def candle(place: int, price: float = 100.0, interval: Timeframe = Timeframe.MINUTE) -> FeedCandle:
    """The flat candle that many before (-1 is the newest closed one) or after the start."""
    value = Decimal(str(price))
    return FeedCandle((START_S + place * interval.seconds) * 1000, value, value, value, value, Decimal(1))


def window(count: int = 3, generation: int = 1, interval: Timeframe = Timeframe.MINUTE, **changes: Any) -> FeedWindow:
    """The newest closed candles at the start, the last one just closed."""
    content: dict[str, Any] = {
        **{"pair": PAIR, "interval": interval, "source": "polygon", "quote": "USD", "generation": generation},
        **{"mode": Mode.LIVE, "reason": "", "stale_after_s": 180},
        "candles": tuple(candle(place, 100.0 + place, interval) for place in range(-count, 0)),
    }
    return FeedWindow(**content | changes)


def close(place: int, price: float = 100.0, generation: int = 1, revision: int = 0) -> FeedClose:
    """A one-minute candle has closed."""
    return FeedClose(PAIR, Timeframe.MINUTE, generation, candle(place, price), revision)


class FeedServer:
    """Serves what it is given.

    Attributes:
        windows: What a subscription is answered with, by pair and interval; one that is not there is not answered.
        asked: Each message of the bot, oldest first, of all connections.
        handshakes: Connections asked for, refused ones included.
        refuses: HTTP status for the next ones, or None.
        is_silent: It sends no heartbeats.
        port: Where it listens; 0 before it does, and then the same again after a restart.
    """

    def __init__(self, home: Path, *windows: FeedWindow) -> None:
        self.home = home
        self.windows = {(each.pair, each.interval): each for each in windows}
        self.asked: list[tuple[Subscription, ...]] = []
        self.handshakes = 0
        self.refuses: int | None = None
        self.is_silent = False
        self.port = 0
        self._sockets: list[web.WebSocketResponse] = []
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.add_routes([web.get(STREAM_PATH, self._stream), web.get(CANDLES_PATH, self._candles)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        write_address(self.home, FeedAddress(f"http://127.0.0.1:{self.port}", TOKEN))

    async def stop(self) -> None:
        await self.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def drop(self) -> None:
        """Close every connection."""
        for socket in self._sockets:
            await socket.close()

    async def tell(self, *messages: FeedMessage) -> None:
        """Send to every connection."""
        for message in messages:
            await self.tell_text(write_message(message))

    async def tell_text(self, text: str) -> None:
        for socket in self._sockets:
            if not socket.closed:
                await socket.send_str(text)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.handshakes += 1
        if self.refuses is not None or request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(status=self.refuses or 401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        beating = asyncio.create_task(self._beat(socket))
        known: set[Subscription] = set()
        async for message in socket:
            wanted = read_subscriptions(message.data)
            self.asked.append(wanted)
            for each in wanted:
                if each not in known and (each.pair, each.interval) in self.windows:
                    await socket.send_str(write_message(self._window(each)))
            known = set(wanted)
        beating.cancel()
        return socket

    def _window(self, wanted: Subscription) -> FeedWindow:
        held = self.windows[wanted.pair, wanted.interval]
        return window(
            generation=held.generation,
            interval=held.interval,
            candles=held.candles[-wanted.limit :],
            **{name: getattr(held, name) for name in ("pair", "source", "quote", "mode", "reason", "stale_after_s")},
        )

    async def _beat(self, socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            if not self.is_silent:
                await socket.send_str(write_message(FeedHeartbeat(0)))
            await asyncio.sleep(2)

    async def _candles(self, request: web.Request) -> web.Response:
        if self.refuses is not None:
            return web.json_response({"error": "not now"}, status=self.refuses)
        wanted = read_query(request.query)
        return web.Response(text=write_message(self._window(wanted)), content_type="application/json")


def on_virtual_time(
    use: Callable[[FeedServer], Awaitable[None]],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    *windows: FeedWindow,
    is_there: bool = True,
) -> None:
    """Run a test beside a server, on a clock that jumps from event to event, from the start on."""
    (home / "data").mkdir(exist_ok=True)
    monkeypatch.setattr(hummingbot, "root_path", lambda: home)
    for name in (FEED_URL, FEED_TOKEN):
        monkeypatch.delenv(name, raising=False)
    clock = VirtualClock(START_S, None)

    async def run() -> None:
        server = FeedServer(home, *windows)
        if is_there:
            await server.start()
        try:
            await use(server)
        finally:
            await server.stop()

    with (
        virtual_time(clock),
        asyncio.Runner(loop_factory=lambda: VirtualEventLoop(clock, None)) as runner,
    ):
        runner.run(run())


async def until(condition: Callable[[], Any], within_s: float = 600.0) -> None:
    """Wait for something to become true.

    Raises:
        AssertionError: It did not, in so many virtual seconds.
    """
    deadline_s = asyncio.get_running_loop().time() + within_s
    while not condition():
        assert asyncio.get_running_loop().time() < deadline_s, "it did not come true"
        await asyncio.sleep(0.05)
