"""A machine and its sockets: reconnections, what is asked for meanwhile, and how it all ends."""

import asyncio

import pytest
from aiohttp import web

from shared.wire.stream import Link, News, Reported
from tests.unit.adapters.feeds.talking_source import Feed, fed, served, shake_hands, wait_for_end
from tests.unit.wire.stream_driver import HELLO, minute
from tests.virtual import on_virtual_clock


def test_bars_come_through() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await socket.send_str(minute())
        await socket.send_bytes(minute(open_ms=1_594_917_780_000).encode())
        await wait_for_end(socket)

    async def use(feed: Feed) -> None:
        await feed.until(lambda: feed.bars == 2)
        assert feed.path == [Link.CONNECTING, Link.GREETING, Link.AUTHENTICATING, Link.SUBSCRIBING, Link.LIVE]

    fed(talk, use)


@pytest.mark.parametrize(("code", "link"), [(1000, Link.BACKING_OFF), (1011, Link.BACKING_OFF), (1008, Link.COOLING)])
def test_closes_lead_to_a_new_connection(code: int, link: Link) -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await socket.close(code=code, message=b"bye")

    async def use(feed: Feed) -> None:
        await feed.until(lambda: feed.path.count(Link.LIVE) == 2)
        assert feed.path[5] is link
        assert feed.causes[0] == f"The connection to Polygon was closed ({code} bye)."

    fed(talk, use)


def test_what_is_not_allowed_is_gone_and_comes_back_when_it_is() -> None:
    open_now = 0

    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        nonlocal open_now
        open_now += 1
        await shake_hands(socket)
        await wait_for_end(socket)
        open_now -= 1

    async def use(feed: Feed) -> None:
        await feed.until(lambda: Link.LIVE in feed.path)
        feed.stream.allow(False)
        feed.stream.allow(True)
        feed.stream.allow(False)
        await asyncio.sleep(5)
        assert (open_now, feed.path[-1]) == (0, Link.IDLE)
        feed.stream.allow(True)
        await feed.until(lambda: feed.path.count(Link.LIVE) == 2)
        assert open_now == 1

    fed(talk, use)


def test_asking_for_more_while_being_told_of_something_keeps_the_order() -> None:
    """Hung up on in the moment in which it is told that it connects, the stream must not connect all the same."""
    connections = 0

    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        nonlocal connections
        connections += 1
        await socket.send_str(HELLO)
        await wait_for_end(socket)

    async def main() -> None:
        async with served(talk) as url:
            feed = Feed(url)
            depth = 0

            def refuse(_: News) -> None:
                nonlocal depth
                depth += 1
                assert depth == 1, "told of something while it is told of something else"
                if feed.path == [Link.CONNECTING]:
                    feed.stream.allow(False)
                depth -= 1

            feed.on_news = refuse
            running = asyncio.create_task(feed.stream.run())
            await asyncio.sleep(1)
            feed.stream.want(frozenset({"BTC-USD"}))
            await feed.until(lambda: feed.path == [Link.CONNECTING, Link.IDLE])
            await asyncio.sleep(100)
            assert connections == 0
            feed.stream.allow(True)
            await feed.until(lambda: Link.AUTHENTICATING in feed.path)
            assert connections == 1
            running.cancel()
            await asyncio.wait([running])

    on_virtual_clock(main())


def test_run_can_end_while_a_connection_is_asked_for_and_be_run_again() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await wait_for_end(socket)

    async def main() -> None:
        async with served(talk) as url:
            feed = Feed(url)
            feed.stream.want(frozenset({"BTC-USD"}))
            for lives in (1, 2):
                running = asyncio.create_task(feed.stream.run())
                await feed.until(lambda lives=lives: feed.path.count(Link.LIVE) == lives)
                # The old socket is on its way out, and a new one is wanted as soon as it is gone.
                feed.stream.allow(False)
                feed.stream.allow(True)
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
                assert feed.path[-1] is Link.CONNECTING

    on_virtual_clock(main())


def test_close_waits_until_the_socket_is_gone() -> None:
    ended = asyncio.Event()

    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await wait_for_end(socket)
        ended.set()

    async def use(feed: Feed) -> None:
        await feed.until(lambda: Link.LIVE in feed.path)
        await feed.stream.close()
        await asyncio.wait_for(ended.wait(), 1)
        assert feed.path[-1] is Link.IDLE
        await feed.stream.close()

    fed(talk, use)


def test_what_fails_in_whoever_is_told_comes_out_of_run_and_it_can_be_run_again() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await socket.send_str(minute())
        await wait_for_end(socket)

    def fail(one: News) -> None:
        if isinstance(one, Reported):
            raise ZeroDivisionError

    async def main() -> None:
        async with served(talk) as url:
            feed = Feed(url)
            feed.on_news = fail
            feed.stream.want(frozenset({"BTC-USD"}))
            with pytest.raises(ExceptionGroup) as raised:
                await feed.stream.run()
            assert raised.group_contains(ZeroDivisionError)
            feed.on_news = lambda _: None
            again = asyncio.create_task(feed.stream.run())
            await feed.until(lambda: feed.bars == 2)
            again.cancel()
            await asyncio.wait([again])

    on_virtual_clock(main())
