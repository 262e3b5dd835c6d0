"""What bots are told: windows of one source and whole, then each candle once, in order, whatever happens to the source."""

import asyncio

import pytest

from shared.domain.bars import Span
from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.serving import Standing
from shared.wire.feed_messages import FeedAlert, FeedWindow, Subscription
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, bar
from tests.unit.sidecar.feeds.serving_samples import MINUTES, Ear, Served, told


def test_a_window_is_without_candles_until_it_is_whole(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.serving.listen(ear, [MINUTES])
        (window,) = ear.heard
        assert isinstance(window, FeedWindow)
        assert (window.source, window.quote, window.generation, window.candles) == (None, None, 1, ())
        served.stream("binance", -1)
        assert told(ear.take()[1:]) == [], "one minute is no window"
        served.fill("binance")
        assert told(ear.take()) == [("binance", 2, -60, -1)]

    run_virtual(use())


def test_each_candle_that_closes_is_told_once_and_in_order(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        served.serving.listen(ear, [MINUTES])
        assert told(ear.take()) == [("binance", 1, -60, -1)]
        await asyncio.sleep(181)
        served.stream("binance", 1, 0, 0, 1, 2)
        assert told(ear.take()) == [(0, "100", 0), (1, "100", 0), (2, "100", 0)]
        served.serving.look()
        assert ear.take() == []

    run_virtual(use())


def test_a_revision_is_told_while_it_is_in_the_window(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(wanted=120), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        served.serving.listen(ear, [MINUTES])
        ear.take()
        served.stream("binance", -1, -60, -61, price="101")
        assert told(ear.take()) == [(-1, "101", 1), (-60, "101", 1)]

    run_virtual(use())


def test_generations_grow_and_each_listener_has_its_own(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, first, second = Served(), Ear(), Ear()
        served.fill("binance")
        served.serving.listen(first, [MINUTES])
        served.serving.listen(second, [MINUTES])
        assert told(first.take() + second.take()) == [("binance", 1, -60, -2), ("binance", 2, -60, -2)]
        await asyncio.sleep(61)
        served.stream("binance", -1)
        assert first.heard[0].generation == 1
        assert second.heard[0].generation == 2
        assert served.serving.window(MINUTES).generation == 2

    run_virtual(use())


def test_a_switch_waits_for_a_whole_window_and_splices_nothing(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        served.serving.listen(ear, [MINUTES])
        ear.take()
        served.in_use = "polygon"
        served.serving.look()
        served.stream("polygon", -1, price="99")
        served.stream("binance", -1, price="101")
        assert ear.take() == [], "the old window stays, and nothing is added to it"
        served.fill("polygon", price="99")
        (window,) = ear.take()
        assert isinstance(window, FeedWindow)
        assert (window.source, window.quote, window.generation) == ("polygon", "USD", 2)
        assert {str(candle.close) for candle in window.candles} == {"99"}

    run_virtual(use())


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_same_source_in_use_again_has_lost_no_candle(run_virtual: VirtualRun, is_streamed: bool) -> None:
    """Its ledger went on while nobody was told."""

    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        served.serving.listen(ear, [MINUTES])
        ear.take()
        served.in_use = None
        await asyncio.sleep(61)
        served.stream("binance", 0)
        assert ear.take() == []
        served.in_use = "binance"
        if is_streamed:
            await asyncio.sleep(60)
            served.stream("binance", 1)
            assert told(ear.take()) == [("binance", 2, -58, 1)]
        else:
            served.serving.look()
            assert told(ear.take()) == [("binance", 2, -59, 0)]

    run_virtual(use())


def test_a_book_begun_anew_tells_nothing_twice(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        served.serving.listen(ear, [MINUTES])
        ear.take()
        served.books["binance"].want({"BTC-USDT": 500})
        await asyncio.sleep(61)
        minutes = range(-600, 0)
        for part in (minutes[:580], minutes[580:]):
            assert told(ear.take()) == [], "the old window is as good as what has come so far"
            span = Span(START_MS + part[0] * MINUTE_MS, START_MS + (part[-1] + 1) * MINUTE_MS)
            served.books["binance"].filled("BTC-USDT", Timeframe.MINUTE, span, list(map(bar, part)))
        assert told(ear.take()) == [("binance", 2, -60, -1)]
        served.stream("binance", 0)
        assert told(ear.take()) == [(0, "100", 0)]

    run_virtual(use())


def test_a_hole_of_the_source_in_use_keeps_the_window_and_goes_on_after_it(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        served.serving.listen(ear, [MINUTES])
        ear.take()
        await asyncio.sleep(240)
        served.stream("binance", 2)
        served.serving.look()
        assert ear.take() == []
        served.fill("binance")
        assert told(ear.take()) == [(minute, "100", 0) for minute in range(3)]

    run_virtual(use())


def test_longer_candles_are_told_as_they_are_built(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        served.serving.listen(ear, [Subscription("BTC-USDT", Timeframe.QUARTER, 4)])
        assert told(ear.take()) == [("binance", 1, -60, -15)]
        await asyncio.sleep(15 * 60)
        served.stream("binance", *range(15))
        assert told(ear.take()) == [(0, "100", 0)]
        served.stream("binance", 3, price="120")
        (revised,) = ear.take()
        assert (str(revised.candle.high), revised.revision) == ("120", 1)

    run_virtual(use())


def test_modes_are_told_once_each(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.serving.listen(ear, [MINUTES, Subscription("BTC-USDT", Timeframe.HOUR, 1)])
        ear.take()
        served.serving.look()
        assert ear.take() == [], "the window said so"
        served.standing = Standing(Mode.STALE, "too old")
        served.serving.look()
        served.serving.look()
        assert told(ear.take()) == [("stale", "too old")], "once a pair, whatever the intervals"
        served.standing = Standing(Mode.LIVE)
        served.serving.look()
        assert told(ear.take()) == [("live", "")]

    run_virtual(use())


def test_what_is_asked_for_anew_is_kept_and_what_is_not_has_ended(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        served, ear = Served(), Ear()
        served.fill("binance")
        served.stream("binance", -1)
        hours = Subscription("BTC-USDT", Timeframe.HOUR, 1)
        served.serving.listen(ear, [MINUTES])
        ear.take()
        served.serving.listen(ear, [MINUTES, hours])
        assert [message.interval for message in ear.take()] == [Timeframe.HOUR]
        assert served.serving.wanted == {"BTC-USDT": 60}
        served.serving.listen(ear, [hours])
        assert served.serving.wanted == {"BTC-USDT": 1}
        await asyncio.sleep(61)
        served.stream("binance", 0)
        assert ear.take() == []
        longer = Subscription("BTC-USDT", Timeframe.HOUR, 61)
        served.serving.listen(ear, [longer])
        assert ear.heard[0].candles == (), "its book is too short"
        served.serving.tell_all(FeedAlert("an alert"))
        assert ear.take()[-1] == FeedAlert("an alert")
        served.serving.leave(ear)
        served.serving.tell_all(FeedAlert("another"))
        assert ear.take() == []
        assert served.serving.wanted == {}

    run_virtual(use())
