"""What bots can ask for over HTTP, who is refused what, and what becomes of a bot that does not read."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from shared.domain.stored import Timeframe
from shared.sidecar.feeds.feed_server import FeedServer
from shared.sidecar.feeds.wanted import Wanted
from shared.wire.feed_messages import FeedAlert, FeedHeartbeat, FeedMessage, FeedRefusal, FeedWindow, Subscription
from shared.wire.feed_protocol import read_message, write_subscriptions
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.serving_samples import MINUTES, Ear, Served, told

TOKEN = "the-token"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
ETH = Subscription("ETH-USDT", Timeframe.MINUTE, 10)


class World:
    """A server of a whole book of BTC, with room for one pair beside it."""

    def __init__(self) -> None:
        self.served = Served()
        self.served.fill("binance")
        self.served.stream("binance", -1)
        self.changes = 0
        self.wanted = Wanted((), "XRP-USDT", 2, 2, lambda: self.served.serving.wanted)
        self.server = FeedServer(self.served.serving, self.wanted, self._changed)

    def _changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[World, TestClient[Any, Any]]]:
    world = World()
    application = web.Application()
    application.add_routes(world.server.routes(TOKEN))
    async with TestClient(TestServer(application)) as client:
        yield world, client


async def heard(connection: aiohttp.ClientWebSocketResponse, count: int) -> list[FeedMessage]:
    """So many messages, heartbeats left out."""
    messages: list[FeedMessage] = []
    while len(messages) < count:
        message = read_message(await connection.receive_str())
        if not isinstance(message, FeedHeartbeat):
            messages.append(message)
    return messages


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer other"}, {"Authorization": TOKEN}])
def test_without_the_token_nothing_is_told(run_virtual: VirtualRun, headers: dict[str, str]) -> None:
    async def use() -> None:
        async with serving() as (world, client):
            for path in ("/candles?pair=BTC-USDT&interval=1m", "/stream"):
                async with client.get(path, headers=headers) as answer:
                    assert answer.status == 401
                    assert TOKEN not in await answer.text()
            assert world.changes == 0

    run_virtual(use())


def test_a_window_is_told_to_who_asks_once(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with serving() as (world, client):
            async with client.get("/candles?pair=BTC-USDT&interval=1m&limit=3", headers=HEADERS) as answer:
                assert told([read_message(await answer.text())]) == [("binance", 1, -3, -1)]
            assert world.wanted.pairs["BTC-USDT"] == 120, "it is followed for a while"
            assert world.changes == 1
            async with client.get("/candles?pair=ETH-USDT&interval=1m", headers=HEADERS) as answer:
                window = read_message(await answer.text())
                assert isinstance(window, FeedWindow)
                assert window.candles == ()

    run_virtual(use())


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("pair=BTC-USDT&interval=5m", "interval = '5m': must be one of 1m, 15m, 1h"),
        ("pair=bitcoin&interval=1m", "pair = 'bitcoin': must be a trading pair such as BTC-USDT"),
        ("pair=BTC-USDT&interval=1m&limit=0", "limit = 0: must be 1 to 1500"),
        ("interval=1m", "pair = None: must be text"),
        ("pair=ADA-USDT&interval=1m", "feeds.max_pairs = 2: 2 are followed, ADA-USDT has no room"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_sentence(run_virtual: VirtualRun, query: str, reason: str) -> None:
    async def use() -> None:
        async with serving() as (world, client):
            others = [Subscription(pair, Timeframe.MINUTE, 1) for pair in ("BTC-USDT", "ETH-USDT")]
            world.served.serving.listen(Ear(), others)
            async with client.get(f"/candles?{query}", headers=HEADERS) as answer:
                assert (answer.status, await answer.json()) == (400, {"error": reason})
            assert world.changes == 0

    run_virtual(use())


def test_a_bot_is_told_windows_candles_and_heartbeats(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with serving() as (world, client), client.ws_connect("/stream", headers=HEADERS) as connection:
            await connection.send_str(write_subscriptions([MINUTES]))
            assert told(await heard(connection, 1)) == [("binance", 1, -60, -1)]
            beats = [read_message(await connection.receive_str()) for _ in range(3)]
            assert all(isinstance(beat, FeedHeartbeat) for beat in beats)
            assert [beat.at_ms // 1000 % 2 for beat in beats] == [0, 0, 0], "each two seconds"
            await asyncio.sleep(61)
            world.served.stream("binance", 0)
            world.served.serving.tell_all(FeedAlert("an alert"))
            candle, alert = await heard(connection, 2)
            assert told([candle]) == [(0, "100", 0)]
            assert alert == FeedAlert("an alert")
            await connection.close()
            await asyncio.sleep(1)
            assert world.served.serving.wanted == {}

    run_virtual(use())


def test_beyond_max_pairs_each_is_refused_by_name_and_the_rest_is_served(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with serving() as (world, client), client.ws_connect("/stream", headers=HEADERS) as connection:
            others = [Subscription(pair, Timeframe.MINUTE, 10) for pair in ("ADA-USDT", "XRP-USDT")]
            await connection.send_str(write_subscriptions([MINUTES, ETH, *others]))
            messages = await heard(connection, 4)
            assert messages[0] == FeedRefusal(
                "ADA-USDT", Timeframe.MINUTE, "feeds.max_pairs = 2: 0 are followed, ADA-USDT has no room"
            )
            assert [message.pair for message in messages[1:]] == ["BTC-USDT", "ETH-USDT", "XRP-USDT"]
            assert list(world.served.serving.wanted) == ["BTC-USDT", "ETH-USDT", "XRP-USDT"], "the canary has room"

    run_virtual(use())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"subscribe": [{"pair": "BTC-USDT", "interval": "5m", "limit": 1}]}', 1008),
        ("nothing of this", 1008),
        (json.dumps({"subscribe": [{"pair": "é" * 60, "interval": "1m", "limit": 1}]}, ensure_ascii=False), 1008),
        (json.dumps({"subscribe": "x" * (1 << 20)}), 1009),
    ],
)
def test_a_bad_subscription_ends_the_connection_with_the_reason(run_virtual: VirtualRun, text: str, code: int) -> None:
    async def use() -> None:
        async with serving() as (world, client), client.ws_connect("/stream", headers=HEADERS) as connection:
            await connection.send_str(text)
            closed = await connection.receive()
            assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, code)
            if code == 1008:
                assert closed.extra
                assert str(closed.extra).isascii()
            await asyncio.sleep(1)
            assert world.served.serving.wanted == {}

    run_virtual(use())


async def a_bot_that_does_not_read(client: TestClient[Any, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Subscribed to minutes, with as little room for what it does not read as the system allows."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", client.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
    asking = "GET /stream HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    keys = f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer {TOKEN}"
    writer.write(f"{asking}{keys}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    text = write_subscriptions([MINUTES]).encode()
    writer.write(bytes((0x81, 0x80 | 126)) + len(text).to_bytes(2) + bytes(4) + text)
    return reader, writer


async def left(world: World, within_s: float, meanwhile: Callable[[], None] = lambda: None) -> float:
    """Seconds until the bot is no longer served."""
    began_s = time.time()
    while world.served.serving.wanted:
        meanwhile()
        assert time.time() - began_s < within_s, "still served"
        await asyncio.sleep(0.5)
    return time.time() - began_s


def test_a_bot_that_does_not_read_is_cut_off(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with serving() as (world, client):
            _, writer = await a_bot_that_does_not_read(client)
            await asyncio.sleep(1)
            assert world.served.serving.wanted == {"BTC-USDT": 60}
            for _ in range(200):
                world.served.serving.tell_all(FeedAlert("x" * 100_000))
            assert 15 <= await left(world, 30) <= 25
            writer.close()

    run_virtual(use())


def test_a_bot_that_is_told_more_than_it_reads_is_cut_off_at_once(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with serving() as (world, client):
            _, writer = await a_bot_that_does_not_read(client)
            await asyncio.sleep(1)
            for _ in range(5001):
                world.served.serving.tell_all(FeedAlert("x"))
            assert await left(world, 5) <= 1
            writer.close()

    run_virtual(use())
