"""Faults of a connection: at their moment, as often as they say, and never those of a bot's books."""

import asyncio
from typing import Any

import aiohttp
import pytest
from market_samples import START_MS
from served_venue import CANDLES, MINUTE_MS, Heard, listen, served

from shared.simulator.fault_kinds import Kind, Moment, Where
from shared.simulator.faults import Fault
from shared.simulator.server import VenueServer

BOTH = "/spot/stream?streams=btcusdt@kline_1m/ethusdt@kline_1m"


def fault(kind: Kind, **options: Any) -> Fault:
    return Fault(where=Where.BINANCE, kind=kind, **options)


def heard(*faults: Fault, path: str = CANDLES, for_s: float = 300) -> Heard:
    result: list[Heard] = []

    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        result.append(await listen(session, for_s, path))

    served(use, *faults)
    return result[0]


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1008, 1009, 1011])
def test_closes(code: int) -> None:
    closed = heard(fault(Kind.CLOSE, code=code, after_s=95))
    assert closed.code == code
    assert closed.ended_s == pytest.approx(95, abs=0.1), "at once, for bars flow already"


@pytest.mark.parametrize(
    ("moment", "bars", "ended_s"), [(Moment.CONNECT, 0, 0), (Moment.SUBSCRIBE, 0, 0), (Moment.STREAM, 1, 50)]
)
def test_moments_of_a_fault_that_waits_for_a_connection(moment: Moment, bars: int, ended_s: float) -> None:
    closed = heard(fault(Kind.CLOSE, code=1000, moment=moment))
    assert (len(closed.bars()), closed.code) == (bars, 1000)
    assert closed.ended_s == pytest.approx(ended_s, abs=0.1)


def test_connect_comes_before_the_first_word_and_subscribe_after_the_answer() -> None:
    async def use(server: VenueServer, session: aiohttp.ClientSession) -> None:
        server.faults.add(fault(Kind.CLOSE, code=1011, moment=Moment.CONNECT))
        async with session.ws_connect("/spot/ws") as socket:
            assert (await socket.receive()).data == 1011
        server.faults.add(fault(Kind.CLOSE, code=1011, moment=Moment.SUBSCRIBE))
        async with session.ws_connect("/spot/ws") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"], "id": 1})
            assert (await socket.receive_json())["id"] == 1
            while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.data == 1011

    served(use)


def test_a_fault_hits_as_many_connections_as_it_says() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        codes = [(await listen(session, 120)).code for _ in range(3)]
        assert codes == [1000, 1000, None]

    served(use, fault(Kind.CLOSE, code=1000, moment=Moment.SUBSCRIBE, times=2))


def test_a_connection_ends_once_and_the_next_fault_is_for_the_next_one() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        assert [(await listen(session, 120)).code for _ in range(3)] == [1001, 1011, None]

    served(use, fault(Kind.SERVER_SHUTDOWN, after_s=60, delay_s=20), fault(Kind.CLOSE, code=1011, after_s=70))


def test_a_shutdown_is_announced() -> None:
    closed = heard(fault(Kind.SERVER_SHUTDOWN, after_s=95, delay_s=12))
    announced = [event for event in closed.events if event["e"] == "serverShutdown"]
    assert announced == [{"e": "serverShutdown", "E": START_MS + 105_000}]
    assert (closed.code, closed.ended_s) == (1001, pytest.approx(107, abs=0.1))


def test_a_connection_whose_life_is_over() -> None:
    assert heard(fault(Kind.EXPIRED, after_s=95)).code == 1001


@pytest.mark.parametrize(("symbol", "btc", "eth"), [(None, [0, 4], [0, 4]), ("BTC-USDT", [0, 4], [0, 1, 2, 3, 4])])
def test_a_stall_keeps_bars_back_and_answers_pings(symbol: str | None, btc: list[int], eth: list[int]) -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        listening = asyncio.create_task(listen(session, 300, BOTH))
        await asyncio.sleep(100)
        async with session.ws_connect(CANDLES, autoping=False) as socket:
            await asyncio.sleep(10)
            await socket.ping(b"still there?")
            message = await socket.receive()
            assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"still there?")
        stalled = await listening
        assert (stalled.opens(), stalled.opens("ETHUSDT"), stalled.code) == (btc, eth, None)

    served(use, fault(Kind.STALL, symbol=symbol, after_s=55, for_s=180))


def test_a_stall_that_nobody_lifts_lasts_as_long_as_the_connection() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        first = await listen(session, 300)
        assert (first.opens(), first.code) == ([0], None)
        assert len((await listen(session, 120)).bars()) == 2, "the next one is sound"

    served(use, fault(Kind.STALL, after_s=55))


def test_a_peer_that_is_gone_neither_answers_nor_sends() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(CANDLES, autoping=False) as socket:
            await asyncio.sleep(60)
            await socket.ping(b"still there?")
            came = []
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(15):
                    while True:
                        came.append((await socket.receive()).type)
            assert aiohttp.WSMsgType.PONG not in came
            assert came.count(aiohttp.WSMsgType.TEXT) == 1 + 10 + 1, "the first, one each 5 s, and the bar that closed"

    served(use, fault(Kind.HALF_OPEN, after_s=53))


def test_connections_without_candles_are_left_alone() -> None:
    async def use(server: VenueServer, session: aiohttp.ClientSession) -> None:
        books = asyncio.create_task(listen(session, 200, "/spot/stream?streams=btcusdt@depth"))
        perpetual = asyncio.create_task(listen(session, 200, "/perpetual/stream?streams=btcusdt@kline_1m"))
        assert (await listen(session, 200)).code == 1000
        assert ((await books).code, (await perpetual).code) == (None, None)
        server.faults.add(fault(Kind.DOWN, for_s=10))
        assert (await listen(session, 1, "/perpetual/ws")).code is None

    served(use, fault(Kind.CLOSE, code=1000, after_s=100, times=5))


def test_what_left_is_not_hit_any_more() -> None:
    async def use(server: VenueServer, session: aiohttp.ClientSession) -> None:
        await listen(session, (MINUTE_MS + 5000) / 1000)
        await asyncio.sleep(1)
        server.faults.add(fault(Kind.CLOSE, code=1000, for_s=60))
        await asyncio.sleep(30)
        assert server.faults.listed()[0].used == 0
        assert not server.binance.clients
        assert Where.BINANCE not in [where for where, _ in server.faults._listeners]
        assert not any(server._venue._streams.values()), "nobody listens to candles any more"

    served(use)
