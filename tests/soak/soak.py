"""The run: Polygon with faults on a socket, the feeds of a sidecar on it, a real Postgres, and a clock that jumps."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.adapters.candle_outbox import CandleOutbox
from shared.adapters.postgres.address import Address
from shared.domain.feed_symbols import symbol_at
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.feeds import Feeds
from shared.sidecar.feeds.sources import VENUE_URL, open_sources
from shared.sidecar.feeds.wanted import RECORDED_BARS
from shared.sidecar.services import Supervision
from shared.simulator.egress import EgressGuard
from shared.simulator.faults import Faults
from shared.simulator.generated_bars import GeneratedBars
from shared.simulator.source_server import SourceServer
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, real_time, virtual_time
from tests.feed_world import feeds_config
from tests.soak.random_faults import HOUR_S, random_faults
from tests.soak.report import Soak
from tests.soak.store_in_thread import StoreInThread
from tests.soak.truth import Found, compare

START_S = 1_736_121_600.0  # 2025-01-06T00:00Z, a whole hour
# The last fault begins so long before the end.
_CALM_S = 1800.0
# After the last fault something may still be refused for a quarter of an hour.
_PATIENCE_S = 3600.0
_CANARY = "BTC-USDT"
_MB = 1024 * 1024


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        symbols: The canary is one of them.
        faults_an_hour: Drawn for each hour.
    """

    hours: int
    symbols: int
    seed: int = 1
    faults_an_hour: float = 36.0

    @property
    def pairs(self) -> tuple[str, ...]:
        return (_CANARY, *(f"COIN{number:03}-USDT" for number in range(1, self.symbols)))


@dataclass(frozen=True)
class _Run:
    server: SourceServer
    faults: Faults
    feeds: Feeds
    supervision: Supervision
    store: StoreInThread


def soak(plan: Plan, folder: Path, address: Address, told: Callable[[str], None]) -> Soak:
    """Run it and look at what is in the store.

    Args:
        folder: For the outbox.
        address: An empty database; its migrations have run.
        told: Takes a line for each hour.
    """
    began_s = real_time()
    clock = VirtualClock(START_S, None)
    book: list[SourceServer] = []

    async def run() -> Soak:
        async with _running(plan, folder, address) as run:
            book.append(run.server)
            return await _soak(plan, run, told, began_s)

    with virtual_time(clock):
        soaked = asyncio.run(run(), loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))
    end_ms = int((START_S + plan.hours * HOUR_S) * 1000)
    bars = book[0].polygon.bars
    found = asyncio.run(compare(address, bars, _beginnings_ms(), end_ms, int(clock.time() * 1000)))
    return soaked.judged(found, real_time() - began_s)


def _beginnings_ms() -> dict[Timeframe, int]:
    """OPEN of the first bar of each timeframe that the feeds want: so many back, from a whole hour on."""
    start_ms, hour_ms = int(START_S * 1000), int(HOUR_S * 1000)
    back_ms = {timeframe: RECORDED_BARS * timeframe.seconds * 1000 for timeframe in Timeframe}
    return {timeframe: (start_ms - ms) // hour_ms * hour_ms for timeframe, ms in back_ms.items()}


@asynccontextmanager
async def _running(plan: Plan, folder: Path, address: Address) -> AsyncIterator[_Run]:
    config = feeds_config(sources=["polygon"], pairs=list(plan.pairs), canary=_CANARY)
    symbols = [symbol_at("polygon", pair) for pair in plan.pairs]
    until_s = plan.hours * HOUR_S - _CALM_S
    faults = Faults(random_faults(plan.seed, symbols, until_s, plan.faults_an_hour))
    server = SourceServer(GeneratedBars(symbols, seed=plan.seed), faults)
    await server.start()
    sources = open_sources(config, {VENUE_URL: server.base_url}, random.Random(plan.seed))
    store = StoreInThread(address)
    outbox = CandleOutbox(folder / "outbox.sqlite")
    feeds = Feeds("soak", config, sources, outbox, store, lambda line: None)
    supervision = Supervision(feeds.services, lambda line: None)
    supervision.enter_phase(1)
    running = asyncio.create_task(supervision.run())
    try:
        yield _Run(server, faults, feeds, supervision, store)
    finally:
        supervision.stop()
        await running
        await feeds.close()
        outbox.close()
        store.close()
        await server.stop()


async def _soak(plan: Plan, run: _Run, told: Callable[[str], None], began_s: float) -> Soak:
    process = psutil.Process()
    rss_mb: list[float] = []
    for hour in range(1, plan.hours + 1):
        await _until(START_S + hour * HOUR_S - (_CALM_S if hour == plan.hours else 0.0))
        rss_mb.append(process.memory_info().rss / _MB)
        told(_progress(hour, run, rss_mb[-1], real_time() - began_s))
    run.faults.lift_all()
    await _until(START_S + plan.hours * HOUR_S)
    whole_after_s = await _whole(run, START_S + plan.hours * HOUR_S)
    ...
