"""Connecting to Binance: who is turned away, how, and that every attempt is counted."""

import asyncio
from typing import Any

import aiohttp
import pytest
from served_venue import CANDLES, listen, served

from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Fault
from shared.simulator.server import VenueServer

PING = "/spot/api/v3/ping"


def fault(kind: Kind, **options: Any) -> Fault:
    return Fault(where=Where.BINANCE, kind=kind, **options)


@pytest.mark.parametrize("status", [403, 429, 451, 503])
def test_a_handshake_that_is_refused(status: int) -> None:
    async def use(server: VenueServer, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await listen(session, 10)
        assert caught.value.status == status
        assert len((await listen(session, 60)).bars()) == 1
        assert server.binance.log.report()["asked"] == 2, "the refused one counts too"

    served(use, fault(Kind.REFUSE, status=status))


def test_a_handshake_that_is_never_answered() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await listen(session, 10)
        await asyncio.sleep(15)
        assert (await listen(session, 10)).code is None

    served(use, fault(Kind.HANG, part=Part.STREAM, for_s=40))


def test_a_source_that_is_down_cuts_everybody_and_answers_nobody() -> None:
    async def use(server: VenueServer, session: aiohttp.ClientSession) -> None:
        everybody = [listen(session, 120, path) for path in (CANDLES, "/spot/ws/btcusdt@depth")]
        for heard in await asyncio.gather(*everybody):
            assert (heard.code, heard.ended_s) == (1006, pytest.approx(30, abs=0.1))
        with pytest.raises(aiohttp.ClientError):
            await listen(session, 10)
        with pytest.raises(aiohttp.ClientError):
            await session.get(PING)
        await asyncio.sleep(60)
        assert (await listen(session, 10)).code is None
        async with session.get(PING) as response:
            assert response.status == 200
        report = server.binance.log.report()
        assert report["most_at_once"] == 2
        assert report["asked"] >= 4, "aiohttp may ask twice where the first attempt was cut"

    served(use, fault(Kind.DOWN, after_s=30, for_s=60))
