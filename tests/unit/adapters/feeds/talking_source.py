"""A stream beside a source of the loopback that talks as a test wants it to, on a virtual clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from shared.adapters.feeds.stream_socket import FeedStream
from shared.adapters.feeds.websocket import SocketLimits
from shared.wire.polygon_stream import PolygonStream
from shared.wire.stream import Link, Moved, News, Reported
from tests.unit.wire.stream_driver import AUTHENTICATED, HELLO, SUBSCRIBED
from tests.virtual import on_virtual_clock

Talk = Callable[[web.WebSocketResponse, web.Request], Awaitable[None]]
KEY = "a-key"


class LowestRandom:
    """Makes each wait the shortest it may be."""

    def uniform(self, low: float, _: float) -> float:
        return low


async def shake_hands(socket: web.WebSocketResponse) -> None:
    await socket.send_str(HELLO)
    assert await socket.receive_json() == {"action": "auth", "params": KEY}
    await socket.send_str(AUTHENTICATED)
    assert (await socket.receive_json())["action"] == "subscribe"
    await socket.send_str(SUBSCRIBED)


class Feed:
    """A stream and what it told."""

    def __init__(self, url: str, limits: SocketLimits | None = None) -> None:
        rng: Any = LowestRandom()
        self.stream = FeedStream(PolygonStream(url, KEY, rng), self.take, limits=limits)
        self.news: list[News] = []
        self.on_news: Callable[[News], None] = lambda _: None
        self._changed = asyncio.Event()

    def take(self, news: News) -> None:
        self.news.append(news)
        self._changed.set()
        self.on_news(news)

    @property
    def path(self) -> list[Link]:
        return [one.now for one in self.news if isinstance(one, Moved)]

    @property
    def causes(self) -> list[str]:
        return [one.cause for one in self.news if isinstance(one, Moved) and one.cause]

    @property
    def bars(self) -> int:
        return sum(len(one.bars) for one in self.news if isinstance(one, Reported))

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(3600):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def served(talk: Talk) -> AsyncIterator[str]:
    """A source that talks so on each connection."""

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        await talk(socket, request)
        return socket

    application = web.Application()
    application.router.add_get("/crypto", handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def fed(talk: Talk, use: Callable[[Feed], Awaitable[None]], limits: SocketLimits | None = None) -> None:
    """Run `use` beside a stream that wants BTC-USD from a source that talks so."""

    async def main() -> None:
        async with served(talk) as url:
            feed = Feed(url, limits)
            feed.stream.want(frozenset({"BTC-USD"}))
            running = asyncio.create_task(feed.stream.run())
            try:
                await use(feed)
            finally:
                running.cancel()
                await asyncio.wait([running])

    on_virtual_clock(main())


async def wait_for_end(socket: web.WebSocketResponse) -> None:
    while not socket.closed:
        message = await socket.receive()
        if message.type is aiohttp.WSMsgType.PING:
            await socket.pong(message.data)
