"""How fast tables grow, by what is best known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.postgres.catalog import Relation
from shared.adapters.postgres.growth import Basis, KnownGrowth, Samples, Source, of_plain_table, summed, written
from shared.domain.retention import Dataset, Partition, Place
from shared.domain.storage import TableSize
from shared.domain.table_statistics import TimeDistribution

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY = NOW.replace(hour=0)
DAY = timedelta(days=1)


def relation(name: str, size_bytes: int, parent: str | None = None, newest: datetime = NOW) -> Relation:
    return Relation(
        size=TableSize(name, 100, size_bytes, 0, 0, 0, 0),
        parent=parent,
        schema="public",
        table=name,
        pages=1,
        time_column="timestamp",
        seen_at=NOW,
        is_analyzed=True,
        times=TimeDistribution([newest - 10 * DAY, newest]),
    )


def partition(days_ago: int, size_bytes: int) -> Partition:
    start = TODAY - days_ago * DAY
    return Partition(Dataset.OHLC_1M, start, start + DAY, Place.LIVE, 1, size_bytes)


def test_complete_partitions_tell_what_is_written() -> None:
    known = written(Dataset.OHLC_1M, [partition(1, 700), partition(2, 300)], [], NOW)
    assert known == KnownGrowth(500, Basis.PARTITIONS)


def test_else_the_newest_partition_with_rows_tells() -> None:
    sources = [
        Source(relation("ohlc_data_1m_20260309", 9999, "ohlc_data_1m"), {Dataset.OHLC_1M: 1.0}),
        Source(relation("ohlc_data_1m_20260310", 1000, "ohlc_data_1m"), {Dataset.OHLC_1M: 1.0}),
        Source(relation("ohlc_data_1m_20260311", 0, "ohlc_data_1m"), {Dataset.OHLC_1M: 1.0}),
    ]
    assert written(Dataset.OHLC_1M, [], sources, NOW) == KnownGrowth(pytest.approx(100), Basis.STATISTICS)


def test_a_legacy_table_grows_for_each_dataset_by_its_share() -> None:
    source = Source(relation("ohlc_data", 1000), {Dataset.OHLC_1M: 0.9, Dataset.OHLC_1H: 0.1})
    assert written(Dataset.OHLC_1M, [], [source], NOW).bytes_per_day == pytest.approx(90)
    assert written(Dataset.OHLC_1H, [], [source], NOW).bytes_per_day == pytest.approx(10)
    assert written(Dataset.OHLC_15M, [], [source], NOW).bytes_per_day == 0


def test_what_is_there_without_statistics_grows_unknown() -> None:
    source = Source(replace(relation("ohlc_data", 1000), times=TimeDistribution(())), {Dataset.OHLC_1M: 1.0})
    assert written(Dataset.OHLC_1M, [], [source], NOW) == KnownGrowth(None, Basis.UNKNOWN)
    assert of_plain_table(source.relation.size, source.relation) == KnownGrowth(None, Basis.UNKNOWN)


def test_an_empty_dataset_does_not_grow() -> None:
    assert written(Dataset.OHLC_1M, [], [], NOW).bytes_per_day == 0


def test_a_whole_is_known_no_better_than_its_parts() -> None:
    measured, counted = KnownGrowth(1, Basis.SAMPLES), KnownGrowth(2, Basis.PARTITIONS)
    assert summed([measured]) == measured
    assert summed([counted, measured]) == KnownGrowth(3, Basis.PARTITIONS)
    assert summed([counted, KnownGrowth(None, Basis.UNKNOWN), measured]).bytes_per_day is None


def test_samples_measure_from_a_day_on() -> None:
    samples = Samples()
    samples.add(NOW - 2 * DAY, 1000, {"ohlc_data_1m": 100})
    assert samples.growth("", NOW) is None
    samples.add(NOW, 3000, {"ohlc_data_1m": 50, "new": 7})
    assert samples.growth("", NOW) == KnownGrowth(1000, Basis.SAMPLES)
    assert samples.growth("ohlc_data_1m", NOW) == KnownGrowth(-25, Basis.SAMPLES)
    assert samples.growth("new", NOW) is None
    assert samples.growth("unheard of", NOW) is None
