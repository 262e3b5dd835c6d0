"""Growth of a database: measured between samples, else told by complete partitions, else by the planner's statistics."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.postgres.growth import Basis
from shared.domain.retention import Dataset
from tests.integration.sizes_reading import DAY, NOW, TODAY, read, sample, table
from tests.legacy_database import LegacyDatabase
from tests.retention_database import RetentionDatabase

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


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
