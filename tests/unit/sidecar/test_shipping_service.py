"""Shipping as a service: it waits for a journal that is not there yet, and misses one that was."""

import asyncio
from pathlib import Path

import pytest

from shared.adapters.memory_store import MemoryStore
from shared.ports import JournalError
from shared.sidecar.sidecar import JOURNAL, ShippingService
from tests.journals import write_journal

RUN_ID = "8a7f0a3d6c1b4e7e9f0011223344aabb"


def test_a_bot_that_has_not_run_yet_is_no_trouble_and_a_journal_that_is_gone_is(tmp_path: Path) -> None:
    async def use() -> None:
        service = ShippingService(tmp_path, MemoryStore(), 7.0, lambda line: None)
        assert await service.step() == 7.0
        assert service.detail()["events"] == 0
        journal = tmp_path / JOURNAL
        journal.parent.mkdir()
        write_journal(journal, RUN_ID, 20)
        await service.step()
        assert service.detail()["events"] + service.detail()["dead_letters"] == 20
        for file in journal.parent.glob("*.sqlite*"):
            file.unlink()
        with pytest.raises(JournalError, match="there is no journal here"):
            await service.step()

    asyncio.run(use())
