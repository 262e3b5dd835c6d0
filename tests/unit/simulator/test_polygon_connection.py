"""One connection to the fake Polygon: its handshake, what it may ask, and the faults that end it."""

import asyncio
import json
import time

import aiohttp
import pytest
from polygon_talk import START_MS, Talk, polygon, source, talk

from shared.simulator.fault_kinds import Kind, Moment
from tests.conftest import VirtualRun


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("no json", "error"),
        ("[]", "error"),
        ('{"action":"auth"}', "error"),
        ('{"action":"auth","params":7}', "error"),
        ('{"action":"dance","params":"XA.*"}', "error"),
        ('{"action":"subscribe","params":"XA.*"}', "auth_required"),
    ],
)
def test_what_cannot_be_asked_is_answered(run_virtual: VirtualRun, text: str, status: str) -> None:
    async def run() -> None:
        async with source() as server, talk(server) as client:
            await client.said()
            await client.socket.send_str(text)
            assert await client.statuses() == [status]

    run_virtual(run())


def test_a_subscription_that_does_not_exist(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source() as server, talk(server) as client:
            await client.begin()
            await client.send("subscribe", "ZZ.BTC-USD,XA")
            assert await client.statuses() == ["error", "error"]

    run_virtual(run())


def test_who_does_not_authenticate_is_sent_away(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source() as server, talk(server) as client:
            await client.said()
            assert await client.statuses() == ["auth_timeout"]
            assert round(time.time() - START_MS / 1000) == 10
            assert await client.end() == ([], 1008)

    run_virtual(run())


@pytest.mark.parametrize(("kind", "status"), [(Kind.AUTH_FAILED, "auth_failed"), (Kind.AUTH_TIMEOUT, "auth_timeout")])
def test_faults_in_the_place_of_the_answer_to_a_key(run_virtual: VirtualRun, kind: Kind, status: str) -> None:
    async def run() -> None:
        async with source(polygon(kind)) as server:
            async with talk(server) as client:
                await client.said()
                await client.send("auth", "k")
                assert await client.statuses() == [status]
                assert await client.end() == ([], 1008)
            async with talk(server) as client:
                await client.begin()

    run_virtual(run())


def test_a_key_that_is_never_answered(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.AUTH_SILENT)) as server, talk(server) as client:
            await client.said()
            await client.send("auth", "k")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.said(), 300)

    run_virtual(run())


def test_a_plan_without_a_subscription(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.NOT_AUTHORIZED, symbol="ETH-USD")) as server, talk(server) as client:
            await client.said()
            await client.send("auth", "k")
            await client.said()
            await client.send("subscribe", "XA.BTC-USD,XA.ETH-USD")
            assert [one["message"] for one in await client.said()] == [
                "subscribed to: XA.BTC-USD",
                "not authorized to subscribe to XA.ETH-USD",
            ]
            assert [one["pair"] for one in await client.said()] == ["BTC-USD"]

    run_virtual(run())


async def _steps(client: Talk) -> tuple[list[str], int | None]:
    """Statuses of a whole beginning and the first bars' pairs, as far as it comes, and the code of an end before that."""
    seen: list[str] = []
    for action, params in (("", ""), ("auth", "k"), ("subscribe", "XA.BTC-USD"), ("", "")):
        if action:
            await client.send(action, params)
        message = await client.socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            return seen, message.data if message.type is aiohttp.WSMsgType.CLOSE else client.socket.close_code
        seen += [one.get("status", one.get("pair")) for one in json.loads(message.data)]
    return seen, None


@pytest.mark.parametrize(
    ("moment", "seen"),
    [
        (Moment.CONNECT, []),
        (Moment.AUTH, ["connected", "auth_success"]),
        (Moment.SUBSCRIBE, ["connected", "auth_success", "success"]),
        (Moment.STREAM, ["connected", "auth_success", "success", "BTC-USD"]),
    ],
)
@pytest.mark.parametrize("code", [1000, 1001, 1006, 1008, 1009, 1011])
def test_a_close_at_each_moment_with_each_code(
    run_virtual: VirtualRun, moment: Moment, seen: list[str], code: int
) -> None:
    async def run() -> None:
        async with source(polygon(Kind.CLOSE, moment=moment, code=code)) as server:
            async with talk(server) as client:
                if moment is Moment.STREAM:
                    assert await _steps(client) == (seen, None)
                    assert await client.end() == ([], code)
                else:
                    assert await _steps(client) == (seen, code)
            async with talk(server) as client:
                assert len((await _steps(client))[0]) == 4

    run_virtual(run())


@pytest.mark.parametrize(
    ("moment", "seen"),
    [
        (Moment.AUTH, ["connected", "max_connections"]),
        (Moment.SUBSCRIBE, ["connected", "auth_success", "success", "max_connections"]),
        (Moment.STREAM, ["connected", "auth_success", "success", "BTC-USD"]),
    ],
)
def test_too_many_connections_at_each_moment(run_virtual: VirtualRun, moment: Moment, seen: list[str]) -> None:
    async def run() -> None:
        async with source(polygon(Kind.MAX_CONNECTIONS, moment=moment)) as server, talk(server) as client:
            if moment is Moment.STREAM:
                assert await _steps(client) == (seen, None)
                assert await client.statuses() == ["max_connections"]
                assert await client.end() == ([], 1008)
            else:
                assert (await _steps(client))[0] == seen

    run_virtual(run())


@pytest.mark.parametrize(
    ("kind", "said", "code"),
    [
        (Kind.CLOSE, [], 1006),
        (Kind.DOWN, [], 1006),
        (Kind.SLOW_CONSUMER, ["slow_consumer"], 1008),
    ],
)
def test_an_end_in_the_middle_comes_at_its_moment(
    run_virtual: VirtualRun, kind: Kind, said: list[str], code: int
) -> None:
    async def run() -> None:
        async with source(polygon(kind, after_s=90)) as server, talk(server) as client:
            await client.begin()
            await client.said()
            texts, seen_code = await client.end()
            assert round(time.time() - START_MS / 1000) == 90
            assert ([one["status"] for text in texts for one in json.loads(text)], seen_code) == (said, code)

    run_virtual(run())
