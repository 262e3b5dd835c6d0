"""All of the feeds but the sockets: the test speaks for streams and histories; what is between them and a bot is real."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared.adapters.candle_outbox import CandleOutbox
from shared.adapters.memory_store import MemoryStore
from shared.domain.bars import Bar
from shared.domain.feed_symbols import symbol_at
from shared.domain.stored import StoredCandle, Timeframe
from shared.sidecar.feeds.feeds import Feeds
from shared.sidecar.feeds.prices import Prices
from shared.sidecar.feeds.sources import BarSource, Sources
from shared.sidecar.services import Supervision, Watched
from shared.wire.stream import Link, Reported
from tests.feed_world import feeds_config
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, History, bar
from tests.unit.sidecar.feeds.told_machine import Machine


@dataclass
class FeedsWorld:
    """The feeds of a home with two sources."""

    feeds: Feeds
    machines: dict[str, Machine]
    histories: dict[str, History]
    store: MemoryStore
    outbox: CandleOutbox
    said: list[str]

    def report(self, source: str, *bars: Bar) -> None:
        """Let a source's stream report bars, within half a second."""
        self.machines[source].news.append(Reported(bars))

    async def live(self, minutes: int, *silent: str) -> None:
        """Let so many minutes pass, with BTC streamed by all sources but these two seconds after each minute."""
        until_s = time.time() + minutes * 60
        while time.time() < until_s:
            now_s = time.time()
            await asyncio.sleep(60 - now_s % 60 + 2)
            over = int(time.time() * 1000) // MINUTE_MS - START_MS // MINUTE_MS - 1
            for source in self.machines.keys() - set(silent):
                self.report(source, bar(over, source=source, symbol=symbol_at(source, "BTC-USDT")))

    def waiting(self) -> list[StoredCandle]:
        """Candles in the outbox."""
        batch = self.outbox.next(100_000)
        return [] if batch is None else list(batch.candles)


def whole_history(source: str, *, until: int = 0) -> list[Bar]:
    """BTC in every timeframe, at 100, up to so many minutes after the tests' clock."""
    symbol = symbol_at(source, "BTC-USDT")
    return [
        replace(bar(minute, source=source, symbol=symbol, timeframe=timeframe), volume=Decimal(timeframe.seconds // 60))
        for timeframe in Timeframe
        for minute in range(-130 * timeframe.seconds // 60, until, timeframe.seconds // 60)
    ]


@asynccontextmanager
async def feeds_world(
    folder: Path,
    sources: Sequence[str] = ("polygon", "binance"),
    *,
    prices: Any = None,
    without: Sequence[str] = ("candles",),
    **changes: Any,
) -> AsyncIterator[FeedsWorld]:
    """The feeds at work on sources that are live; what is named in `without` does not run.

    Args:
        folder: For the outbox.
        sources: Best first.
        prices: A source of prices.
        without: Services that do not run: by default candles stay in the outbox.
        changes: Of the shipped settings.
    """
    machines = {source: Machine(source) for source in sources}
    histories = {source: History(whole_history(source)) for source in sources}
    for source, history in histories.items():
        history.source = source
        machines[source].move(Link.LIVE)
    there: Any = {source: BarSource(machines[source], histories[source]) for source in sources}  # type: ignore[arg-type]
    said: list[str] = []
    store, outbox = MemoryStore(), CandleOutbox(folder / "outbox.sqlite")
    feeds = Feeds("home", feeds_config(**changes), Sources(there, prices, {}), outbox, store, said.append)
    services = [
        each for each in feeds.services if (each.service if isinstance(each, Watched) else each).name not in without
    ]
    assert prices is None or any(isinstance(each, Prices) for each in services)
    supervision = Supervision(services, said.append)
    supervision.enter_phase(1)
    running = asyncio.create_task(supervision.run())
    try:
        yield FeedsWorld(feeds, machines, histories, store, outbox, said)
    finally:
        supervision.stop()
        await running
        outbox.close()
