"""A sidecar's health with everything around it made of fakes."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.adapters.journal_activity import JournalActivity
from shared.adapters.machine import Machine
from shared.domain.feed_status import FeedStatus
from shared.domain.health_facts import Space
from shared.ports import StoreError
from shared.sidecar.health_looks import Looks
from shared.sidecar.health_service import HealthService
from shared.sidecar.services import Watched
from tests.unit.domain.health_samples import FEEDS


class Steady:
    """A service with figures of its own."""

    def __init__(self, name: str, **figures: Any) -> None:
        self.name = name
        self.figures = figures

    async def step(self) -> float:
        return 1.0

    def detail(self) -> Mapping[str, Any]:
        return self.figures


class Around:
    """What health looks at."""

    def __init__(self, folder: Path) -> None:
        self.feeds: FeedStatus = FEEDS
        self.database: Space | StoreError = Space(10**9, 8 * 10**9)
        self.database_asked = 0
        self.shipping = Steady("shipping", waiting=0, dead_letters=0, events=10)
        self.watched = [Watched(Steady("phase", phase=1)), Watched(self.shipping)]
        self.looks = Looks(
            lambda: self.feeds,
            180.0,
            JournalActivity(folder / "journal.sqlite"),
            Machine(folder),
            self._ask,
        )
        self.told: list[str] = []
        self.health = HealthService("home", self.looks, 3600.0, [self.told.append])
        self.health.watch(self.watched)

    async def _ask(self) -> Space:
        self.database_asked += 1
        if isinstance(self.database, StoreError):
            raise self.database
        return self.database

    async def run(self, seconds: float) -> None:
        """Let health look for so long."""
        until_s = time.time() + seconds
        while time.time() < until_s:
            await asyncio.sleep(await self.health.step())
