"""Polygon alone, for many symbols and hours."""

import time

import pytest
from polygon_talk import START_MS, talk

from shared.simulator.errors import VenueError
from shared.simulator.faults import Faults
from shared.simulator.generated_bars import GeneratedBars
from shared.simulator.source_server import SourceServer
from tests.conftest import VirtualRun

SYMBOLS = [f"S{number}-USD" for number in range(100)]


def test_two_hours_of_a_hundred_symbols_are_told_as_the_book_has_them(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        book = GeneratedBars(SYMBOLS, 0.1)
        server = SourceServer(book, Faults())
        await server.start()
        try:
            async with talk(server) as client:
                await client.begin("XA.*")
                told = [(one["pair"], one["s"]) for _ in range(120) for one in await client.said()]
        finally:
            await server.stop()
        until_ms = START_MS + 120 * 60_000
        had = [(symbol, bar.open_ms) for symbol in SYMBOLS for bar in book.minutes(symbol, START_MS, until_ms)]
        assert sorted(told) == sorted(had)
        assert round(time.time() - START_MS / 1000) == 7201

    run_virtual(run())


def test_a_port_in_use_is_told(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        server = SourceServer(GeneratedBars(SYMBOLS), Faults())
        await server.start()
        port = int(server.base_url.rpartition(":")[2])
        with pytest.raises(VenueError, match=f"cannot listen on 127.0.0.1:{port}"):
            await SourceServer(GeneratedBars(SYMBOLS), Faults(), port=port).start()
        await server.stop()

    run_virtual(run())
