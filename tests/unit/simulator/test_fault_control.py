"""The control address: faults are added, seen and lifted by this machine and nobody else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from polygon_talk import polygon, source, talk

from shared.simulator.fault_control import FaultControl
from shared.simulator.fault_kinds import Kind
from shared.simulator.faults import Faults
from shared.simulator.source_server import SourceServer
from tests.conftest import VirtualRun

PATH = "/control/faults"
Use = Callable[[aiohttp.ClientSession, SourceServer], Awaitable[None]]


def _served(run_virtual: VirtualRun, use: Use) -> None:
    async def run() -> None:
        async with source() as server, aiohttp.ClientSession(server.base_url) as session:
            await use(session, server)

    run_virtual(run())


def test_a_fault_is_added_hits_and_is_seen(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, server: SourceServer) -> None:
        fault = {"where": "polygon", "kind": "close", "code": 1008, "after_s": 5}
        async with talk(server) as client:
            await client.begin()
            async with session.post(PATH, json=fault) as answer:
                assert answer.status == 201
                (added,) = await answer.json()
            assert (added["number"], added["used"], added["is_in_force"]) == (1, 0, False)
            assert await client.end() == ([], 1008)
        async with session.get(PATH) as answer:
            (seen,) = await answer.json()
        assert (seen["used"], seen["is_in_force"], round(seen["first_s"] - seen["begins_s"], 3)) == (1, False, 0)
        assert "delay_s" not in seen

    _served(run_virtual, use)


def test_many_at_once_and_none_if_one_of_them_cannot_be(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, server: SourceServer) -> None:
        stall = {"where": "polygon", "kind": "stall", "for_s": 60}
        async with session.post(PATH, json=[stall, {**stall, "code": 1}]) as answer:
            assert answer.status == 400
            assert "code = 1" in (await answer.json())["error"]
        assert server.faults.listed() == []
        async with session.post(PATH, json=[stall, stall]) as answer:
            assert [one["number"] for one in await answer.json()] == [1, 2]

    _served(run_virtual, use)


def test_one_is_lifted_or_all(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, server: SourceServer) -> None:
        for _ in range(3):
            server.faults.add(polygon(Kind.STALL, for_s=60))
        async with session.delete(f"{PATH}/2") as answer:
            assert answer.status == 200
        assert [one.is_over for one in server.faults.listed()] == [False, True, False]
        async with session.delete(f"{PATH}/9") as answer:
            assert answer.status == 404
        async with session.delete(PATH) as answer:
            assert answer.status == 200
        assert all(one.is_over for one in server.faults.listed())

    _served(run_virtual, use)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("no json", "application/json", 400),
        ("[7]", "application/json", 400),
        ('{"where":"polygon","kind":"down"}', "text/plain", 415),
    ],
)
def test_what_is_no_fault_is_refused(run_virtual: VirtualRun, body: str, kind: str, status: int) -> None:
    async def use(session: aiohttp.ClientSession, server: SourceServer) -> None:
        async with session.post(PATH, data=body, headers={"Content-Type": kind}) as answer:
            assert answer.status == status
        assert server.faults.listed() == []

    _served(run_virtual, use)


def test_connections_are_told(run_virtual: VirtualRun) -> None:
    async def use(session: aiohttp.ClientSession, server: SourceServer) -> None:
        async with talk(server) as client:
            await client.begin()
            async with session.get("/control/connections") as answer:
                told = await answer.json()
        assert told == {"polygon": {"open_now": 1, "most_at_once": 1, "asked": 1, "most_in_a_minute": 1}}

    _served(run_virtual, use)


@pytest.mark.parametrize("remote", ["192.0.2.1", "example", None])
def test_another_machine_controls_nothing(remote: str | None) -> None:
    async def run() -> None:
        for route in FaultControl(Faults(), {}).routes():
            request: Any = make_mocked_request(route.method, route.path).clone(remote=remote)
            answer: Any = await route.handler(request)
            assert answer.status == 403

    asyncio.run(run())
