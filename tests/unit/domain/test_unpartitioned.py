"""A table without partitions, described as if it had them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.retention import Dataset
from shared.domain.table_statistics import TimeDistribution
from shared.domain.unpartitioned import as_partitions, recent_per_day

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def between(first: datetime, last: datetime) -> TimeDistribution:
    return TimeDistribution([first, last])


def test_a_table_is_described_by_days() -> None:
    partitions = as_partitions(Dataset.OHLC_1M, 4000, 400, between(START + DAY / 2, START + 4.5 * DAY))
    assert [(p.start, p.end) for p in partitions] == [(START + n * DAY, START + (n + 1) * DAY) for n in range(5)]
    assert [p.rows for p in partitions] == [50, 100, 100, 100, 50]
    assert [p.bytes for p in partitions] == [500, 1000, 1000, 1000, 500]


def test_a_table_is_described_by_months() -> None:
    partitions = as_partitions(Dataset.OHLC_1H, 5900, None, between(START, START + 59 * DAY))
    assert [(p.start.month, p.bytes, p.rows) for p in partitions] == [(1, 3100, None), (2, 2800, None)]


def test_steps_without_rows_are_none() -> None:
    times = TimeDistribution((), {START: 0.5, START + 9 * DAY: 0.5})
    assert [p.start for p in as_partitions(Dataset.OHLC_1M, 10, 10, times)] == [START, START + 9 * DAY]


def test_without_times_there_is_nothing_to_describe() -> None:
    assert as_partitions(Dataset.OHLC_1M, 10, 10, TimeDistribution(())) == ()
    assert recent_per_day(10, TimeDistribution(()), START) is None


@given(
    size_bytes=st.integers(0, 10**12),
    rows=st.integers(0, 10**9),
    hours=st.lists(st.integers(0, 24 * 90), min_size=2, max_size=30, unique=True).map(sorted),
    dataset=st.sampled_from(Dataset),
)
def test_nothing_is_lost_in_describing(size_bytes: int, rows: int, hours: list[int], dataset: Dataset) -> None:
    times = TimeDistribution([START + timedelta(hours=hour) for hour in hours])
    partitions = as_partitions(dataset, size_bytes, rows, times)
    assert sum(p.bytes for p in partitions) == pytest.approx(size_bytes, abs=len(partitions))
    assert sum(p.rows or 0 for p in partitions) == pytest.approx(rows, abs=len(partitions))


def test_growth_is_that_of_the_newest_week() -> None:
    times = TimeDistribution([START, START + 100 * DAY, START + 110 * DAY])
    # Half of the rows lie in the last 10 days.
    assert recent_per_day(2000, times, START + 110 * DAY) == pytest.approx(100)
    assert recent_per_day(2000, times, START + 111 * DAY) == pytest.approx(100)


def test_a_table_that_nobody_writes_to_does_not_grow() -> None:
    times = between(START, START + 10 * DAY)
    assert recent_per_day(2000, times, START + 16 * DAY) == pytest.approx(200)
    assert recent_per_day(2000, times, START + 18 * DAY) == 0


def test_rows_stamped_ahead_are_no_growth_yet() -> None:
    times = between(START, START + 20 * DAY)
    assert recent_per_day(2000, times, START + 10 * DAY) == pytest.approx(100)


def test_a_short_history_tells_no_rate() -> None:
    assert recent_per_day(2000, between(START, START + timedelta(hours=5)), START + DAY) is None
    assert recent_per_day(2000, between(START, START + timedelta(hours=12)), START + DAY) == pytest.approx(4000)
