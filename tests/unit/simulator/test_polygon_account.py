"""Keys of the fake Polygon, and how many connections each may have at once."""

from polygon_talk import polygon, source, talk

from shared.simulator.fault_kinds import Kind
from tests.conftest import VirtualRun


def test_a_wrong_key(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(keys=frozenset({"right"})) as server, talk(server) as client:
            await client.said()
            await client.send("auth", "wrong")
            assert await client.statuses() == ["auth_failed"]
            assert await client.end() == ([], 1008)

    run_virtual(run())


def test_a_second_connection_of_a_key_sends_the_first_away(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source() as server, talk(server) as first, talk(server) as second, talk(server) as other:
            await first.begin()
            await other.begin(key="another")
            await second.begin()
            assert await first.statuses() == ["max_connections"]
            assert await first.end() == ([], 1008)
            assert len(await second.said()) == len(await other.said()) == 3
            assert server.polygon.log.report() == {
                "open_now": 2, "most_at_once": 3, "asked": 3, "most_in_a_minute": 3,
            }  # fmt: skip

    run_virtual(run())


def test_or_is_sent_away_itself(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.EVICTION)) as server, talk(server) as first, talk(server) as second:
            await first.begin()
            await second.said()
            await second.send("auth", "k")
            assert await second.statuses() == ["max_connections"]
            assert await second.end() == ([], 1008)
            assert len(await first.said()) == 3

    run_virtual(run())


def test_a_connection_that_is_over_leaves_its_place(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.EVICTION, for_s=3600)) as server:
            for _ in range(3):
                async with talk(server) as client:
                    await client.begin()

    run_virtual(run())
