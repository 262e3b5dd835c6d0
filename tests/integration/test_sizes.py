"""Sizes as the catalog and the planner tell them: of our database, and of a legacy one that no migration has touched."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import asyncpg
import pytest

from shared.adapters.postgres import sizes as sizes_module
from shared.adapters.postgres.adoption import adopting
from shared.adapters.postgres.connection import connected
from shared.adapters.postgres.growth import Basis
from shared.adapters.postgres.legacy_tables import AdoptionOptions
from shared.adapters.postgres.sizes import REST, DatabaseSizes, read_sizes, record_sample
from shared.domain.retention import Dataset
from shared.domain.signals import Side
from shared.domain.storage import TableSize
from shared.domain.stored import Timeframe
from shared.ports import StoreError, StoreUnavailable
from tests.legacy_database import CANDLES, DAYS, FEATURES, REPEATED, SCANS, LegacyDatabase
from tests.retention_database import RetentionDatabase, Servers

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

CHECKOUT = Path(__file__).resolve().parents[2]
NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture(params=[16, 18])
def legacy(request: pytest.FixtureRequest, retention_servers: Servers, tmp_path: Path) -> Iterator[LegacyDatabase]:
    """A legacy database, on the oldest and on the newest Postgres, with statistics and without our schema."""
    with LegacyDatabase.on(retention_servers.database(request.param, tmp_path).address) as made:
        made.execute("VACUUM ANALYZE")
        yield made


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
    return next(each for each in sizes.tables if each.name == name)


# A legacy database ---------------------------------------------------------------------------------------------------------


def test_a_legacy_database_is_told_without_our_schema(legacy: LegacyDatabase) -> None:
    sizes = read(legacy)
    rows = {each.name: each.rows for each in sizes.tables}
    assert rows == {
        "ohlc_data": CANDLES + REPEATED,
        "scan_history": SCANS,
        "ml_features": FEATURES,
        "shadow_testing_scans": 1700,
        "positions": 0,
        REST: 0,
    }
    candles = table(sizes, "ohlc_data")
    real = legacy.value("SELECT pg_total_relation_size('ohlc_data')")
    assert candles.total_bytes == real
    assert candles.index_bytes == legacy.value("SELECT pg_indexes_size('ohlc_data')")
    assert sum(each.total_bytes for each in sizes.tables) == sizes.database_bytes
    assert sizes.unanalyzed == ()
    assert set(sizes.legacy_in_public) == {"ohlc_data", "scan_history", "ml_features"}


def test_nothing_is_read_and_nothing_is_made(legacy: LegacyDatabase) -> None:
    scans = "SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables ORDER BY relname"
    relations = "SELECT oid, relname, relfilenode FROM pg_class ORDER BY oid"
    before = legacy.fetch(scans), legacy.fetch(relations)
    read(legacy)
    legacy.execute("SELECT pg_stat_force_next_flush()")
    assert (legacy.fetch(scans), legacy.fetch(relations)) == before


def test_a_legacy_table_is_described_by_the_steps_retention_knows(legacy: LegacyDatabase) -> None:
    sizes = read(legacy)
    by_dataset: dict[Dataset, int] = {}
    for partition in sizes.retained:
        by_dataset[partition.dataset] = by_dataset.get(partition.dataset, 0) + (partition.rows or 0)
    candles = 3 * DAYS * 1.02
    assert by_dataset[Dataset.OHLC_1M] == pytest.approx(candles * 1440, rel=0.05)
    assert by_dataset[Dataset.OHLC_15M] == pytest.approx(candles * 96, rel=0.2)
    assert by_dataset[Dataset.OHLC_1H] == pytest.approx(candles * 24, rel=0.4)
    assert by_dataset[Dataset.SCAN_HISTORY] == pytest.approx(SCANS, rel=0.02)
    assert by_dataset[Dataset.ML_FEATURES] == pytest.approx(FEATURES, rel=0.02)
    days = [partition for partition in sizes.retained if partition.dataset is Dataset.OHLC_1M]
    assert len(days) == DAYS
    assert all(partition.rows == pytest.approx(3 * 1440 * 1.02, rel=0.15) for partition in days)


def test_a_legacy_database_without_statistics_says_so(retention_servers: Servers, tmp_path: Path) -> None:
    with LegacyDatabase.on(retention_servers.database(18, tmp_path).address) as legacy:
        legacy.execute("CREATE TABLE big (at timestamptz, n integer)")
        legacy.execute("ALTER TABLE big SET (autovacuum_enabled = off)")
        legacy.execute("INSERT INTO big SELECT now(), n FROM generate_series(1, 200000) n")
        sizes = read(legacy)
        assert (table(sizes, "big").rows, table(sizes, "big").bloat_bytes) == (None, None)
        assert "big" in sizes.unanalyzed
        assert sizes.growth["big"].bytes_per_day is None
        assert sizes.database_growth.bytes_per_day is None
        assert sizes.other_per_day is None


def test_an_empty_database_is_told(database: RetentionDatabase) -> None:
    with LegacyDatabase.on(database.address, empty=True) as nothing:
        sizes = read(nothing)
    assert [each.name for each in sizes.tables] == [REST]
    assert sizes.database_growth.bytes_per_day == 0
    assert set(sizes.written_per_day.values()) == {0}


def test_growth_of_a_table_without_partitions_is_by_statistics(database: RetentionDatabase) -> None:
    with LegacyDatabase.on(database.address, empty=True) as made:
        made.execute("CREATE TABLE shadow_testing_scans (id serial, scan_time timestamp, filler text)")
        made.execute("CREATE TABLE old_scans (id serial, at timestamptz, filler text)")
        # Ten times as many a day in the last ten days as in the eighty before.
        made.execute(
            """INSERT INTO shadow_testing_scans (scan_time, filler)
            SELECT now() - n * interval '1 minute', repeat('x', 100) FROM generate_series(1, 14400) n
            UNION ALL SELECT now() - interval '10 days' - n * interval '10 minutes', repeat('x', 100)
            FROM generate_series(1, 11520) n"""
        )
        made.execute(
            """INSERT INTO old_scans (at, filler)
            SELECT now() - interval '30 days' - n * interval '1 minute', repeat('x', 100) FROM generate_series(1, 14400) n"""
        )
        made.execute("ANALYZE")
        sizes = read(made)
    scans = table(sizes, "shadow_testing_scans")
    known = sizes.growth["shadow_testing_scans"]
    assert known.basis is Basis.STATISTICS
    assert known.bytes_per_day == pytest.approx(1440 * scans.total_bytes / (14400 + 11520), rel=0.1)
    assert sizes.growth["old_scans"].bytes_per_day == 0
    assert sizes.other_per_day == pytest.approx(known.bytes_per_day)


# Estimates -------------------------------------------------------------------------------------------------------------------


def test_bloat_is_estimated(legacy: LegacyDatabase) -> None:
    compact = read(legacy)
    for name in ("ohlc_data", "scan_history", "ml_features", "shadow_testing_scans"):
        size = table(compact, name)
        assert size.bloat_bytes is not None
        assert size.bloat_bytes <= 0.05 * size.table_bytes, name
    legacy.execute("DELETE FROM ohlc_data WHERE id % 4 <> 0")
    legacy.execute("VACUUM ANALYZE ohlc_data")
    size = table(read(legacy), "ohlc_data")
    assert size.bloat_bytes == pytest.approx(0.75 * size.table_bytes, rel=0.05)


def test_space_kept_free_on_purpose_is_no_bloat(database: RetentionDatabase) -> None:
    with LegacyDatabase.on(database.address, empty=True) as made:
        made.execute("CREATE TABLE roomy (n bigint, filler text) WITH (fillfactor = 50)")
        made.execute("INSERT INTO roomy SELECT n, repeat('x', 60) FROM generate_series(1, 20000) n")
        made.execute("VACUUM ANALYZE")
        size = table(read(made), "roomy")
    assert size.bloat_bytes is not None
    assert size.bloat_bytes < 0.05 * size.table_bytes


def test_a_table_in_its_fourth_part_since_analyzed_is_told_at_its_density(database: RetentionDatabase) -> None:
    with LegacyDatabase.on(database.address, empty=True) as made:
        made.execute("CREATE TABLE growing (n bigint, filler text)")
        made.execute("ALTER TABLE growing SET (autovacuum_enabled = off)")
        insert = "INSERT INTO growing SELECT n, repeat('x', 60) FROM generate_series(1, 10000) n"
        made.execute(insert)
        made.execute("ANALYZE")
        made.execute(insert)
        made.execute(insert)
        made.execute(insert)
        assert table(read(made), "growing").rows == pytest.approx(40000, rel=0.02)


# Ours ------------------------------------------------------------------------------------------------------------------------


def test_partitions_are_told_together_and_one_by_one(database: RetentionDatabase) -> None:
    for days, rows in ((1, 200), (2, 300)):
        database.fill(Dataset.OHLC_1M, TODAY - days * DAY, rows)
    database.execute("VACUUM ANALYZE")
    sizes = read(database)
    whole = table(sizes, "ohlc_data_1m")
    parts = sizes.partitions["ohlc_data_1m"]
    assert (whole.rows, whole.partitions) == (500, 2)
    assert [part.rows for part in parts] == [300, 200]
    assert sum(part.total_bytes for part in parts) == whole.total_bytes
    assert [part.name for part in parts] == [f"ohlc_data_1m_{TODAY - days * DAY:%Y%m%d}" for days in (2, 1)]
    assert sum(each.total_bytes for each in sizes.tables) == sizes.database_bytes


def test_a_partition_never_counted_is_like_its_neighbours(database: RetentionDatabase) -> None:
    database.fill(Dataset.OHLC_1M, TODAY - 2 * DAY, 1000)
    database.execute("VACUUM ANALYZE")
    relation = f"ohlc_data_1m_{TODAY - DAY:%Y%m%d}"
    database.execute("SELECT recovery.ensure_partition('ohlc_1m', $1)", TODAY - DAY)
    database.execute(f"ALTER TABLE {relation} SET (autovacuum_enabled = off)")
    database.fill(Dataset.OHLC_1M, TODAY - DAY, 1000)
    assert database.value("SELECT reltuples FROM pg_class WHERE relname = $1", relation) == -1
    sizes = read(database)
    assert table(sizes, "ohlc_data_1m").rows == pytest.approx(2000, rel=0.1)
    assert "ohlc_data_1m" in sizes.unanalyzed


def test_a_small_table_never_counted_is_counted(database: RetentionDatabase) -> None:
    database.execute("ALTER TABLE scan_daily SET (autovacuum_enabled = off)")
    database.execute(
        "INSERT INTO scan_daily SELECT $1, 'recovery_dca', 'PAIR' || n, 'BUY', 'taken', '', 1, 0.5, 0.5 "
        "FROM generate_series(1, 321) n",
        TODAY.date(),
    )
    assert database.value("SELECT reltuples FROM pg_class WHERE oid = 'scan_daily'::regclass") == -1
    assert table(read(database), "scan_daily").rows == 321


def test_growth_of_daily_partitions_is_that_of_the_last_complete_days(database: RetentionDatabase) -> None:
    for days in range(1, 10):
        database.fill(Dataset.OHLC_1M, TODAY - days * DAY, 1000 if days <= 7 else 100)
    sizes = read(database)
    week = sizes.partitions["ohlc_data_1m"][-7:]
    known = sizes.growth["ohlc_data_1m"]
    assert known.basis is Basis.PARTITIONS
    assert known.bytes_per_day == pytest.approx(sum(part.total_bytes for part in week) / 7)
    assert sizes.written_per_day[Dataset.OHLC_1M] == known.bytes_per_day


def test_a_first_month_is_told_by_statistics(database: RetentionDatabase) -> None:
    span = NOW - max(TODAY.replace(day=1), TODAY - 3 * DAY)
    database.execute("SELECT recovery.ensure_partition('ohlc_1h', $1)", NOW)
    database.execute(
        """INSERT INTO ohlc_data SELECT 'S' || n, '1h', $1::timestamptz + s * interval '1 minute', 1, 1, 1, 1, 1, 'test', 'USDT'
        FROM generate_series(1, 3) n, generate_series(0, $2::integer) s""",
        NOW - span,
        int(span / timedelta(minutes=1)),
    )
    database.execute("ANALYZE")
    if span < timedelta(hours=6):
        pytest.skip("within the first hours of a month there is no history to tell growth from")
    sizes = read(database)
    known = sizes.growth["ohlc_data_1h"]
    assert known.basis is Basis.STATISTICS
    assert known.bytes_per_day == pytest.approx(table(sizes, "ohlc_data_1h").total_bytes / (span / DAY), rel=0.1)


def test_growth_is_measured_where_there_are_samples(database: RetentionDatabase) -> None:
    database.fill(Dataset.OHLC_1M, TODAY - DAY, 1000)
    before = read(database)
    past = {each.name: each.total_bytes for each in before.tables}
    past["ohlc_data_1m"] -= 60_000
    database.execute(
        "INSERT INTO storage_samples VALUES ($1, $2, $3)",
        NOW - 3 * DAY,
        before.database_bytes - 90_000,
        json.dumps(past),
    )
    sizes = read(database)
    known = sizes.growth["ohlc_data_1m"]
    assert (known.basis, known.bytes_per_day) == (Basis.SAMPLES, pytest.approx(20_000, rel=0.01))
    grown = sizes.database_growth
    assert grown.basis is Basis.SAMPLES
    assert grown.bytes_per_day == pytest.approx((90_000 + sizes.database_bytes - before.database_bytes) / 3, rel=0.01)
    # What is written is another question: measured growth is net of what is dropped.
    assert sizes.written_per_day[Dataset.OHLC_1M] == pytest.approx(table(sizes, "ohlc_data_1m").total_bytes)


def test_samples_from_before_an_adoption_measure_no_growth(database: RetentionDatabase) -> None:
    database.execute("INSERT INTO storage_samples VALUES ($1, 1000, '{}')", NOW - 3 * DAY)
    assert read(database).database_growth.basis is Basis.SAMPLES
    database.execute(
        "INSERT INTO retention_runs (kind, state, finished_at) VALUES ('adopt', 'done', $1)", NOW - 2 * DAY
    )
    assert read(database).database_growth.basis is not Basis.SAMPLES


def test_a_sample_holds_what_was_measured(database: RetentionDatabase) -> None:
    database.fill(Dataset.SCAN_HISTORY, TODAY - DAY, 100)
    sample(database)
    (row,) = database.fetch("SELECT at, database_bytes, relation_bytes FROM storage_samples")
    sizes = read(database)
    relations = json.loads(row["relation_bytes"])
    assert relations["scan_history"] == table(sizes, "scan_history").total_bytes
    assert sum(relations.values()) == row["database_bytes"]
    assert abs(row["at"] - datetime.now(UTC)) < timedelta(minutes=1)
    # Of less than a day it measures nothing yet.
    assert sizes.database_growth.basis is not Basis.SAMPLES


def test_a_sample_needs_our_schema(legacy: LegacyDatabase) -> None:
    with pytest.raises(StoreError, match="run recovery db migrate"):
        sample(legacy)


# After and during adoption -----------------------------------------------------------------------------------------------


def test_rows_that_were_adopted_are_not_counted_twice(legacy: LegacyDatabase) -> None:
    legacy.migrate()
    before = read(legacy)
    assert before.legacy_in_public == ()

    async def work() -> None:
        async with adopting(legacy.address) as adoption:
            await adoption.adopt(AdoptionOptions(side=Side.BUY, timeframe=Timeframe.QUARTER))

    asyncio.run(work())
    sizes = read(legacy)
    for dataset in (Dataset.OHLC_1M, Dataset.SCAN_HISTORY):
        rows = [sum(p.rows or 0 for p in each.retained if p.dataset is dataset) for each in (before, sizes)]
        assert rows[1] == pytest.approx(rows[0], rel=0.06)
    assert set(sizes.adopted) == {"legacy.ohlc_data", "legacy.scan_history", "legacy.ml_features"}
    assert sizes.growth["legacy.ohlc_data"].bytes_per_day == 0


# The command -------------------------------------------------------------------------------------------------------------


def analyze(database: LegacyDatabase, home: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [
        sys.executable,
        "-c",
        "from shared.cli.main import main; main()",
        "storage",
        "analyze",
        "--home",
        str(home),
    ]
    environment = {**os.environ, "DATABASE_URL": database.address.url, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "80"}
    return subprocess.run([*command, *options], env=environment, cwd=home, capture_output=True, text=True, timeout=120)


def test_the_command_tells_of_a_legacy_database(legacy: LegacyDatabase, tmp_path: Path) -> None:
    picture = tmp_path / "storage.svg"
    done = analyze(legacy, tmp_path, "--svg", str(picture))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{CANDLES + REPEATED:,}" in done.stdout
    assert "recovery db migrate moves them aside" in " ".join(done.stdout.split())
    ElementTree.fromstring(picture.read_text())
    assert "scan_history" in picture.read_text()
    view = json.loads(analyze(legacy, tmp_path, "--json", "--days", "30").stdout)
    assert view["projection"]["day"] == 30
    # Rows of January 2025 are past these windows for ever.
    assert {saving["dataset"] for saving in view["retention_frees_now"] if saving["bytes"]} >= {
        "ohlc_1m",
        "scan_history",
    }


def test_the_command_refuses_a_picture_it_cannot_write(legacy: LegacyDatabase, tmp_path: Path) -> None:
    done = analyze(legacy, tmp_path, "--svg", str(tmp_path / "absent" / "a.svg"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder" in done.stderr


# Bounds ---------------------------------------------------------------------------------------------------------------------


def test_a_table_that_somebody_rewrites_does_not_hold_it_for_ever(
    legacy: LegacyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "lock_timeout = '5s'" in sizes_module._BOUNDS
    monkeypatch.setattr(sizes_module, "_BOUNDS", sizes_module._BOUNDS.replace("5s", "100ms"))

    async def work() -> None:
        holder = await asyncpg.connect(legacy.address.url)
        try:
            async with holder.transaction():
                await holder.execute("LOCK TABLE ohlc_data IN ACCESS EXCLUSIVE MODE")
                async with connected(legacy.address) as connection:
                    await read_sizes(connection)
        finally:
            await holder.close()

    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="lock timeout"):
        asyncio.run(work())
    assert time.monotonic() - began < 5
