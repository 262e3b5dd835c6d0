"""Which source pairs come from, minute by minute, with the real choice (`shared.wire.failover`) on real books."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.feed_records import FeedSwitch
from shared.domain.feed_symbols import symbol_at
from shared.sidecar.feeds.selection import CANARY_GRACE_MS, Selection
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, Books, bar

SOURCES = ("polygon", "binance")
CANARY = "BTC-USDT"


class World:
    """Two sources, and the selection between them.

    Attributes:
        silent: Sources whose stream and history say nothing now.
        holed: Sources whose history does not answer.
        stuck: Symbols whose history does not answer.
        dead: As the selection is told.
    """

    def __init__(self, *pairs: str) -> None:
        self.books = {source: Books(source) for source in SOURCES}
        self.silent: set[str] = set()
        self.holed: set[str] = set()
        self.stuck: set[str] = set()
        self.dead: dict[str, str] = {}
        self.recorded: list[FeedSwitch] = []
        self.said: list[str] = []
        self.seen_at_switch: list[str | None] = []
        self.selection = Selection(
            "home",
            {source: books.book for source, books in self.books.items()},
            CANARY,
            lambda: self.dead,
            lambda _: frozenset(),
            self.recorded.append,
            lambda: self.seen_at_switch.append(self.selection.in_use),
            self.said.append,
        )
        for source, books in self.books.items():
            books.book.want({symbol_at(source, pair): 60 for pair in (CANARY, *pairs)})

    async def live(self, minutes: float, *, until: Callable[[], bool] = lambda: False) -> float:
        """Let so many minutes pass, with all that happens in them; seconds until it was so."""
        began_s = time.time()
        while time.time() - began_s < minutes * 60 and not until():
            now_ms = int(time.time() * 1000)
            for source, books in self.books.items():
                over_ms = now_ms // MINUTE_MS * MINUTE_MS - MINUTE_MS
                if source not in self.silent and now_ms % MINUTE_MS >= 2000:
                    symbol = symbol_at(source, CANARY)
                    books.book.reported([bar((over_ms - START_MS) // MINUTE_MS, source=source, symbol=symbol)])
                if source not in self.holed:
                    books.fill_all(but=self.stuck)
            await self.selection.step()
            await asyncio.sleep(1)
        return time.time() - began_s

    @property
    def in_use(self) -> str | None:
        return self.selection.in_use


def during(run_virtual: VirtualRun, story: Callable[[World], Any]) -> World:
    async def run() -> World:
        world = World()
        await story(world)
        return world

    world: World = run_virtual(run())
    return world


def test_it_begins_with_the_best_source_that_is_backfilled(run_virtual: VirtualRun) -> None:
    async def story(world: World) -> None:
        assert world.in_use is None
        await world.live(0.1)
        assert world.in_use == "polygon"
        assert world.seen_at_switch == ["polygon"]

    world = during(run_virtual, story)
    assert [(each.from_source, each.to_source, each.reason) for each in world.recorded] == [
        (None, "polygon", "polygon is ready")
    ]
    assert world.selection.switches == 0, "the first choice is no change"
    assert world.said == ["candles now come from polygon: polygon is ready"]


def test_one_late_minute_changes_nothing_the_second_does(run_virtual: VirtualRun) -> None:
    async def story(world: World) -> None:
        await world.live(3.5)
        world.silent = {"polygon"}
        began_s = START_MS / 1000 + 3 * 60  # of the first minute that is missed
        await world.live(1.6)
        assert (world.in_use, world.selection.is_fit("polygon")) == ("polygon", False)
        await world.live(1)
        assert world.in_use == "binance"
        assert world.recorded[-1].at.timestamp() - began_s == pytest.approx(120 + CANARY_GRACE_MS / 1000, abs=1.5)

    world = during(run_virtual, story)
    assert [each.to_source for each in world.recorded] == ["polygon", "binance"]
    assert world.recorded[-1].reason == "polygon is out: 2 canary bars in a row were not on time"
    assert world.selection.switches == 1


def test_it_returns_after_five_minutes_on_time_backfilled_and_dwelt(run_virtual: VirtualRun) -> None:
    async def story(world: World) -> None:
        await world.live(3.5)
        world.silent, world.holed = {"polygon"}, {"polygon"}
        await world.live(5, until=lambda: world.in_use == "binance")
        left_s = world.recorded[-1].at.timestamp()
        await world.live(10)
        world.silent = set()
        await world.live(20)
        assert world.in_use == "binance", "its hole is not filled"
        world.holed = set()
        await world.live(0.1)
        assert world.in_use == "polygon"
        world.silent = {"polygon"}
        await world.live(5, until=lambda: world.in_use == "binance")
        left_s = world.recorded[-1].at.timestamp()
        world.silent = set()
        await world.live(20, until=lambda: world.in_use == "polygon")
        assert world.recorded[-1].at.timestamp() - left_s >= 300

    during(run_virtual, story)


def test_five_minutes_on_time_are_asked_for_even_after_a_long_dwell(run_virtual: VirtualRun) -> None:
    async def story(world: World) -> None:
        await world.live(3.5)
        world.silent = {"polygon"}
        await world.live(15)
        assert world.in_use == "binance"
        world.silent = set()
        back_s = time.time() // 60 * 60
        await world.live(20, until=lambda: world.in_use == "polygon")
        assert world.recorded[-1].reason == "polygon is back: on time for 5 minutes"
        assert 5 * 60 <= time.time() - back_s <= 6 * 60

    during(run_virtual, story)


def test_a_source_that_refuses_is_left_at_once_and_once(run_virtual: VirtualRun) -> None:
    async def story(world: World) -> None:
        await world.live(3.5)
        world.dead = {"polygon": "the key was refused"}
        world.silent = {"polygon"}
        assert await world.live(5, until=lambda: world.in_use == "binance") <= 1.5
        await world.live(5)

    world = during(run_virtual, story)
    assert [each.to_source for each in world.recorded] == ["polygon", "binance"]
    assert world.recorded[-1].reason == "polygon is out: the key was refused"


def test_one_that_refused_and_brings_its_minutes_all_the_same_is_returned_to_after_the_dwell(
    run_virtual: VirtualRun,
) -> None:
    async def story(world: World) -> None:
        await world.live(3.5)
        world.dead = {"polygon": "the key was refused"}
        await world.live(1, until=lambda: world.in_use == "binance")
        await world.live(10, until=lambda: world.in_use == "polygon")

    world = during(run_virtual, story)
    left, back = (each.at.timestamp() for each in world.recorded[1:])
    assert 300 <= back - left <= 360, "its fifth minute was over after 280 s"


def test_with_no_source_left_there_is_none_until_one_is_back(run_virtual: VirtualRun) -> None:
    async def story(world: World) -> None:
        await world.live(3.5)
        world.silent = set(SOURCES)
        world.holed = set(SOURCES)
        await world.live(5)
        assert world.in_use is None
        assert world.selection.source_of("BTC-USDT") is None
        assert world.recorded[-1].reason.endswith("; no other source is ready")
        world.silent, world.holed = {"polygon"}, {"polygon"}
        await world.live(3)
        assert world.in_use == "binance"

    during(run_virtual, story)


def test_a_pair_the_source_lacks_comes_from_the_next_that_is_fit(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        world = World("XYZ-USDT")
        await world.live(3)
        world.books["polygon"].book.refuse("XYZ-USD", "no such symbol")
        assert world.in_use == "polygon"
        assert world.selection.source_of("BTC-USDT") == "polygon"
        assert world.selection.source_of("XYZ-USDT") == "binance"
        world.silent = {"binance"}
        await world.live(3)
        assert world.selection.source_of("XYZ-USDT") is None
        world.silent = set()
        await world.live(2)
        world.books["binance"].book.refuse("XYZ-USDT", "no such symbol")
        assert world.selection.source_of("XYZ-USDT") is None

    run_virtual(run())


def test_one_pairs_hole_that_stays_keeps_the_others_waiting_for_a_minute_at_most(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        world = World("XYZ-USDT")
        world.stuck = {"XYZ-USD", "XYZ-USDT"}
        assert 60 <= await world.live(5, until=lambda: world.in_use is not None) <= 62
        assert world.in_use == "polygon"
        await world.live(3)
        world.silent = {"polygon"}
        await world.live(5, until=lambda: world.in_use != "polygon")
        assert world.in_use is None, "nothing is whole, and nobody has waited yet"
        await world.live(2, until=lambda: world.in_use is not None)
        assert world.in_use == "binance"
        world.silent = set()
        await world.live(15)
        assert world.in_use == "binance", "a better one has to be whole"
        world.stuck = set()
        await world.live(1)
        assert world.in_use == "polygon"

    run_virtual(run())


def test_a_source_whose_canary_has_a_hole_is_never_begun_with(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        world = World("XYZ-USDT")
        world.stuck = {"BTC-USD", "BTC-USDT"}
        await world.live(3)
        assert world.in_use is None
        world.stuck = {"BTC-USD"}
        await world.live(1.5)
        assert world.in_use == "binance"

    run_virtual(run())


def test_nothing_is_judged_while_nothing_is_followed(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        world = World()
        for books in world.books.values():
            books.book.want({})
        world.silent = set(SOURCES)
        await world.live(10)
        assert world.recorded == []

    run_virtual(run())
