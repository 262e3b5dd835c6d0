"""Sizes as the catalog and the planner tell them: of whole tables, of partitions, and estimated where nobody counted."""

import pytest

from shared.adapters.postgres.sizes import REST
from shared.domain.retention import Dataset
from tests.integration.sizes_reading import DAY, TODAY, read, table
from tests.legacy_database import LegacyDatabase
from tests.retention_database import RetentionDatabase

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


def test_an_empty_database_is_told(database: RetentionDatabase) -> None:
    with LegacyDatabase.on(database.address, empty=True) as nothing:
        sizes = read(nothing)
    assert [each.name for each in sizes.tables] == [REST]
    assert sizes.database_growth.bytes_per_day == 0
    assert set(sizes.written_per_day.values()) == {0}


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
