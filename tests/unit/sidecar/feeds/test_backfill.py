"""What a stream left out is asked of the history: the important first, in pieces, and one symbol's trouble is no other's."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from shared.domain.bars import Bar, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedClosed, FeedRefused, FeedUnavailable, UnknownSymbol
from shared.sidecar.feeds.backfill import Backfill
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, Books, History, bar

SYMBOLS = ("BTC-USDT", "ETH-USDT", "SOL-USDT")


class World:
    """A book of three symbols with a history that has all of their bars, and what it was told."""

    def __init__(self, kept: int = 60, last_good: dict[Timeframe, int] | None = None) -> None:
        self.books = Books(last_good=last_good)
        self.history = History()
        self.history.bars_there = [
            bar(minute, symbol=symbol, timeframe=timeframe)
            for symbol in SYMBOLS
            for timeframe in Timeframe
            for minute in range(-kept * timeframe.seconds // 60, 30, timeframe.seconds // 60)
        ]
        self.left_out: frozenset[str] = frozenset()
        self.fetched: list[tuple[str, int]] = []
        self.limits = 0
        self.backfill = Backfill(
            self.books.book, self.history, lambda: SYMBOLS[::-1], lambda: self.left_out, self._fetched, self._limited
        )
        self.books.book.want(dict.fromkeys(SYMBOLS, kept))

    def _fetched(self, symbol: str, minutes: Sequence[Bar]) -> None:
        self.fetched.append((symbol, len(minutes)))

    def _limited(self) -> None:
        self.limits += 1

    def asked(self) -> list[tuple[str, Timeframe]]:
        """What the history was asked since the last time."""
        asked, self.history.asked = self.history.asked, []
        return [(symbol, timeframe) for symbol, timeframe, _ in asked]


def test_all_is_fetched_the_first_symbols_first_and_nothing_twice(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        assert world.backfill.name == "binance_history"
        await asyncio.sleep(21)  # the last minute of an hour has had its time
        await world.backfill.step()
        longest_first = (Timeframe.HOUR, Timeframe.QUARTER, Timeframe.MINUTE)
        assert world.asked() == [(symbol, each) for symbol in SYMBOLS[::-1] for each in longest_first]
        assert world.books.book.is_whole
        assert world.fetched == [(symbol, 60) for symbol in SYMBOLS[::-1]]
        await world.backfill.step()
        assert world.asked() == []
        assert world.backfill.detail() == {"answers": 9, "missing": 0}
        await asyncio.sleep(60)
        await world.backfill.step()
        assert {timeframe for _, timeframe in world.asked()} == {Timeframe.MINUTE}, "what is built is not asked for"

    run_virtual(use())


def test_a_long_absence_comes_back_in_pieces(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World(last_good={Timeframe.MINUTE: START_MS - 12_000 * MINUTE_MS})
        world.books.book.want({"BTC-USDT": 60})
        for _ in range(4):
            await world.backfill.step()
        spans = [span for _, timeframe, span in world.history.asked if timeframe is Timeframe.MINUTE]
        assert [(span.until_ms - span.since_ms) // MINUTE_MS for span in spans] == [5000, 5000, 1999]
        assert [before.until_ms for before in spans[:-1]] == [after.since_ms for after in spans[1:]]
        assert world.books.book.is_whole

    run_virtual(use())


def test_at_most_four_answers_are_on_their_way(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        world.history.takes_s = 1.0
        step = asyncio.create_task(world.backfill.step())
        await asyncio.sleep(0.5)
        assert len(world.history.asked) == 4
        await step

    run_virtual(use())


def test_an_unknown_symbol_is_refused_and_holds_up_nobody(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        world.history.trouble["SOL-USDT"] = UnknownSymbol("binance: has no SOL-USDT")
        await world.backfill.step()
        assert world.books.book.refused == {"SOL-USDT": "binance: has no SOL-USDT"}
        assert world.books.book.lacks("SOL-USDT")
        assert world.books.book.is_whole
        world.asked()
        await asyncio.sleep(120)
        await world.backfill.step()
        assert {symbol for symbol, _ in world.asked()} == {"BTC-USDT", "ETH-USDT"}

    run_virtual(use())


@pytest.mark.parametrize("trouble", [FeedUnavailable("binance: HTTP 500"), FeedRefused("binance: HTTP 400")])
def test_one_symbols_trouble_is_told_after_the_others_have_come(run_virtual: VirtualRun, trouble: Exception) -> None:
    async def use() -> None:
        world = World()
        world.history.trouble["SOL-USDT"] = trouble  # type: ignore[assignment]
        with pytest.raises(type(trouble), match="HTTP"):
            await world.backfill.step()
        assert {symbol for symbol, _, _ in world.books.book.missing()} == {"SOL-USDT"}
        assert world.limits == 0

    run_virtual(use())


@pytest.mark.parametrize(
    ("trouble", "limits"), [(FeedClosed("binance: HTTP 451"), 0), (FeedUnavailable("binance: HTTP 429", 30.0), 1)]
)
def test_what_concerns_the_source_ends_the_step_at_once(
    run_virtual: VirtualRun, trouble: Exception, limits: int
) -> None:
    async def use() -> None:
        world = World()
        world.history.trouble["SOL-USDT"] = trouble  # type: ignore[assignment]
        with pytest.raises(type(trouble), match="HTTP"):
            await world.backfill.step()
        assert len(world.history.asked) <= 4, "the others are not asked into the same wall"
        assert world.limits == limits, "four at once are one limit"

    run_virtual(use())


def test_an_answer_that_left_a_hole_is_asked_for_again_after_half_a_minute(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        world.books.book.want({"BTC-USDT": 60})
        world.history.bars_there.append(bar(-30, "-5"))
        world.history.bars_there.remove(bar(-30))
        await world.backfill.step()
        hole = ("BTC-USDT", Timeframe.MINUTE, Span(START_MS - 30 * MINUTE_MS, START_MS - 29 * MINUTE_MS))
        assert list(world.books.book.missing()) == [hole]
        await world.backfill.step()
        world.asked()
        began_s = time.time()
        while hole not in world.history.asked:
            await asyncio.sleep(1)
            await world.backfill.step()
        assert 29 <= time.time() - began_s <= 32

    run_virtual(use())


def test_minutes_that_are_left_out_are_not_asked_for_longer_ones_are(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        world.left_out = frozenset({"ETH-USDT"})
        await world.backfill.step()
        asked = world.asked()
        assert ("ETH-USDT", Timeframe.MINUTE) not in asked
        assert ("ETH-USDT", Timeframe.HOUR) in asked
        world.left_out = frozenset()
        await world.backfill.step()
        assert world.asked() == [("ETH-USDT", Timeframe.MINUTE)]

    run_virtual(use())


def test_an_answer_that_waited_for_the_budget_is_a_limit(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        world = World()
        world.books.book.want({"BTC-USDT": 60})
        world.history.takes_s = 21.0
        await world.backfill.step()
        assert world.limits == 3

    run_virtual(use())
