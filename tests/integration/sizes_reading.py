"""Sizes of a test's database, read and recorded as the product does."""

import asyncio
from datetime import UTC, datetime, timedelta

from shared.adapters.postgres.connection import connected
from shared.adapters.postgres.sizes import DatabaseSizes, read_sizes, record_sample
from shared.domain.storage import TableSize
from tests.legacy_database import LegacyDatabase
from tests.retention_database import RetentionDatabase

NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


def read(database: LegacyDatabase | RetentionDatabase) -> DatabaseSizes:
    async def work() -> DatabaseSizes:
        async with connected(database.address) as connection:
            return await read_sizes(connection)

    return asyncio.run(work())


def sample(database: LegacyDatabase | RetentionDatabase) -> None:
    async def work() -> None:
        async with connected(database.address) as connection:
            await record_sample(connection)

    asyncio.run(work())


def table(sizes: DatabaseSizes, name: str) -> TableSize:
    """That of the relation or the partitioned table of that name."""
    return next(each for each in sizes.tables if each.name == name)
