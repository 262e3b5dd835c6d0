"""The key of candles gets their source: what was there stays, live and archived, and two sources lie side by side."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import migrate, read_migrations
from tests.postgres_server import PostgresServer

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

MIGRATIONS = read_migrations()
(FEEDS,) = (migration for migration in MIGRATIONS if migration.path.stem.endswith("_feeds"))
_CANDLES = """
INSERT INTO ohlc_data (symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency)
SELECT symbol, '1m', '2026-01-01Z'::timestamptz + n * interval '30 min', 1, 2, 1, 2, n, 'older', 'USDT'
FROM generate_series(0, 95) n, unnest(array['BTC-USDT', 'ETH-USDT']) symbol
"""
_COLUMNS = 'symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency'
_ANOTHER = """
INSERT INTO ohlc_data VALUES ('BTC-USDT', '1m', '2026-01-01 12:00Z', 3, 4, 3, 4, 5, 'newer', 'USDT');
"""


@pytest.fixture
def url() -> Iterator[str]:
    """A database from before there were feeds: two days of candles, the first of them archived."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    try:
        with PostgresServer(folder) as server:
            asyncio.run(_fill(server.url()))
            yield server.url()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _fill(url: str) -> None:
    await migrate(Address(url, "test"), MIGRATIONS[: MIGRATIONS.index(FEEDS)])
    connection = await asyncpg.connect(url)
    await connection.execute(
        "SELECT recovery.ensure_partition('ohlc_1m', day) FROM unnest(array['2026-01-01Z'::timestamptz, '2026-01-02Z']) day"
    )
    await connection.execute(_CANDLES)
    await connection.execute("SELECT recovery.move_to_archive('ohlc_1m', '2026-01-01Z')")
    await connection.close()


def test_candles_from_before_stay_and_another_source_lies_beside_them(url: str) -> None:
    async def main() -> None:
        connection = await asyncpg.connect(url)
        everything = f'SELECT {_COLUMNS} FROM ohlc_data_all ORDER BY symbol, source, "timestamp"'
        before = await connection.fetch(everything)
        assert len(before) == 192
        assert FEEDS in await migrate(Address(url, "test"))
        assert await connection.fetch(everything) == before
        assert await connection.fetchval("SELECT max(revision) FROM ohlc_data_all") == 0

        # Late, of a time whose period is in the archive, where the other source has a candle of the same time.
        await connection.execute("SELECT recovery.ensure_partition('ohlc_1m', '2026-01-01Z')")
        await connection.execute(_ANOTHER)
        assert len(await connection.fetch(everything)) == 193
        assert await connection.fetchval("SELECT recovery.move_to_archive('ohlc_1m', '2026-01-01Z')") == 1
        after = await connection.fetch(everything)
        assert [row for row in after if row["source"] == "older"] == before
        assert len(after) == 193

        # And the day that was live before goes the same way, whole.
        assert await connection.fetchval("SELECT recovery.move_to_archive('ohlc_1m', '2026-01-02Z')") == 0
        assert await connection.fetch(everything) == after
        assert await connection.fetchval("SELECT count(*) FROM ohlc_data") == 0
        await connection.close()

    asyncio.run(main())
