"""A handshake that is cut off is one connection, not two."""

import asyncio

from aiohttp import web

from shared.wire.stream import Link
from tests.unit.adapters.feeds.talking_source import Feed
from tests.virtual import on_virtual_clock


def test_a_handshake_that_is_cut_off_is_not_repeated_behind_our_back() -> None:
    handshakes = 0

    async def cut_off(request: web.Request) -> web.StreamResponse:
        nonlocal handshakes
        handshakes += 1
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def main() -> None:
        application = web.Application()
        application.router.add_get("/crypto", cut_off)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        feed = Feed(f"http://127.0.0.1:{runner.addresses[0][1]}")
        feed.stream.want(frozenset({"BTC-USD"}))
        running = asyncio.create_task(feed.stream.run())
        await feed.until(lambda: feed.path.count(Link.BACKING_OFF) == 3)
        running.cancel()
        await asyncio.wait([running])
        await runner.cleanup()
        assert handshakes == 3
        assert feed.causes[0].startswith("Polygon could not be connected to: ")

    on_virtual_clock(main())
