"""Quarters built here beside the source's own: a difference is mended by its minutes, or counted."""

import asyncio
from dataclasses import replace

import pytest

from shared.domain.bar_ledger import Outcome, Settled
from shared.domain.stored import Timeframe
from shared.ports import FeedUnavailable, UnknownSymbol
from shared.sidecar.feeds.own_bars import OwnBars
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import Books, History, bar

QUARTER = bar(0, timeframe=Timeframe.QUARTER)


class World:
    """A book that has just built a quarter of these minutes, and the source's own history."""

    def __init__(self) -> None:
        self.books = Books()
        self.history = History()
        self.own = OwnBars(self.books.book, self.history)

    async def build(self, *prices: str) -> list[Settled]:
        """Let a quarter be built of minutes of these prices, then all at 100; what settled."""
        self.books.book.want({"BTC-USDT": 60})
        self.books.fill_all()
        self.books.book.reported([bar(-1)])
        await asyncio.sleep(15 * 60)
        self.books.settled.clear()
        each = [*prices, *["100"] * (15 - len(prices))]
        self.books.book.reported([bar(minute, price) for minute, price in enumerate(each)])
        self.own.take(self.books.settled)
        return self.books.settled

    def has_own(self, *prices: str) -> None:
        """Let the source have a quarter of minutes of these prices, then all at 100."""
        each = [*prices, *["100"] * (15 - len(prices))]
        minutes = [bar(minute, price) for minute, price in enumerate(each)]
        values = [minute.close for minute in minutes]
        whole = QUARTER.__class__(
            QUARTER.series, QUARTER.open_ms, values[0], max(values), min(values), values[-1], QUARTER.volume * 15, True
        )
        self.history.bars_there = [whole, *minutes]

    def built(self) -> list[str]:
        book = self.books.book.book("BTC-USDT")
        assert book is not None
        return [str(each.high) for each in book.ledgers[Timeframe.QUARTER].window(1)]


def test_it_waits_for_late_trades_and_finds_them_alike(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        await world.build()
        world.has_own()
        assert world.own.name == "binance_comparison"
        await world.own.step()
        assert world.history.asked == []
        await asyncio.sleep(91)
        await world.own.step()
        assert [timeframe for _, timeframe, _ in world.history.asked] == [Timeframe.QUARTER]
        assert world.own.mismatches == {}
        await world.own.step()
        assert len(world.history.asked) == 1, "each once"

    run_virtual(use())


def test_a_minute_the_stream_had_wrong_is_mended(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        await world.build("100", "101")
        world.has_own("100", "105")
        await asyncio.sleep(91)
        await world.own.step()
        assert world.built() == ["105"]
        assert world.own.mismatches == {}

    run_virtual(use())


def test_what_its_minutes_do_not_mend_is_counted(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        await world.build()
        world.has_own("100", "105")
        world.history.bars_there = world.history.bars_there[:1]
        await asyncio.sleep(91)
        await world.own.step()
        assert world.own.mismatches == {"BTC-USDT": 1}
        assert world.own.detail()["mismatches"] == 1

    run_virtual(use())


def test_trouble_is_tried_again_an_unknown_symbol_is_not(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        await world.build()
        world.has_own()
        await asyncio.sleep(91)
        world.history.trouble["BTC-USDT"] = FeedUnavailable("binance: away")
        with pytest.raises(FeedUnavailable):
            await world.own.step()
        world.history.trouble["BTC-USDT"] = UnknownSymbol("binance: has no BTC-USDT")
        await world.own.step()
        assert world.books.book.refused == {"BTC-USDT": "binance: has no BTC-USDT"}
        await world.own.step()
        assert len(world.history.asked) == 2

    run_virtual(use())


def test_old_bars_minutes_and_revisions_are_not_compared(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        await world.build()
        world.has_own()
        await asyncio.sleep(91)
        await world.own.step()
        world.history.asked.clear()
        world.own.take(world.books.settled[:-1])
        world.own.take([replace(world.books.settled[-1], outcome=Outcome.REVISED)])
        await asyncio.sleep(61 * 60)
        world.own.take(world.books.settled)
        await world.own.step()
        assert world.history.asked == []

    run_virtual(use())
