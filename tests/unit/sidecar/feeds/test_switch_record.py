"""Changes of source reach the store once, whatever the store does, and the choice never waits for it."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from shared.adapters.memory_store import MemoryStore
from shared.domain.feed_records import FeedSwitch
from shared.ports import StoreUnavailable
from shared.sidecar.feeds.switch_record import SwitchRecord
from shared.sidecar.services import Supervision
from tests.conftest import VirtualRun


class AwayStore(MemoryStore):
    """A store that may be away.

    Attributes:
        asked: Changes it was told of, each time.
    """

    is_away = False
    answer_is_lost = False

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[FeedSwitch] = []

    async def record_switch(self, switch: FeedSwitch) -> None:
        self.asked.append(switch)
        if not self.is_away:
            await super().record_switch(switch)
        if self.is_away or self.answer_is_lost:
            raise StoreUnavailable("the store: away")


def switch(number: int) -> FeedSwitch:
    at = datetime.fromtimestamp(time.time() + number, UTC)
    return FeedSwitch("home", at, "polygon", "binance", f"reason {number}")


def test_each_is_recorded_once_and_in_order(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        store = AwayStore()
        record = SwitchRecord(store)
        switches = [switch(number) for number in range(3)]
        store.is_away = True
        record.take(switches[0])
        with pytest.raises(StoreUnavailable):
            await record.step()
        record.take(switches[1])
        assert record.detail() == {"held": 2}
        store.is_away = False
        await record.step()
        assert list(store.switches.values()) == switches[:2]
        store.asked.clear()
        record.take(switches[2])
        await record.step()
        await record.step()
        assert store.asked == switches[2:]

    run_virtual(use())


def test_one_whose_answer_was_lost_is_sent_again_and_there_once(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        store = AwayStore()
        record = SwitchRecord(store)
        store.answer_is_lost = True
        record.take(switch(0))
        with pytest.raises(StoreUnavailable):
            await record.step()
        store.answer_is_lost = False
        await record.step()
        assert len(store.asked) == 2
        assert len(store.switches) == 1

    run_virtual(use())


def test_beyond_what_is_held_the_oldest_goes_also_while_it_is_being_sent(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        store = AwayStore()
        record = SwitchRecord(store)
        recorded = store.record_switch

        async def slowly(each: FeedSwitch) -> None:
            await asyncio.sleep(1)
            await recorded(each)

        store.record_switch = slowly  # type: ignore[method-assign]
        switches = [switch(number) for number in range(1001)]
        for each in switches[:1000]:
            record.take(each)
        step = asyncio.create_task(record.step())
        await asyncio.sleep(0.5)
        record.take(switches[1000])
        await step
        assert list(store.switches.values()) == switches

    run_virtual(use())


def test_it_is_tried_again_by_its_supervision(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        store = AwayStore()
        store.is_away = True
        record = SwitchRecord(store)
        record.take(switch(0))
        supervision = Supervision([record], lambda line: None)
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(300)
        store.is_away = False
        await asyncio.sleep(61)
        supervision.stop()
        await running
        assert len(store.switches) == 1

    run_virtual(use())
