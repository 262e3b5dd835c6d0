"""Faults in front of a REST interface, whichever source's it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Fault, Faults
from shared.simulator.rest_faults import RestFace, rest_faults
from tests.conftest import VirtualRun

BODY = {"prices": list(range(200))}


def _fault(kind: Kind, **fields: Any) -> Fault:
    return Fault(where=Where.COINGECKO, kind=kind, part=Part.REST, **fields)


Use = Callable[[aiohttp.ClientSession, Faults], Awaitable[None]]


def _served(run_virtual: VirtualRun, use: Use) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(BODY)

    async def run() -> None:
        faults = Faults()
        face = RestFace(
            Where.COINGECKO, ("/gecko/",), lambda status: {"code": status}, lambda request: [request.query["s"]]
        )
        application = web.Application(middlewares=[rest_faults(faults, [face])])
        application.add_routes([web.get("/gecko/price", answer), web.get("/other", answer)])
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                await use(session, faults)
        finally:
            await runner.cleanup()

    run_virtual(run())


@pytest.mark.parametrize("status", [401, 403, 404, 418, 429, 451])
@pytest.mark.parametrize("retry_after_s", [None, 30])
def test_a_status_comes_with_the_sources_own_words(
    run_virtual: VirtualRun, status: int, retry_after_s: float | None
) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.STATUS, status=status, retry_after_s=retry_after_s))
        async with session.get("/gecko/price?s=a") as answer:
            assert (answer.status, await answer.json()) == (status, {"code": status})
            assert answer.headers.get("Retry-After") == (None if retry_after_s is None else "30")
        async with session.get("/gecko/price?s=a") as answer:
            assert await answer.json() == BODY

    _served(run_virtual, use)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_a_page(run_virtual: VirtualRun, status: int) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.STATUS, status=status))
        async with session.get("/gecko/price?s=a") as answer:
            assert (answer.status, answer.content_type) == (status, "text/html")

    _served(run_virtual, use)


def test_200_and_no_json(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.NOT_JSON))
        async with session.get("/gecko/price?s=a") as answer:
            assert (answer.status, (await answer.text())[:15]) == (200, "<!DOCTYPE html>")

    _served(run_virtual, use)


def test_an_answer_that_is_cut(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.CUT))
        async with session.get("/gecko/price?s=a") as answer:
            assert answer.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()

    _served(run_virtual, use)


def test_an_answer_that_drips(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.SLOW, delay_s=60))
        began_s = time.time()
        async with session.get("/gecko/price?s=a") as answer:
            first = await answer.content.readany()
            assert 0 < len(first) < 200
            assert (await answer.content.read())[-1:] == b"}"
        assert round(time.time() - began_s) == 60

    _served(run_virtual, use)


def test_an_answer_that_is_too_large(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.HUGE, size_bytes=1_000_000))
        async with session.get("/gecko/price?s=a") as answer:
            assert len(await answer.read()) == 1_000_000

    _served(run_virtual, use)


def test_no_answer_until_the_fault_is_over(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.HANG, for_s=100, times=1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(session.get("/gecko/price?s=a"), 90)
        async with session.get("/gecko/price?s=a") as answer:
            assert await answer.json() == BODY

    _served(run_virtual, use)


def test_the_connection_of_who_waits_ends_with_the_fault(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.HANG, for_s=100))
        began_s = time.time()
        async with session.get("/gecko/price?s=a") as answer:  # asks once more where a connection just ends
            assert answer.status == 200
        assert round(time.time() - began_s) == 100

    _served(run_virtual, use)


def test_a_source_that_is_down_answers_nobody(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.DOWN, for_s=30))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await session.get("/gecko/price?s=a")
        async with session.get("/other") as answer:
            assert answer.status == 200
        await asyncio.sleep(30)
        async with session.get("/gecko/price?s=a") as answer:
            assert answer.status == 200

    _served(run_virtual, use)


def test_another_symbol_another_part_and_another_source_are_left_alone(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.STATUS, symbol="b", for_s=60))
        faults.add(Fault(where=Where.BINANCE, kind=Kind.STATUS, for_s=60))
        for path, status in (("/gecko/price?s=a", 200), ("/gecko/price?s=b", 503), ("/other", 200)):
            async with session.get(path) as answer:
                assert answer.status == status

    _served(run_virtual, use)


def test_a_wrong_clock_is_in_the_date_too(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, faults: Faults) -> None:
        faults.add(_fault(Kind.CLOCK_SKEW, skew_s=-3600))
        async with session.get("/gecko/price?s=a") as answer:
            assert answer.headers["Date"] == "Sun, 05 Jan 2025 23:00:00 GMT"

    _served(run_virtual, use)
