"""Storage beside what the legacy system did, in one run on one server: `make bench-storage`.

12.96 million one-minute candles (100 symbols, 90 days) lie twice in an embedded Postgres: in one table, as the legacy system
kept them, and in daily partitions. Thirty days are deleted, thirty archived, each by the legacy system's SQL and by ours. Then
a journal is shipped, by a direct connection and through PostgREST, and the queries people wait for are timed.
"""

import argparse
import asyncio
import json
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from rich.console import Console
from rich.table import Table

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connect
from shared.adapters.postgres.embedded import EmbeddedPostgres
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.store import PostgresStore
from shared.adapters.supabase_store import SupabaseStore
from shared.domain.stored import Timeframe
from shared.ports import Store
from shared.sidecar.config import find_config, load_config
from shared.sidecar.retention import enforce
from shared.sidecar.retention_work import Outcome, Retention
from shared.sidecar.shipping import Shipping
from tests.journals import write_journal
from tests.supabase_gateway import supabase_api

SYMBOLS = 100
DAYS = 90
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MONTH = timedelta(days=30)
_CANDLES = """
SELECT 'COIN' || symbol || '-USDT' AS symbol, {timeframe} AS timeframe,
    $1::timestamptz + minute * interval '1 minute' AS "timestamp",
    price AS open, price * 1.001 AS high, price * 0.999 AS low, price AS close, 10.5 + symbol AS volume
FROM generate_series(0, $2::integer - 1) minute, generate_series(1, $3::integer) symbol,
    LATERAL (SELECT (100 + symbol + sin(minute / 500.0) * 5)::numeric(18, 4) AS price) prices
"""


class Measured:
    """Seconds and WAL of one piece of work."""

    def __init__(self, seconds: float, wal_bytes: int) -> None:
        self.seconds = seconds
        self.wal_bytes = wal_bytes

    def __add__(self, other: "Measured") -> "Measured":
        return Measured(self.seconds + other.seconds, self.wal_bytes + other.wal_bytes)


async def measure(connection: asyncpg.Connection, work: Callable[[], Awaitable[object]]) -> Measured:
    """Do it, and see how long it took and what it wrote ahead."""
    # What lies in the buffers from before is not this work's to write.
    await connection.execute("CHECKPOINT")
    before = await connection.fetchval("SELECT pg_current_wal_insert_lsn()")
    began = time.perf_counter()
    await work()
    seconds = time.perf_counter() - began
    return Measured(seconds, int(await connection.fetchval("SELECT pg_current_wal_insert_lsn() - $1::pg_lsn", before)))


async def fill(connection: asyncpg.Connection, days: int) -> None:
    """The same candles, legacy and ours."""
    minutes = days * 1440
    await connection.execute(
        """
        CREATE SCHEMA legacy;
        CREATE TABLE legacy.ohlc_data (
            symbol text NOT NULL, timeframe text NOT NULL, "timestamp" timestamptz NOT NULL,
            open numeric, high numeric, low numeric, close numeric, volume numeric
        );
        """
    )
    candles = _CANDLES.format(timeframe="'1min'")
    await connection.execute(f"INSERT INTO legacy.ohlc_data {candles}", BEGINNING, minutes, SYMBOLS, timeout=None)
    await connection.execute('ALTER TABLE legacy.ohlc_data ADD PRIMARY KEY (symbol, timeframe, "timestamp")')
    await connection.execute('CREATE INDEX ON legacy.ohlc_data ("timestamp")')
    await connection.execute("CREATE TABLE legacy.ohlc_data_archive (LIKE legacy.ohlc_data INCLUDING ALL)")
    for day in range(days):
        start = BEGINNING + timedelta(days=day)
        await connection.execute("SELECT recovery.ensure_partition('ohlc_1m', $1)", start)
        candles = _CANDLES.format(timeframe="'1m'")
        statement = f"INSERT INTO ohlc_data SELECT *, 'bench', 'USDT' FROM ({candles}) candles"
        await connection.execute(statement, start, 1440, SYMBOLS)
    await connection.execute("VACUUM ANALYZE")


async def legacy_month(connection: asyncpg.Connection) -> dict[str, Measured]:
    """The legacy system's clean-up and archiving of thirty days each, in its own words."""
    first, second = BEGINNING + MONTH, BEGINNING + 2 * MONTH

    async def delete() -> None:
        await connection.execute('DELETE FROM legacy.ohlc_data WHERE "timestamp" < $1', first, timeout=None)

    async def vacuum() -> None:
        await connection.execute("VACUUM legacy.ohlc_data", timeout=None)

    async def archive() -> None:
        async with connection.transaction():
            await connection.execute(
                'INSERT INTO legacy.ohlc_data_archive SELECT * FROM legacy.ohlc_data WHERE "timestamp" < $1',
                second,
                timeout=None,
            )
            await connection.execute('DELETE FROM legacy.ohlc_data WHERE "timestamp" < $1', second, timeout=None)

    deleted = await measure(connection, delete)
    return {"retention": deleted + await measure(connection, vacuum), "archive": await measure(connection, archive)}


async def our_month(connection: asyncpg.Connection) -> dict[str, Measured]:
    """The same by partitions: thirty dropped, thirty moved to the archive schema, each a transaction."""
    days = [BEGINNING + timedelta(days=day) for day in range(60)]
    names = [await connection.fetchval("SELECT recovery.partition_name('ohlc_1m', $1)", day) for day in days]

    async def drop() -> None:
        for name in names[:30]:
            await connection.execute(f"DROP TABLE public.{name}")

    async def archive() -> None:
        for day in days[30:]:
            await connection.execute("SELECT recovery.move_to_archive('ohlc_1m', $1)", day)

    return {"retention": await measure(connection, drop), "archive": await measure(connection, archive)}


