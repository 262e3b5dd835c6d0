"""Sizes of a legacy database: told before any migration has touched it, and not twice once its rows were adopted."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import asyncpg
import pytest

from shared.adapters.postgres import sizes as sizes_module
from shared.adapters.postgres.adoption import adopting
from shared.adapters.postgres.connection import connected
from shared.adapters.postgres.legacy_tables import AdoptionOptions
from shared.adapters.postgres.sizes import REST, read_sizes
from shared.domain.retention import Dataset
from shared.domain.signals import Side
from shared.domain.stored import Timeframe
from shared.ports import StoreError, StoreUnavailable
from tests.integration.sizes_reading import read, sample, table
from tests.legacy_database import CANDLES, DAYS, FEATURES, REPEATED, SCANS, LegacyDatabase
from tests.retention_database import Servers

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=[16, 18])
def legacy(request: pytest.FixtureRequest, retention_servers: Servers, tmp_path: Path) -> Iterator[LegacyDatabase]:
    """A legacy database, on the oldest and on the newest Postgres, with statistics and without our schema."""
    with LegacyDatabase.on(retention_servers.database(request.param, tmp_path).address) as made:
        made.execute("VACUUM ANALYZE")
        yield made


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


def test_a_sample_needs_our_schema(legacy: LegacyDatabase) -> None:
    with pytest.raises(StoreError, match="run recovery db migrate"):
        sample(legacy)


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
