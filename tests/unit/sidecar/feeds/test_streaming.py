"""What one source's stream says, read into its book; what people are told; a symbol that went silent."""

import asyncio

import pytest

from shared.sidecar.feeds.streaming import Streaming
from shared.wire.stream import Complaint, Link, Malformed, News, Reported
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import Books, bar
from tests.unit.sidecar.feeds.told_machine import Machine


class World:
    """A stream at work on a whole book."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.books = Books()
        self.books.book.want({"BTC-USDT": 60})
        self.said: list[str] = []
        self.streaming = Streaming(self.machine, self.books.book, self.said.append)  # type: ignore[arg-type]

    async def __aenter__(self) -> "World":
        self.books.fill_all()
        self.step = asyncio.create_task(self.streaming.step())
        await self.pass_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.step.cancel()
        await asyncio.wait((self.step,))

    async def pass_on(self, *news: News, s: float = 1.0) -> None:
        self.machine.news += news
        await asyncio.sleep(s)


def test_bars_reach_the_book_and_bad_records_are_counted(
    run_virtual: VirtualRun, caplog: pytest.LogCaptureFixture
) -> None:
    async def use() -> None:
        async with World() as world:
            await world.pass_on(Reported((bar(-1),)), Malformed("binance", "no price", "{}"))
            assert world.books.settled[-1].bar.open_ms <= bar(-1).open_ms
            assert world.books.book.heard_ms == {"BTC-USDT": bar(-1).open_ms}
            assert world.books.book.malformed == 1
            assert "binance: a record that cannot be read: no price: {}" in caplog.text
            await world.pass_on(Complaint("binance", "slow down"))
            assert world.said == ["binance: slow down"]

    run_virtual(use())


def test_moves_are_counted_and_people_are_told_of_those_that_matter(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with World() as world:
            for link, cause in (
                (Link.CONNECTING, ""),
                (Link.SUBSCRIBING, ""),
                (Link.LIVE, ""),
                (Link.BACKING_OFF, "closed with 1006"),
                (Link.CONNECTING, "closed with 1006"),
                (Link.BACKING_OFF, "refused"),
                (Link.REFUSED, "the key was refused"),
            ):
                world.machine.move(link, cause)
            await world.pass_on()
            assert world.said == [
                "binance: live",
                "binance: backing_off: closed with 1006",
                "binance: refused: the key was refused",
            ]
            streaming = world.streaming
            assert (streaming.link, streaming.cause) == (Link.REFUSED, "the key was refused")
            assert (streaming.connections, streaming.connections_last_minute) == (2, 2)
            await asyncio.sleep(60)
            assert (streaming.connections, streaming.connections_last_minute) == (2, 0)
            assert streaming.detail() == {"link": "refused", "cause": "the key was refused", "connections": 2}

    run_virtual(use())


def test_a_minute_under_way_is_not_final_after_a_break(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with World() as world:
            await asyncio.sleep(59)
            world.machine.move(Link.LIVE)
            await world.pass_on(Reported((bar(-1), bar(0, is_closed=False))))
            settled = len(world.books.settled)
            world.machine.move(Link.BACKING_OFF, "closed with 1006")
            world.machine.move(Link.LIVE)
            await asyncio.sleep(5)
            await world.pass_on(Reported((bar(1, is_closed=False),)))
            assert len(world.books.settled) == settled

    run_virtual(use())


def test_only_changes_of_what_is_wanted_reach_the_machine(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with World() as world:
            for symbols in ({"BTC-USDT"}, {"BTC-USDT"}, set(), {"BTC-USDT"}):
                world.streaming.want(frozenset(symbols))
            assert list(map(set, world.machine.wanted)) == [{"BTC-USDT"}, set(), {"BTC-USDT"}]
            world.streaming.allow(False)
            assert world.machine.allowed == [False]

    run_virtual(use())


def test_a_symbol_whose_minutes_come_from_history_alone_is_subscribed_to_anew(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with World() as world:
            fetched = world.streaming.fetched
            for minute in range(5):
                fetched("BTC-USDT", [bar(minute)])
            assert world.machine.renewed == [], "the stream is not live"
            world.machine.move(Link.LIVE)
            await world.pass_on()
            fetched("BTC-USDT", [bar(minute) for minute in range(-9, 1)])
            fetched("BTC-USDT", [])
            fetched("BTC-USDT", [bar(0)])
            assert world.machine.renewed == [], "minutes from before it was live say nothing, nor does an empty one"
            for minute in (1, 2, 3):
                fetched("BTC-USDT", [bar(minute)])
            assert world.machine.renewed == [frozenset({"BTC-USDT"})]
            assert world.said[-1] == "binance: BTC-USDT is silent though it trades: subscribed to anew"

    run_virtual(use())


def test_a_symbol_that_is_heard_is_not_silent(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        async with World() as world:
            world.machine.move(Link.LIVE)
            await world.pass_on()
            for minute in range(1, 7):
                await asyncio.sleep(60)
                world.streaming.fetched("BTC-USDT", [bar(minute - 1)])
                if minute % 2:
                    await world.pass_on(Reported((bar(minute - 1),)))
                world.streaming.fetched("BTC-USDT", [bar(minute - 2)])
            assert world.machine.renewed == []

    run_virtual(use())
