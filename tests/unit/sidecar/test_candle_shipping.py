"""Candles leave the outbox for the store: all of them, once, and one bad one holds up nobody."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.candle_outbox import CandleOutbox
from shared.adapters.memory_store import MemoryStore
from shared.domain.stored import StoredCandle, Timeframe
from shared.ports import StoreError, StoreUnavailable
from shared.sidecar.candle_shipping import BATCH_CANDLES, REFUSED, CandleShipping
from tests.contract.store_samples import NOON, D, candle


class Scripted(MemoryStore):
    """A store in memory that fails as it is told, before it takes candles or after."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.before: list[Exception] = []
        self.after: list[Exception] = []

    async def put_candles(self, candles: Sequence[StoredCandle]) -> None:
        self.sizes.append(len(candles))
        if self.before:
            raise self.before.pop()
        await super().put_candles(candles)
        if self.after:
            raise self.after.pop()

    def minutes(self) -> list[StoredCandle]:
        return asyncio.run(self.last_candles("BTC-USDT", Timeframe.MINUTE, 10**6, "polygon"))


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[CandleOutbox]:
    outbox = CandleOutbox(tmp_path / "candles.sqlite")
    yield outbox
    outbox.close()


def minutes(count: int) -> list[StoredCandle]:
    return [candle(NOON + timedelta(minutes=number)) for number in range(count)]


def test_all_of_them_in_bounded_batches_and_bounded_steps(outbox: CandleOutbox) -> None:
    candles, store = minutes(40 * BATCH_CANDLES + 7), Scripted()
    outbox.append(candles)
    shipping = CandleShipping(outbox, store)
    assert asyncio.run(shipping.step()) == 0.0, "there is more"
    assert shipping.detail() == {"stored": 40 * BATCH_CANDLES, "refused": 0, "waiting": 7}
    assert asyncio.run(shipping.step()) == 1.0
    assert store.sizes == [BATCH_CANDLES] * 40 + [7]
    assert store.minutes() == candles
    assert asyncio.run(shipping.step()) == 1.0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", [StoreUnavailable("gone"), StoreError("full")])
def test_trouble_keeps_them_and_the_next_step_goes_on(outbox: CandleOutbox, when: str, error: StoreError) -> None:
    candles, store = minutes(BATCH_CANDLES + 3), Scripted()
    outbox.append(candles)
    shipping = CandleShipping(outbox, store)
    getattr(store, when).append(error)
    with pytest.raises(type(error)):
        asyncio.run(shipping.step())
    assert outbox.waiting == len(candles)
    asyncio.run(shipping.step())
    assert outbox.waiting == 0
    assert store.minutes() == candles
    assert set(store.revisions.values()) == {0}, "sent again is no revision"


@given(bad=st.sets(st.integers(0, 29), max_size=5), count=st.integers(1, 30))
def test_what_the_store_refuses_is_kept_apart_and_its_neighbours_arrive(bad: set[int], count: int) -> None:
    outbox, store = CandleOutbox(Path(":memory:")), Scripted()
    opens = [NOON + timedelta(minutes=number) for number in range(count)]
    outbox.append([candle(at, high=D(1)) if number in bad else candle(at) for number, at in enumerate(opens)])
    shipping = CandleShipping(outbox, store)
    assert asyncio.run(shipping.step()) == 1.0
    refused = [at for number, at in enumerate(opens) if number in bad]
    assert store.minutes() == [candle(at) for at in opens if at not in refused]
    assert [bar.opened_at for bar in store.quarantined.values()] == refused
    assert all(bar.reason == REFUSED and bar.raw["high"] == "1" for bar in store.quarantined.values())
    assert all("contains its prices" in bar.raw["refusal"] for bar in store.quarantined.values())
    assert shipping.detail() == {"stored": count - len(refused), "refused": len(refused), "waiting": 0}
    outbox.close()


def test_a_candle_that_was_revised_on_its_way_arrives_in_both_versions(outbox: CandleOutbox) -> None:
    newer = candle(NOON, volume=D(9))

    class Meanwhile(Scripted):
        async def put_candles(self, candles: Sequence[StoredCandle]) -> None:
            if not self.sizes:
                outbox.append([newer])
            await super().put_candles(candles)

    store = Meanwhile()
    outbox.append(minutes(2))
    asyncio.run(CandleShipping(outbox, store).step())
    assert store.minutes() == [newer, minutes(2)[1]]
    assert sorted(store.revisions.values()) == [0, 1]
