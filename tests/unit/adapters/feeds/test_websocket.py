"""What a source can do to a socket: cut it, keep it and say nothing, send too much, refuse it; and never more than that."""

import asyncio

import aiohttp
from aiohttp import web

from shared.adapters.feeds.websocket import SocketLimits
from shared.wire.stream import Link, Malformed, News
from tests.unit.adapters.feeds.talking_source import Feed, fed, shake_hands, wait_for_end
from tests.unit.wire.stream_driver import minute
from tests.virtual import on_virtual_clock


def test_a_connection_cut_without_a_word() -> None:
    async def talk(socket: web.WebSocketResponse, request: web.Request) -> None:
        await shake_hands(socket)
        assert request.transport is not None
        request.transport.abort()

    async def use(feed: Feed) -> None:
        await feed.until(lambda: feed.path.count(Link.LIVE) == 2)
        assert feed.causes[0] == "The connection to Polygon was closed."

    fed(talk, use)


def test_a_half_open_connection_is_found_by_ping_and_dropped() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await asyncio.sleep(600)

    async def use(feed: Feed) -> None:
        began_s = asyncio.get_running_loop().time()
        await feed.until(lambda: feed.path.count(Link.LIVE) == 2)
        assert feed.causes[0] == "The connection to Polygon answers no ping."
        # Ten seconds of silence, ten for the pong, two for the farewell, one of waiting.
        assert asyncio.get_running_loop().time() - began_s < 24

    fed(talk, use)


def test_pings_answered_keep_a_connection_until_the_feed_is_silent_for_too_long() -> None:
    pings = 0

    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        nonlocal pings
        await shake_hands(socket)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.PING:
                pings += 1
                await socket.pong(message.data)

    async def use(feed: Feed) -> None:
        await feed.until(lambda: Link.BACKING_OFF in feed.path)
        assert feed.causes[0] == "Polygon sends no bars though it is subscribed to."
        assert pings == 8

    fed(talk, use)


def test_a_ping_of_the_sources_is_answered() -> None:
    answers: list[bytes] = []

    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await socket.ping(b"42")
        answers.append((await socket.receive()).data)
        await socket.send_str(minute())
        await wait_for_end(socket)

    async def use(feed: Feed) -> None:
        await feed.until(lambda: feed.bars == 1)
        assert answers == [b"42"]

    fed(talk, use)


def test_a_message_too_large_ends_the_connection_and_not_the_process() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await socket.send_str("x" * 20_000)
        await wait_for_end(socket)

    async def use(feed: Feed) -> None:
        await feed.until(lambda: Link.BACKING_OFF in feed.path)
        assert "(1009" in feed.causes[0]

    fed(talk, use, SocketLimits(message_bytes=10_000))


def test_text_that_is_no_utf_8_spoils_itself_alone() -> None:
    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        await shake_hands(socket)
        await socket.send_frame(b"\xff\xfe", aiohttp.WSMsgType.TEXT)
        await socket.send_str(minute())
        await wait_for_end(socket)

    async def use(feed: Feed) -> None:
        await feed.until(lambda: feed.bars == 1)
        assert any(isinstance(one, Malformed) for one in feed.news)
        assert feed.path[-1] is Link.LIVE

    fed(talk, use)


def test_a_handshake_that_is_refused_or_never_answered() -> None:
    async def main() -> None:
        async def refuse(_: web.Request) -> web.Response:
            return web.Response(status=451, reason="Unavailable For Legal Reasons")

        async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(20)
            writer.close()

        server = await asyncio.start_server(hang, "127.0.0.1", 0)
        application = web.Application()
        application.router.add_get("/crypto", refuse)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        for port, cause in (
            (runner.addresses[0][1], "Polygon could not be connected to: HTTP 451 Invalid response status."),
            (server.sockets[0].getsockname()[1], "Polygon could not be connected to: no answer within 10 s."),
        ):
            feed = Feed(f"http://127.0.0.1:{port}")
            feed.stream.want(frozenset({"BTC-USD"}))
            running = asyncio.create_task(feed.stream.run())
            await feed.until(lambda feed=feed: bool(feed.causes))
            assert feed.causes == [cause]
            running.cancel()
            await asyncio.wait([running])
        await asyncio.sleep(30)
        server.close()
        await runner.cleanup()

    on_virtual_clock(main())


def test_a_handshake_that_is_cut_off_is_one_attempt() -> None:
    """aiohttp by itself makes two of it: a budget of connections would be half of what it says."""
    attempts = 0

    async def main() -> None:
        def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal attempts
            attempts += 1
            writer.transport.abort()

        server = await asyncio.start_server(cut, "127.0.0.1", 0)
        feed = Feed(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        feed.stream.want(frozenset({"BTC-USD"}))
        running = asyncio.create_task(feed.stream.run())
        await feed.until(lambda: feed.path.count(Link.BACKING_OFF) == 3)
        assert attempts == 3
        running.cancel()
        await asyncio.wait([running])
        server.close()

    on_virtual_clock(main())


def test_nobody_listens() -> None:
    async def main() -> None:
        feed = Feed("http://127.0.0.1:1")
        feed.stream.want(frozenset({"BTC-USD"}))
        running = asyncio.create_task(feed.stream.run())
        await feed.until(lambda: feed.path.count(Link.BACKING_OFF) == 6)
        assert asyncio.get_running_loop().time() > 30
        running.cancel()
        await asyncio.wait([running])

    on_virtual_clock(main())


def test_a_source_faster_than_its_reader_waits() -> None:
    """What has come and is not read is bounded: the source cannot get rid of its messages."""
    sent = 0

    async def talk(socket: web.WebSocketResponse, _: web.Request) -> None:
        nonlocal sent
        await shake_hands(socket)
        for _ in range(2000):
            await socket.send_str(minute() + " " * 50_000)
            sent += 1
        await wait_for_end(socket)

    async def use(feed: Feed) -> None:
        most_behind = 0

        def watch(_: News) -> None:
            nonlocal most_behind
            most_behind = max(most_behind, sent - feed.bars)

        feed.on_news = watch
        await feed.until(lambda: feed.bars == 2000)
        # 100 MB came through; what lay between the two ends is the kernel's buffers and ours.
        assert most_behind < 400

    fed(talk, use)
