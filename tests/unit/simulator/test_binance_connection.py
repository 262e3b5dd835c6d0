"""The limits a connection lives under: what it may say, how much it may hear, how long it lives and that it answers pings."""

import asyncio
import time

import aiohttp
import pytest
from served_venue import CANDLES, listen, served

from shared.simulator.binance_connection import PERPETUAL_LIMITS, SPOT_LIMITS, SocketLimits
from shared.simulator.server import VenueServer

DAY_S = 86_400
SUBSCRIBE = {"method": "SUBSCRIBE", "params": [], "id": 1}


async def say(socket: aiohttp.ClientWebSocketResponse, times: int, every_s: float = 0.0) -> None:
    for _ in range(times):
        await socket.send_json(SUBSCRIBE)
        await asyncio.sleep(every_s)


async def closed(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """How the connection ends, whatever comes before."""
    while True:
        message = await socket.receive()
        if message.type is aiohttp.WSMsgType.CLOSE:
            return message.data, message.extra
        if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
            return socket.close_code, ""


@pytest.mark.parametrize(("path", "limits"), [("/spot/ws", SPOT_LIMITS), ("/perpetual/ws", PERPETUAL_LIMITS)])
def test_who_says_too_much_in_a_second_is_closed(path: str, limits: SocketLimits) -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(path) as socket:
            await say(socket, limits.messages_per_s)
            for _answer in range(limits.messages_per_s):
                assert (await socket.receive_json())["result"] is None
            await asyncio.sleep(1.01)
            await say(socket, 20, every_s=1.01 / limits.messages_per_s)
            assert not socket.closed
            await asyncio.sleep(1.01)
            await say(socket, limits.messages_per_s + 1)
            assert await closed(socket) == (1008, "Too many requests")

    served(use)


def test_pings_count_as_messages() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/spot/ws") as socket:
            for _ping in range(SPOT_LIMITS.messages_per_s + 1):
                await socket.ping()
            assert await closed(socket) == (1008, "Too many requests")

    served(use)


def test_a_ping_is_answered_with_its_payload() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/spot/ws", autoping=False) as socket:
            await socket.ping(b"\xffhello")
            message = await socket.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"\xffhello")

    served(use)


def test_one_stream_too_many_ends_the_connection() -> None:
    names = [f"x{number}usdt@trade" for number in range(SPOT_LIMITS.streams)]

    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/spot/ws") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": names, "id": 1})
            await socket.send_json({"method": "SUBSCRIBE", "params": names[:5], "id": 2})
            await socket.send_json({"method": "UNSUBSCRIBE", "params": names[:1], "id": 3})
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 4})
            for _answer in range(4):
                while "id" not in await socket.receive_json():
                    pass
            await asyncio.sleep(1)
            await socket.send_json({"method": "SUBSCRIBE", "params": ["ethusdt@trade"], "id": 5})
            assert await closed(socket) == (1008, "Too many streams")

    served(use)


def test_a_connection_lives_for_a_day() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        heard = await listen(session, DAY_S + 60, "/spot/ws")
        assert heard.code == 1001
        assert heard.ended_s == pytest.approx(DAY_S, abs=1)

    served(use, count=DAY_S // 5 + 1000)


def test_who_answers_no_pings_is_closed_and_who_does_is_not() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        assert (await listen(session, 600, CANDLES)).code is None
        began_s = time.time()
        async with session.ws_connect("/spot/ws", autoping=False) as socket:
            assert await closed(socket) == (1008, "Pong timeout")
        assert time.time() - began_s == pytest.approx(80, abs=1), (
            "three pings of 20 s unanswered, and the fourth is due"
        )

    served(use)
