"""Adoption of the legacy system's tables: every row has one fate, whatever happens on the way."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.postgres import adoption as adoption_module
from shared.adapters.postgres.adoption import AdoptionResult, adopting
from shared.adapters.postgres.adoption_progress import (
    Adopted,
    AdoptionError,
    CountMismatch,
    LegacyRewritten,
    OptionsChanged,
    QuoteUnknown,
)
from shared.adapters.postgres.adoption_survey import AdoptionPlan
from shared.adapters.postgres.connection import SchemaMissing
from shared.adapters.postgres.legacy_columns import LegacyShapeError
from shared.adapters.postgres.legacy_tables import AdoptionOptions
from shared.adapters.postgres.retention_runs import RunInProgress, exclusive
from shared.domain.signals import Side
from shared.domain.stored import Timeframe
from shared.ports import StoreError
from tests.legacy_database import BROKEN, CANDLES, FEATURES, REPEATED, SCANS, LegacyDatabase
from tests.retention_database import RetentionDatabase

TOLD = AdoptionOptions(side=Side.BUY, timeframe=Timeframe.QUARTER)
CHECKOUT = Path(__file__).resolve().parents[2]
BROKEN_ROWS = sum(len(rows) for rows in BROKEN.values())
CANDLE = 'symbol text, timeframe text, "timestamp" timestamptz, open numeric, high numeric, low numeric, close numeric, volume numeric'


@pytest.fixture
def legacy(database: RetentionDatabase) -> LegacyDatabase:
    """Filled, broken rows included, and migrated: the legacy tables are in schema legacy."""
    made = LegacyDatabase.on(database.address)
    made.break_rows()
    made.migrate()
    return made


@pytest.fixture
def bare(database: RetentionDatabase) -> LegacyDatabase:
    """Migrated, without a legacy table."""
    made = LegacyDatabase.on(database.address, empty=True)
    made.migrate()
    made.execute("CREATE SCHEMA legacy")
    return made


def adopt(
    database: LegacyDatabase, options: AdoptionOptions = TOLD, *, batch_rows: int = 5000, drop_legacy: bool = False
) -> AdoptionResult:
    async def work() -> AdoptionResult:
        async with adopting(database.address) as adoption:
            return await adoption.adopt(options, batch_rows=batch_rows, drop_legacy=drop_legacy)

    return asyncio.run(work())


def survey(database: LegacyDatabase, options: AdoptionOptions = TOLD) -> AdoptionPlan:
    async def work() -> AdoptionPlan:
        async with adopting(database.address) as adoption:
            return await adoption.survey(options)

    return asyncio.run(work())


def by_name(result: AdoptionResult) -> dict[str, Adopted]:
    return {table.table: table for table in result.tables}


def put_candles(database: LegacyDatabase, *symbols: str, columns: str = CANDLE, extra: str = "") -> None:
    """A legacy table of one candle for each symbol."""
    database.execute(f"CREATE TABLE legacy.ohlc_data ({columns})")
    for number, symbol in enumerate(symbols):
        database.execute(
            f"INSERT INTO legacy.ohlc_data VALUES ($1, '1m', $2::timestamptz + {number} * interval '1 minute', 1, 1, 1, 1, 1{extra})",
            symbol,
            START,
        )


START = adoption_module  # replaced below


def check_whole(database: LegacyDatabase, result: AdoptionResult) -> None:
    """Every row of the filled legacy database, with the broken candles, has its fate."""
    tables = by_name(result)
    candles = tables["ohlc_data"]
    assert (candles.adopted, candles.duplicates, candles.refused) == (CANDLES, REPEATED, BROKEN_ROWS)
    assert {reason: refused.rows for reason, refused in candles.refusals.items()} == {
        reason: len(rows) for reason, rows in BROKEN.items()
    }
    assert (tables["scan_history"].adopted, tables["scan_history"].refused) == (SCANS, 0)
    assert (tables["ml_features"].adopted, tables["ml_features"].refused) == (FEATURES, 0)
    assert all(table.verified for table in result.tables)
    assert database.value("SELECT count(*) FROM ohlc_data") == CANDLES
    assert database.value("SELECT count(*) FROM legacy.ohlc_data") == CANDLES + REPEATED + BROKEN_ROWS
    assert database.value("SELECT count(*) FROM scan_history") == SCANS
    assert database.value("SELECT count(DISTINCT seq) FROM scan_history") == SCANS
    assert database.value("SELECT count(*) FROM ml_features") == FEATURES
