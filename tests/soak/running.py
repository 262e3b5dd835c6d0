"""All parts of a soak at work: Polygon with faults on a socket, the feeds of a sidecar on it, an outbox, a real Postgres."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.adapters.candle_outbox import CandleOutbox
from shared.adapters.postgres.address import Address
from shared.domain.feed_symbols import symbol_at
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.feeds import Feeds
from shared.sidecar.feeds.sources import VENUE_URL, open_sources
from shared.sidecar.services import Supervision
from shared.simulator.faults import Faults
from shared.simulator.generated_bars import GeneratedBars
from shared.simulator.source_server import SourceServer
from tests.feed_world import feeds_config
from tests.soak.random_faults import HOUR_S, random_faults
from tests.soak.store_in_thread import StoreInThread

START_S = 1_736_121_600.0  # 2025-01-06T00:00Z, a whole hour
# After the last fault something may still be refused for a quarter of an hour.
_PATIENCE_S = 3600.0
# The last fault begins so long before the end.
_CALM_S = 1800.0
_CANARY = "BTC-USDT"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        symbols: The canary is one of them.
        seed: Of prices and faults.
        faults_an_hour: Drawn for each hour.
    """

    hours: int
    symbols: int
    seed: int = 1
    faults_an_hour: float = 36.0

    @property
    def calm_s(self) -> float:
        """When the faults are over, UTC epoch seconds."""
        return self.end_s - _CALM_S

    @property
    def end_s(self) -> float:
        """When the run is, UTC epoch seconds."""
        return START_S + self.hours * HOUR_S

    @property
    def pairs(self) -> tuple[str, ...]:
        return (_CANARY, *(f"COIN{number:03}-USDT" for number in range(1, self.symbols)))


@dataclass(frozen=True)
class Running:
    """The parts, at work."""

    server: SourceServer
    feeds: Feeds
    supervision: Supervision
    store: StoreInThread

    @property
    def missing_minutes(self) -> int:
        """Minutes that are over and neither here nor verified empty."""
        missing = self.feeds.books["polygon"].missing()
        spans = (span for _, timeframe, span in missing if timeframe is Timeframe.MINUTE)
        return sum((span.until_ms - span.since_ms) // 60_000 for span in spans)

    async def all_stored(self) -> float | None:
        """Seconds until nothing is missing and everything is stored; None if that takes too long."""
        began_s = time.time()
        while not self.feeds.books["polygon"].is_whole or self.feeds.outbox.waiting:
            if time.time() - began_s > _PATIENCE_S:
                return None
            await asyncio.sleep(1.0)
        return time.time() - began_s


@asynccontextmanager
async def running(plan: Plan, folder: Path, address: Address) -> AsyncIterator[Running]:
    """Begin it all, and end it in good order.

    Args:
        folder: For the outbox.
        address: A database; its migrations have run.
    """
    config = feeds_config(sources=["polygon"], pairs=list(plan.pairs), canary=_CANARY)
    symbols = [symbol_at("polygon", pair) for pair in plan.pairs]
    script = random_faults(plan.seed, symbols, plan.calm_s - START_S, plan.faults_an_hour)
    server = SourceServer(GeneratedBars(symbols, seed=plan.seed), Faults(script))
    await server.start()
    sources = open_sources(config, {VENUE_URL: server.base_url}, random.Random(plan.seed))
    store = StoreInThread(address)
    outbox = CandleOutbox(folder / "outbox.sqlite")
    feeds = Feeds("soak", config, sources, outbox, store, _log.info)
    supervision = Supervision(feeds.services, _log.info)
    supervision.enter_phase(1)
    at_work = asyncio.create_task(supervision.run())
    try:
        yield Running(server, feeds, supervision, store)
    finally:
        supervision.stop()
        await at_work
        await feeds.close()
        outbox.close()
        store.close()
        await server.stop()
