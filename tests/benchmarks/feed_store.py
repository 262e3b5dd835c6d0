"""From a reported bar to its row, by the outbox's file and Postgres as a home has it: `python -m tests.benchmarks.feed_store`.

Measured are bars a second, appended a minute of all symbols at a time and shipped meanwhile, as after a backfill; and how long
the event loop was held up at worst, for the bot's candles go by the same loop.
"""

import argparse
import asyncio
import gc
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from shared.adapters.candle_outbox import CandleOutbox
from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connect
from shared.adapters.postgres.embedded import EmbeddedPostgres
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.store import PostgresStore
from shared.domain.bars import Bar, Series
from shared.domain.stored import Timeframe
from shared.sidecar.candle_shipping import CandleShipping

SYMBOLS = 100
BEGINNING_MS = 1_772_323_200_000
_TICK_S = 0.001


@dataclass(frozen=True)
class Flow:
    """One run. `append_ms`: a minute of all symbols into the outbox, median. `held_up_ms`: the loop, at worst and p99."""

    bars_a_second: float
    append_ms: float
    held_up_p99_ms: float
    held_up_worst_ms: float


def minutes(first: int, count: int) -> Iterator[list[Bar]]:
    """Bars of every symbol, a minute at a time."""
    series = [Series("polygon", f"COIN{number}-USD", Timeframe.MINUTE) for number in range(SYMBOLS)]
    for minute in range(first, first + count):
        open_ms = BEGINNING_MS + minute * 60_000
        price = Decimal(10_000 + minute % 977) / 100
        prices = (price, price + 1, price - 1, price, Decimal("12.345678"))
        yield [Bar(each, open_ms, *prices, is_closed=True) for each in series]


async def flow(outbox: CandleOutbox, store: PostgresStore, reported: list[list[Bar]]) -> Flow:
    """Let bars go through, and measure."""
    shipping = CandleShipping(outbox, store)
    appends_ms: list[float] = []
    late_ms: list[float] = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK_S)
            late_ms.append((time.perf_counter() - began - _TICK_S) * 1000)

    async def append() -> None:
        for bars in reported:
            began = time.perf_counter()
            outbox.append([bar.stored() for bar in bars])
            appends_ms.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    began = time.perf_counter()
    appending = asyncio.create_task(append())
    while not appending.done() or outbox.waiting:
        await shipping.step()
        # Where the shipping is ahead of the appending it would poll: here it goes on.
        await asyncio.sleep(0)
    seconds = time.perf_counter() - began
    ticking.cancel()
    late_ms.sort()
    return Flow(
        bars_a_second=sum(map(len, reported)) / seconds,
        append_ms=statistics.median(appends_ms),
        held_up_p99_ms=late_ms[len(late_ms) * 99 // 100],
        held_up_worst_ms=late_ms[-1],
    )


async def feed_to_store(folder: Path, runs: int, bars: int) -> list[Flow]:
    """Several runs, each of bars that are new."""
    flows = []
    count = bars // SYMBOLS
    with EmbeddedPostgres(folder / "postgres") as postgres:
        address = Address(postgres.url(), "bench")
        await migrate(address)
        store = PostgresStore(address)
        for number in range(runs):
            reported = list(minutes(number * count, count))
            # What is to be reported is no work of what is measured.
            gc.collect()
            gc.freeze()
            outbox = CandleOutbox(folder / f"candles-{number}.sqlite")
            flows.append(await flow(outbox, store, reported))
            outbox.close()
        await store.close()
        connection = await connect(address)
        stored = await connection.fetchval("SELECT count(*) FROM ohlc_data WHERE revision = 0")
        await connection.close()
    assert stored == runs * count * SYMBOLS, "each bar once, and none revised"
    return flows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="runs (default 5)")
    parser.add_argument("--bars", type=int, default=200_000, help="bars a run (default 200000)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="r-bench-"))
    try:
        flows = asyncio.run(feed_to_store(folder, options.runs, options.bars))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console = Console(highlight=False)
    console.print(
        f"feed -> store: {statistics.median(each.bars_a_second for each in flows):,.0f} bars/s (target >= 20,000)"
    )
    console.print(
        f"a minute of {SYMBOLS} symbols into the outbox: {statistics.median(f.append_ms for f in flows):.2f} ms"
    )
    console.print(
        f"the loop held up: p99 {statistics.median(each.held_up_p99_ms for each in flows):.1f} ms, "
        f"worst {max(each.held_up_worst_ms for each in flows):.1f} ms"
    )


if __name__ == "__main__":
    main()