async def shipped_a_second(store: Store, folder: Path, events: int) -> float:
    """Events shipped a second from a journal of so many."""
    journal = folder / f"{uuid.uuid4().hex}.sqlite"
    write_journal(journal, uuid.uuid4().hex, events)
    shipping = Shipping(journal, "bench", store)
    began = time.perf_counter()
    await shipping.catch_up()
    seconds = time.perf_counter() - began
    shipping.close()
    assert (shipping.shipments.events, shipping.shipments.dead) == (events, 0)
    return events / seconds


async def query_times(store: Store) -> dict[str, list[float]]:
    """Milliseconds of each query people wait for, several times each."""
    since = datetime(2025, 1, 6, tzinfo=UTC)
    end = BEGINNING + timedelta(days=DAYS)

    async def candles(count: int) -> None:
        assert len(await store.last_candles("COIN7-USDT", Timeframe.MINUTE, count, "bench")) == count

    day = [signal async for signal in store.signals(since, since + timedelta(days=1))]

    async def signals() -> None:
        assert [signal async for signal in store.signals(since, since + timedelta(days=1))] == day

    async def positions() -> None:
        assert len([position async for position in store.open_positions()]) <= 1

    async def pnl() -> None:
        assert await store.pnl_by_strategy(since, end)

    queries: dict[str, Callable[[], Awaitable[None]]] = {
        "last 100 candles of a symbol": lambda: candles(100),
        "last 10,000 candles of a symbol": lambda: candles(10_000),
        f"signals of a day, {len(day):,} in {-(-len(day) // 1000) + 1} statements": signals,
        "open positions": positions,
        "PnL by strategy": pnl,
    }
    took: dict[str, list[float]] = {name: [] for name in queries}
    for _ in range(20):
        for name, query in queries.items():
            began = time.perf_counter()
            await query()
            took[name].append((time.perf_counter() - began) * 1000)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-storage", description=__doc__)
    parser.add_argument(
        "--days", type=int, default=DAYS, help=f"days of candles, {SYMBOLS} symbols each (default {DAYS})"
    )
    parser.add_argument(
        "--events", type=int, default=500_000, help="events to ship directly (a fifth of it by the API)"
    )
    parser.add_argument("--json", type=Path, help="write all figures here")
    options = parser.parse_args()
    if options.days < 70:
        parser.error(f"--days = {options.days}: must be at least 70; sixty are retired, and queries need the rest")
    folder = Path(tempfile.mkdtemp(prefix="r-bench-"))
    try:
        results = asyncio.run(bench(folder, options.days, options.events, Console()))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


async def bench(folder: Path, days: int, events: int, console: Console) -> dict[str, Any]:
    """All of it, printed as it comes."""
    results: dict[str, Any] = {}
    with EmbeddedPostgres(folder / "postgres") as postgres:
        address = Address(postgres.url(), "bench")
        await migrate(address)
        connection = await connect(address)
        began = time.perf_counter()
        await fill(connection, days)
        console.print(
            f"{days * 1440 * SYMBOLS:,} candles twice, in {time.perf_counter() - began:.0f} s", highlight=False
        )
        legacy, ours = await legacy_month(connection), await our_month(connection)
        table = Table("thirty days", "legacy", "ours", "times faster", "times less WAL", box=None, padding=(0, 2, 0, 0))
        for name in ("retention", "archive"):
            theirs, mine = legacy[name], ours[name]
            table.add_row(
                name,
                f"{theirs.seconds:.2f} s, {theirs.wal_bytes / 1e6:,.1f} MB WAL",
                f"{mine.seconds:.2f} s, {mine.wal_bytes / 1e6:,.1f} MB WAL",
                f"{theirs.seconds / mine.seconds:,.0f}",
                f"{theirs.wal_bytes / max(mine.wal_bytes, 1):,.0f}",
            )
            results[name] = {"legacy": vars(theirs), "ours": vars(mine)}
        console.print(table)

        store = PostgresStore(address)
        results["direct_events_a_second"] = await shipped_a_second(store, folder, events)
        console.print(
            f"shipping, direct: {results['direct_events_a_second']:,.0f} events/s (target 50,000)", highlight=False
        )
        async with supabase_api(address.url) as gateway:
            api = await SupabaseStore.connect(gateway.url, gateway.secret_key)
            results["api_events_a_second"] = await shipped_a_second(api, folder, events // 5)
            await api.close()
        console.print(f"shipping, API: {results['api_events_a_second']:,.0f} events/s (target 10,000)", highlight=False)

        for name, took in (await query_times(store)).items():
            took.sort()
            results[name] = {"p50_ms": statistics.median(took), "worst_ms": took[-1]}
            console.print(
                f"{name}: p50 {statistics.median(took):.1f} ms, worst {took[-1]:.1f} ms (target 200)", highlight=False
            )
        await store.close()

        outcome = await enforced(address, folder / "archive")
        run = outcome.record
        seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else float("nan")
        results["enforce"] = {"rows": run.rows_dropped, "seconds": seconds, "wal_bytes": run.wal_bytes}
        console.print(
            f"retention with files written, read back and compared: {run.rows_dropped:,} rows in {seconds:.1f} s, "
            f"{run.wal_bytes / 1e6:,.1f} MB WAL",
            highlight=False,
        )
        await connection.close()
    return results


async def enforced(address: Address, archive: Path) -> Outcome:
    """What the sidecar does at night, once the archived month is ninety days old."""
    config = load_config(find_config(None)).retention
    now = BEGINNING + 2 * MONTH + timedelta(days=90)
    return await enforce(Retention(address, archive, config.policies, config.ahead), now)


if __name__ == "__main__":
    main()
