"""Faults of a connection that lives and does not work, or never comes to be."""

import asyncio
import time

import aiohttp
import pytest
from polygon_talk import PAIRS, opened, polygon, source, talk

from shared.simulator.fault_kinds import Kind
from tests.conftest import VirtualRun


def test_while_it_is_down_nobody_gets_in(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.DOWN, for_s=60)) as server:
            with pytest.raises(aiohttp.ClientError):
                async with talk(server):
                    pass
            await asyncio.sleep(60)
            async with talk(server) as client:
                await client.begin()

    run_virtual(run())


def test_a_handshake_that_is_refused_and_one_that_is_not_answered(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.REFUSE, status=451)) as server:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with talk(server):
                    pass
            assert refused.value.status == 451
            server.faults.add(polygon(Kind.HANG))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(120), talk(server):
                    pass
            assert server.polygon.log.report()["most_at_once"] == 0
            async with talk(server) as client:
                await client.begin()

    run_virtual(run())


@pytest.mark.parametrize("symbol", [None, "BTC-USD"])
def test_a_stall_keeps_bars_back_while_pings_are_answered(run_virtual: VirtualRun, symbol: str | None) -> None:
    async def run() -> None:
        fault = polygon(Kind.STALL, symbol=symbol, after_s=90, for_s=120)
        async with source(fault) as server, talk(server) as client:
            await client.begin()
            seen: dict[str, list[int]] = {pair: [] for pair in PAIRS}
            while seen["BTC-USD"][-1:] != [4]:
                told = await client.said()
                for pair in PAIRS:
                    seen[pair] += opened(told, pair)
                await client.socket.ping()
            assert seen["BTC-USD"] == [0, 3, 4]
            assert seen["ETH-USD"] == ([0, 1, 2, 3, 4] if symbol else [0, 3, 4])

    run_virtual(run())


def test_a_stall_of_one_connection_ends_with_it(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.STALL, times=2)) as server:
            async with talk(server) as client:
                await client.begin()
                server.faults.add(polygon(Kind.STALL, symbol="NO-USD", after_s=60))
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.said(), 600)
                assert [one.used for one in server.faults.listed()] == [1, 0]
            server.faults.lift_all()
            async with talk(server) as client:
                await client.begin()
                assert len(await client.said()) == 3

    run_virtual(run())


def test_a_half_open_connection_answers_no_ping_no_request_and_no_goodbye(
    run_virtual: VirtualRun, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with source(polygon(Kind.HALF_OPEN, after_s=30)) as server:
            async with (
                aiohttp.ClientSession(server.base_url) as session,
                session.ws_connect(
                    "/polygon/crypto", autoping=False, autoclose=False, timeout=aiohttp.ClientWSTimeout(ws_close=5)
                ) as socket,
            ):
                for action, params in (("", ""), ("auth", "k"), ("subscribe", "XA.*")):
                    if action:
                        await socket.send_json({"action": action, "params": params})
                    await socket.receive_str()
                await socket.ping()
                assert (await socket.receive()).type is aiohttp.WSMsgType.PONG
                await asyncio.sleep(31)
                await socket.ping()
                await socket.send_json({"action": "subscribe", "params": "XA.BTC-USD"})
                heard = asyncio.create_task(socket.receive())
                await asyncio.sleep(300)
                assert not heard.done()
                left_s = time.time()
                await socket.close()
                assert round(time.time() - left_s) == 5
                assert socket.close_code == 1006
            await asyncio.sleep(0.1)
            async with talk(server) as client:
                await client.begin()
                assert len(await client.said()) == 3
            assert server.polygon.log.report()["most_at_once"] == 1
        assert not [one for one in caplog.records if one.name == "aiohttp.server"]  # where a handler's failure is told

    run_virtual(run())
