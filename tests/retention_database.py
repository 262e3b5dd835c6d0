"""A migrated database of its own for one test of retention, with rows of every age, and where each of them is."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Coroutine, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import asyncpg
import pyarrow.parquet as pq

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.partitions import Patience
from shared.domain.retention import Dataset
from shared.domain.windows import PartitionStep
from shared.sidecar.config import find_config, load_config
from shared.sidecar.retention_work import Retention
from tests.postgres_server import PostgresServer

TABLES = {
    Dataset.OHLC_1M: "ohlc_data_1m",
    Dataset.OHLC_15M: "ohlc_data_15m",
    Dataset.OHLC_1H: "ohlc_data_1h",
    Dataset.ML_FEATURES: "ml_features",
    Dataset.SCAN_HISTORY: "scan_history",
}
CONFIG = load_config(find_config(None)).retention
_TEMPLATE = "migrated"


class Servers:
    """Servers started when first asked for, each with a migrated database to copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._servers: dict[int, PostgresServer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def database(self, version: int, archive: Path) -> "RetentionDatabase":
        """A new database on the server of a version."""
        server = self._server(version)
        name = f"t{uuid.uuid4().hex}"
        asyncio.run(_execute(server.url(), f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}"))
        return RetentionDatabase(Address(server.url(name), "test"), archive)

    def _server(self, version: int) -> PostgresServer:
        if version not in self._servers:
            server = PostgresServer(self._folder / str(version), version)
            server.start()
            # Nobody reads it again: it need not write out what it holds.
            self._stack.callback(server.kill_immediately)
            asyncio.run(_execute(server.url(), f"CREATE DATABASE {_TEMPLATE}"))
            asyncio.run(migrate(Address(server.url(_TEMPLATE), "test")))
            self._servers[version] = server
        return self._servers[version]


@dataclass(frozen=True)
class RetentionDatabase:
    """A database with its archive folder."""

    address: Address
    archive: Path

    @property
    def retention(self) -> Retention:
        """As configured, with few partitions ahead and little patience."""
        return Retention(
            self.address, self.archive, CONFIG.policies, dict.fromkeys(PartitionStep, 1), Patience(2, 0.05)
        )

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        return self.run(_fetch(self.address.url, statement, *arguments))

    def value(self, statement: str, *arguments: Any) -> Any:
        return self.fetch(statement, *arguments)[0][0]

    def execute(self, statements: str, *arguments: Any) -> None:
        self.run(_execute(self.address.url, statements, *arguments))

    def put(self, dataset: Dataset, times: Iterable[datetime], symbol: str = "BTC-USDT", close: str = "100.50") -> None:
        """Write one row stamped at each time; partitions are made."""
        self.run(self._put(dataset, list(times), symbol, close))

    async def _put(self, dataset: Dataset, times: list[datetime], symbol: str, close: str) -> None:
        connection = await asyncpg.connect(self.address.url)
        try:
            await connection.execute(
                "SELECT recovery.ensure_partition($1, at) FROM unnest($2::timestamptz[]) at", dataset, times
            )
            await connection.execute(_INSERT[dataset].format(close=close), times, symbol)
        finally:
            await connection.close()

    def fill(self, dataset: Dataset, day: datetime, rows: int, symbol: str = "BTC-USDT") -> None:
        """Write so many rows within one day."""
        day = day.replace(hour=0, minute=0, second=0, microsecond=0)
        self.execute("SELECT recovery.ensure_partition($1, $2)", dataset, day)
        times = (
            f"(SELECT array_agg($1::timestamptz + n * interval '1 day' / {rows}) FROM generate_series(0, {rows - 1}) n)"
        )
        self.execute(_INSERT[dataset].format(close="100.5").replace("$1::timestamptz[]", times), day, symbol)

    def live(self, dataset: Dataset) -> Counter[datetime]:
        """The times of the rows in the working table."""
        return self._times(f"public.{TABLES[dataset]}")

    def archived(self, dataset: Dataset) -> Counter[datetime]:
        """The times of the rows in the archive schema."""
        return self._times(f"archive.{TABLES[dataset]}")

    def filed(self, dataset: Dataset) -> Counter[datetime]:
        """The times of the rows in listed files."""
        listed = self.fetch("SELECT file FROM archive_manifest WHERE dataset = $1", dataset)
        times: Counter[datetime] = Counter()
        for row in listed:
            times.update(pq.read_table(self.archive / row["file"])["timestamp"].to_pylist())
        return times

    def _times(self, relation: str) -> Counter[datetime]:
        return Counter(row[0] for row in self.fetch(f'SELECT "timestamp" FROM {relation}'))

    def scans_by_day(self) -> dict[datetime, int]:
        """Scans in the daily aggregates."""
        return {
            row["day"]: int(row["scans"])
            for row in self.fetch("SELECT day, sum(scans) AS scans FROM scan_daily GROUP BY day")
        }

    def files(self) -> set[str]:
        """Every file in the archive folder but its lock."""
        found = (path.relative_to(self.archive) for path in self.archive.rglob("*") if path.is_file())
        return {str(path) for path in found if str(path) != "lock"}

    def listed(self) -> set[str]:
        """Every file of the manifest."""
        return {row["file"] for row in self.fetch("SELECT file FROM archive_manifest")}

    def runs(self) -> list[tuple[str, str]]:
        """Kind and state of each run, oldest first."""
        return [(row["kind"], row["state"]) for row in self.fetch("SELECT kind, state FROM retention_runs ORDER BY id")]

    def patient(self, patience: Patience) -> Retention:
        """As `retention`, with another patience."""
        return replace(self.retention, patience=patience)


_CANDLES = """
INSERT INTO ohlc_data SELECT $2, '{timeframe}', at, 100, 1000000, 1e-9, {close}, 1.5, 'test', 'USDT'
FROM unnest($1::timestamptz[]) at ON CONFLICT (symbol, timeframe, source, "timestamp") DO UPDATE SET close = excluded.close
"""
_INSERT = {
    Dataset.OHLC_1M: _CANDLES.replace("{timeframe}", "1m"),
    Dataset.OHLC_15M: _CANDLES.replace("{timeframe}", "15m"),
    Dataset.OHLC_1H: _CANDLES.replace("{timeframe}", "1h"),
    Dataset.ML_FEATURES: """
        INSERT INTO ml_features SELECT $2, '1m', at, 'set', jsonb_build_object('rsi', {close}) FROM unnest($1::timestamptz[]) at
        ON CONFLICT DO NOTHING
    """,
    Dataset.SCAN_HISTORY: """
        INSERT INTO scan_history
        SELECT gen_random_uuid(), n, at, 'controller', 'dca', $2, 'BUY', 'refused', 'cooldown', {close}, 0.5, '{{}}',
            '{{"drop": 0.03}}'
        FROM unnest($1::timestamptz[]) WITH ORDINALITY AS times (at, n)
    """,
}


async def _fetch(url: str, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()


async def _execute(url: str, statements: str, *arguments: Any) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statements, *arguments)
    finally:
        await connection.close()
