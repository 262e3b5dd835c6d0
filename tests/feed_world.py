"""The feeds of a sidecar beside the local venue, in one process on a virtual clock: what faults and soaks are tried on.

The store is in memory and everything between it and the venue is real: sockets, machines, books, outbox.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.adapters.candle_outbox import CandleOutbox
from shared.adapters.memory_store import MemoryStore
from shared.adapters.settings_file import read_yaml
from shared.sidecar.feed_config import FeedsConfig
from shared.sidecar.feeds.feeds import Feeds
from shared.sidecar.feeds.sources import VENUE_URL, open_sources
from shared.sidecar.services import Supervision
from shared.simulator import scenario
from shared.simulator.faults import Fault, Faults
from shared.simulator.server import VenueServer
from shared.simulator.venue import Venue
from shared.wire.feed_messages import FeedMessage, Subscription

SHIPPED = Path(__file__).resolve().parents[1] / "conf" / "sidecar.yml"


class Ear:
    """A bot that remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[FeedMessage] = []

    def tell(self, message: FeedMessage) -> None:
        self.heard.append(message)


@dataclass
class World:
    """A venue and the feeds on it."""

    venue: Venue
    server: VenueServer
    feeds: Feeds
    store: MemoryStore
    supervision: Supervision
    said: list[str] = field(default_factory=list)

    def listen(self, *wanted: Subscription) -> Ear:
        ear = Ear()
        self.feeds.serving.listen(ear, wanted)
        return ear

    async def until(self, is_so: Callable[[], bool], within_s: float) -> float:
        """Seconds until it is so, on the venue's clock."""
        began_s = time.time()
        while not is_so():
            assert time.time() - began_s < within_s, f"not so within {within_s} s; said: {self.said[-20:]}"
            await asyncio.sleep(0.5)
        return time.time() - began_s


def feeds_config(**changes: Any) -> FeedsConfig:
    return FeedsConfig.model_validate(read_yaml(SHIPPED)["feeds"] | changes)


@asynccontextmanager
async def world(
    folder: Path, pairs: Sequence[str] = ("BTC-USDT", "ETH-USDT"), faults: Sequence[Fault] = (), **changes: Any
) -> AsyncIterator[World]:
    """A venue of these pairs, and feeds that follow them."""
    venue = scenario.simulated(pairs, start_ms=int(time.time() * 1000))
    server = VenueServer(venue, faults=Faults(faults))
    await server.start()
    store = MemoryStore()
    said: list[str] = []
    sources = open_sources(feeds_config(pairs=list(pairs), **changes), {VENUE_URL: server.base_url}, random.Random(1))
    outbox = CandleOutbox(folder / "outbox.sqlite")
    feeds = Feeds("home", feeds_config(pairs=list(pairs), **changes), sources, outbox, store, said.append)
    supervision = Supervision(feeds.services, said.append)
    supervision.enter_phase(1)
    running = asyncio.create_task(supervision.run())
    try:
        yield World(venue, server, feeds, store, supervision, said)
    finally:
        supervision.stop()
        await running
        await feeds.close()
        outbox.close()
        await server.stop()
