"""The fake Polygon's stream as it should be: each minute once, to whoever listens to it."""

import asyncio
import time

from polygon_talk import PAIRS, START_MS, opened, polygon, source, talk

from shared.simulator.fault_kinds import Kind
from tests.conftest import VirtualRun


def test_a_minute_is_told_once_shortly_after_its_end_and_is_the_books(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source() as server, talk(server) as client:
            await client.begin("XA.BTC-USD,XA.SOL-USD")
            told = await client.said()
            assert round(time.time() - START_MS / 1000, 1) == 61.2
            assert [one["pair"] for one in told] == ["BTC-USD", "SOL-USD"]
            bar = server.polygon.bars.minutes("BTC-USD", START_MS, START_MS + 60_000)[0]
            assert told[0] == {
                "ev": "XA", "pair": "BTC-USD", "o": float(bar.open), "c": float(bar.close), "h": float(bar.high),
                "l": float(bar.low), "v": float(bar.volume), "s": START_MS, "e": START_MS + 60_000,
                "vw": float(bar.vwap), "z": int(bar.volume / bar.trades),
            }  # fmt: skip
            assert opened(await client.said(), "BTC-USD") == [1]

    run_virtual(run())


def test_what_is_not_subscribed_is_not_told(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source() as server, talk(server) as client:
            await client.begin("XA.*")
            assert {one["pair"] for one in await client.said()} == set(PAIRS)
            await client.send("unsubscribe", "XA.*")
            assert await client.statuses() == ["success"]
            await client.send("subscribe", "XA.ETH-USD,XA.NO-USD")
            assert await client.statuses() == ["success", "success"]
            assert [one["pair"] for one in await client.said()] == ["ETH-USD"]

    run_virtual(run())


def test_a_fault_of_a_bar_waits_until_somebody_listens(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.SKIPPED, symbol="BTC-USD")) as server:
            await asyncio.sleep(200)
            async with talk(server) as client:
                await client.begin()
                assert opened(await client.said(), "BTC-USD") == []
                assert opened(await client.said(), "BTC-USD") == [4]

    run_virtual(run())


def test_a_pair_it_does_not_list_is_acknowledged_and_stays_silent(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.UNKNOWN_SYMBOL, symbol="BTC-USD")) as server, talk(server) as client:
            await client.begin("XA.BTC-USD,XA.ETH-USD")
            assert [one["pair"] for one in await client.said()] == ["ETH-USD"]

    run_virtual(run())


def test_faults_of_rest_leave_the_stream_alone(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.STATUS, for_s=60)) as server, talk(server) as client:
            await client.begin()

    run_virtual(run())
