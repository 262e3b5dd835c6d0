"""Settled bars on their way out: none is lost while the outbox cannot be written, and what is untrue goes to the store."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.adapters.candle_outbox import CandleOutbox, OutboxError
from shared.adapters.memory_store import MemoryStore
from shared.domain.bar_checks import Defect
from shared.domain.bar_ledger import Outcome, Settled
from shared.domain.feed_records import QuarantinedBar
from shared.domain.stored import StoredCandle
from shared.ports import StoreUnavailable
from shared.sidecar.feeds import intake
from shared.sidecar.feeds.intake import Intake, Quarantine
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import bar


class Disk(CandleOutbox):
    """An outbox on a disk that may be full."""

    is_full = False

    def append(self, candles: Sequence[StoredCandle]) -> None:
        if self.is_full:
            raise OutboxError("the disk: no space left")
        super().append(candles)


def settled(minute: int, outcome: Outcome = Outcome.NEW, price: str = "100") -> Settled:
    return Settled(bar(minute, price), outcome, int(outcome is Outcome.REVISED))


def waiting(outbox: CandleOutbox) -> list[str]:
    """Prices of the candles in it."""
    batch = outbox.next(1000)
    return [] if batch is None else [str(candle.close) for candle in batch.candles]


def test_what_settled_is_kept_an_empty_minute_is_nobodys_candle(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        outbox = Disk(tmp_path / "outbox.sqlite")
        taking = Intake(outbox, lambda: None)
        taking.take([settled(0), settled(1, Outcome.EMPTY), settled(2, price="102")])
        assert (taking.detail(), waiting(outbox)) == ({"held": 2}, [])
        await taking.step()
        assert (taking.detail(), waiting(outbox)) == ({"held": 0}, ["100", "102"])
        taking.take([settled(0, Outcome.REVISED, "101")])
        await taking.step()
        assert waiting(outbox) == ["102", "101"], "a revision takes its place"

    run_virtual(use())


def test_nothing_is_lost_while_the_outbox_cannot_be_written(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        outbox = Disk(tmp_path / "outbox.sqlite")
        taking = Intake(outbox, lambda: pytest.fail("nothing is let go"))
        outbox.is_full = True
        for minute in range(3):
            taking.take([settled(minute, price=f"10{minute}")])
            with pytest.raises(OutboxError):
                await taking.step()
        outbox.is_full = False
        await taking.step()
        assert waiting(outbox) == ["100", "101", "102"]
        taking.take([settled(3, price="103")])
        taking.flush()
        assert waiting(outbox)[-1] == "103", "as at the end of the sidecar"

    run_virtual(use())


def test_more_than_can_be_held_is_let_go_and_begun_anew(
    run_virtual: VirtualRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_MOST_HELD", 10)

    async def use() -> None:
        outbox = Disk(tmp_path / "outbox.sqlite")
        begun: list[int] = []
        taking = Intake(outbox, lambda: begun.append(len(waiting(outbox))))
        outbox.is_full = True
        for first in (0, 6, 12, 18):
            taking.take([settled(minute) for minute in range(first, first + 6)])
            with pytest.raises(OutboxError):
                await taking.step()
        assert begun == [], "there is nowhere to put it yet"
        assert taking.detail() == {"held": 12}
        outbox.is_full = False
        await taking.step()
        assert begun == [12], "after what was held has been kept"
        taking.take([settled(12)])
        await taking.step()
        assert (begun, len(waiting(outbox))) == ([12], 13)

    run_virtual(use())


class AwayStore(MemoryStore):
    """A store that may be away. `asked`: sizes of what it was asked to keep."""

    is_away = False

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []

    async def quarantine(self, bars: Sequence[QuarantinedBar]) -> None:
        self.asked.append(len(bars))
        if self.is_away:
            raise StoreUnavailable("the store: away")
        await super().quarantine(bars)


def test_bars_in_quarantine_reach_the_store_in_batches(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        store = AwayStore()
        quarantine = Quarantine(store)
        await quarantine.step()
        assert store.asked == []
        for minute in range(700):
            quarantine.take(bar(minute, "-5"), Defect.NOT_POSITIVE)
        store.is_away = True
        with pytest.raises(StoreUnavailable):
            await quarantine.step()
        assert quarantine.detail() == {"held": 700}
        store.is_away = False
        await quarantine.step()
        await quarantine.step()
        assert store.asked == [500, 500, 200]
        assert len(store.quarantined) == 700
        assert {each.reason for each in store.quarantined.values()} == {Defect.NOT_POSITIVE}

    run_virtual(use())


def test_a_source_that_says_nothing_true_fills_no_memory(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        quarantine = Quarantine(MemoryStore())
        for minute in range(10_001):
            quarantine.take(bar(minute, "-5"), Defect.NOT_POSITIVE)
        assert quarantine.detail() == {"held": 10_000}

    run_virtual(use())
