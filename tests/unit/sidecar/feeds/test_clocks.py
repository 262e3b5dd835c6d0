"""Each source's clock: what is learnt of it, and what tells nothing."""

import asyncio
import time

import pytest

from shared.domain.clock_skew import ClockSkew
from shared.sidecar.feeds.clocks import SourceClock, here_ms
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import History


class WholeSeconds(History):
    """Tells whole seconds, cut off, as Polygon does."""

    async def server_time_ms(self) -> int:
        return await super().server_time_ms() // 1000 * 1000


def test_a_skew_is_measured_within_the_way_there_and_back(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        history, skew = History(), ClockSkew()
        clock = SourceClock(history, skew, lambda: True)
        assert (clock.name, clock.detail()) == ("binance_clock", {})
        history.skew_ms = 40_000
        assert await clock.step() == 60
        assert skew.offset_ms == pytest.approx(40_000, abs=6)
        assert clock.detail() == {"skew_ms": pytest.approx(40_000, abs=6)}
        assert skew.source_time_ms(here_ms()) == pytest.approx(time.time() * 1000 + 40_000, abs=6)

    run_virtual(use())


def test_a_clock_of_whole_seconds_is_not_taken_for_one_that_is_late(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        skew = ClockSkew()
        clock = SourceClock(WholeSeconds(), skew, lambda: True)
        for _ in range(8):
            await clock.step()
            await asyncio.sleep(60.37)
        assert skew.error_ms is not None
        assert skew.error_ms < 250
        assert skew.offset_ms == pytest.approx(0, abs=250)

    run_virtual(use())


def test_an_answer_that_waited_tells_nothing(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        history, skew = History(), ClockSkew()
        history.takes_s = 1.5
        await SourceClock(history, skew, lambda: True).step()
        assert skew.offset_ms is None

    run_virtual(use())


def test_a_source_that_nothing_is_wanted_of_is_left_in_peace(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        skew = ClockSkew()
        assert await SourceClock(History(), skew, lambda: False).step() == 1.0
        assert skew.offset_ms is None

    run_virtual(use())
