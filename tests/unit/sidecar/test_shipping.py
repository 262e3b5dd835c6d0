"""Shipping a journal: all of it, once, whatever the store answers."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.adapters.memory_store import MemoryStore
from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain.shipping import JournalBatch, Shipped
from shared.ports import JournalError, StoreUnavailable
from shared.sidecar.shipping import Shipping
from tests.journals import write_journal

RUN = "0123456789abcdef0123456789abcdef"


class Scripted(MemoryStore):
    """A store in memory that takes ten events at once, and may answer as it is told."""

    def __init__(self) -> None:
        super().__init__(batch_limit=10)
        self.batches: list[JournalBatch] = []
        self.troubles: dict[int, Callable[[JournalBatch], None]] = {}

    async def ship(self, batch: JournalBatch) -> Shipped:
        self.batches.append(batch)
        trouble = self.troubles.pop(len(self.batches), None)
        if trouble is not None:
            trouble(batch)
        return await super().ship(batch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_all_of_it_in_bounded_batches(path: Path) -> None:
    write_journal(path, RUN, 95)
    store = Scripted()
    waiting: list[int] = []
    shipping = Shipping(path, "bot", store, lambda shipments: waiting.append(shipments.waiting))
    asyncio.run(shipping.catch_up())
    assert waiting == [85, 75, 65, 55, 45, 35, 25, 15, 5, 0]
    assert [len(batch) for batch in store.batches] == [10] * 9 + [5]
    assert [seq for batch in store.batches for seq in batch.seqs] == list(range(1, 96))
    assert (shipping.shipments.events, shipping.shipments.dead, shipping.shipments.waiting) == (95, 0, 0)


def test_the_next_call_goes_on_where_the_last_one_ended(path: Path) -> None:
    write_journal(path, RUN, 15)
    store = Scripted()
    shipping = Shipping(path, "bot", store)
    asyncio.run(shipping.catch_up())
    asyncio.run(shipping.catch_up())
    assert len(store.batches) == 2
    write_journal(path, RUN.replace("0", "1"), 5)
    asyncio.run(shipping.catch_up())
    assert list(store.batches[-1].seqs) == list(range(16, 21))


def test_a_lost_acknowledgement_ships_nothing_twice(path: Path) -> None:
    write_journal(path, RUN, 40)
    store = Scripted()

    def commits_and_dies(batch: JournalBatch) -> None:
        asyncio.ensure_future(MemoryStore.ship(store, batch)).add_done_callback(lambda done: done.result())
        raise StoreUnavailable("gone")

    store.troubles[2] = commits_and_dies
    shipping = Shipping(path, "bot", store)

    async def main() -> None:
        with pytest.raises(StoreUnavailable):
            await shipping.catch_up()
        await shipping.catch_up()

    asyncio.run(main())
    assert [batch.after_seq for batch in store.batches] == [0, 10, 20, 30]
    assert asyncio.run(store.cursor(RUN)) == 40


class Overtaking(Scripted):
    """The first of two batches on their way takes longer, so that the second is there before it."""

    async def ship(self, batch: JournalBatch) -> Shipped:
        if len(self.batches) % 2 == 0:
            self.batches.append(batch)
            await asyncio.sleep(0.01)
            return await MemoryStore.ship(self, batch)
        return await super().ship(batch)


def test_a_batch_that_overtakes_the_one_before_it_is_sent_again(path: Path) -> None:
    write_journal(path, RUN, 40)
    store = Overtaking()
    shipping = Shipping(path, "bot", store)
    asyncio.run(shipping.catch_up())
    assert [batch.after_seq for batch in store.batches][:4] == [0, 10, 20, 10]
    assert (shipping.shipments.events, shipping.shipments.waiting) == (40, 0)
    assert asyncio.run(store.cursor(RUN)) == 40


def test_another_sidecar_beside_us(path: Path) -> None:
    write_journal(path, RUN, 40)
    store = Scripted()
    ours, other = Shipping(path, "bot", store), Shipping(path, "bot", store)

    async def main() -> None:
        await asyncio.gather(ours.catch_up(), other.catch_up())

    asyncio.run(main())
    assert asyncio.run(store.cursor(RUN)) == 40
    assert ours.shipments.events + other.shipments.events == 40


def test_nothing_is_in_the_journal_yet(path: Path) -> None:
    SqliteJournal(path, RUN).close()
    shipping = Shipping(path, "bot", Scripted())
    asyncio.run(shipping.catch_up())
    write_journal(path, RUN, 3)
    asyncio.run(shipping.catch_up())
    assert shipping.shipments.events == 3


def test_a_journal_begun_anew_is_another_one(path: Path) -> None:
    store = Scripted()
    shipping = Shipping(path, "bot", store)
    write_journal(path, RUN, 30)
    asyncio.run(shipping.catch_up())
    path.unlink()
    write_journal(path, "f" * 32, 20)
    asyncio.run(shipping.catch_up())
    assert asyncio.run(store.cursor(RUN)) == 30
    assert asyncio.run(store.cursor("f" * 32)) == 20


def test_an_older_copy_of_the_journal_is_refused(path: Path) -> None:
    store = Scripted()
    write_journal(path, RUN, 30)
    asyncio.run(Shipping(path, "bot", store).catch_up())
    path.unlink()
    write_journal(path, RUN, 20)
    with pytest.raises(JournalError, match="ends at event 20, but 30 were shipped"):
        asyncio.run(Shipping(path, "bot", store).catch_up())
