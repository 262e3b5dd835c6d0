"""Every row has one fate, that of its partition; policies and partitions that cannot be are refused."""

from datetime import datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.retention import (
    Dataset,
    Fate,
    Partition,
    PartitionError,
    Place,
    PolicyError,
    RetentionPolicy,
    aggregate_cutoff,
    fate,
    row_fate,
)
from shared.domain.windows import PartitionStep, Window, WindowError
from tests.unit.domain.retention_samples import DATASETS, NOW, POLICIES, START, TIMES, day, partition, plan_now


@pytest.mark.parametrize(
    ("dataset", "end", "expected"),
    [
        # NOW is 31 March 2026, 04:30; a partition goes once it ENDED a whole window ago.
        (Dataset.OHLC_1M, "2027-01-01", Fate.LIVE),
        (Dataset.OHLC_1M, "2026-03-02", Fate.LIVE),
        (Dataset.OHLC_1M, "2026-03-01", Fate.ARCHIVED),
        (Dataset.OHLC_1M, "2026-01-01", Fate.ARCHIVED),
        (Dataset.OHLC_1M, "2025-12-31", Fate.GONE),
        (Dataset.OHLC_15M, "2025-10-01", Fate.LIVE),
        (Dataset.OHLC_15M, "2025-09-01", Fate.ARCHIVED),
        (Dataset.OHLC_15M, "2025-04-01", Fate.ARCHIVED),
        (Dataset.OHLC_15M, "2025-03-01", Fate.GONE),
        (Dataset.OHLC_1H, "2025-04-01", Fate.LIVE),
        (Dataset.OHLC_1H, "2025-03-01", Fate.ARCHIVED),
        (Dataset.OHLC_1H, "2024-04-01", Fate.ARCHIVED),
        (Dataset.OHLC_1H, "2024-03-01", Fate.GONE),
        (Dataset.ML_FEATURES, "2026-01-01", Fate.LIVE),
        (Dataset.ML_FEATURES, "2025-12-01", Fate.GONE),
        (Dataset.SCAN_HISTORY, "2026-03-02", Fate.LIVE),
        (Dataset.SCAN_HISTORY, "2026-03-01", Fate.GONE),
    ],
)
def test_the_windows_of_the_house(dataset: Dataset, end: str, expected: Fate) -> None:
    assert fate(POLICIES[dataset], day(end), NOW) is expected


def test_a_partition_goes_at_the_instant_its_window_is_over() -> None:
    policy, end = POLICIES[Dataset.OHLC_1M], day("2026-03-01")
    for days, before, after in ((30, Fate.LIVE, Fate.ARCHIVED), (90, Fate.ARCHIVED, Fate.GONE)):
        over = end + timedelta(days=days)
        assert fate(policy, end, over - timedelta(microseconds=1)) is before
        assert fate(policy, end, over) is after


def test_aggregates_outlive_their_scans() -> None:
    assert aggregate_cutoff(POLICIES[Dataset.SCAN_HISTORY], NOW) == day("2025-12-31")
    assert aggregate_cutoff(POLICIES[Dataset.OHLC_1M], NOW) is None


@given(DATASETS, TIMES, TIMES)
def test_each_row_has_one_fate_and_it_is_that_of_its_partition(dataset: Dataset, at: datetime, now: datetime) -> None:
    policy, span = POLICIES[dataset], dataset.step.span(at)
    assert row_fate(policy, at, now) is row_fate(policy, span.start, now) is fate(policy, span.end, now)


@given(DATASETS, TIMES, TIMES, st.timedeltas(timedelta(0), timedelta(days=1000)))
def test_fates_only_move_forward(dataset: Dataset, at: datetime, now: datetime, later: timedelta) -> None:
    order = list(Fate)
    fates = [row_fate(POLICIES[dataset], at, moment) for moment in (now, now + later)]
    assert order.index(fates[0]) <= order.index(fates[1])


@given(DATASETS, TIMES, TIMES)
def test_no_row_leaves_early_and_none_stays_longer_than_a_step(dataset: Dataset, at: datetime, now: datetime) -> None:
    # Counted anew, with another calendar and from the row's own time.
    policy = POLICIES[dataset]
    step = relativedelta(days=1) if dataset.step is PartitionStep.DAILY else relativedelta(months=1)
    kept_since, archived_since = (
        now - relativedelta(days=window.days, months=window.months)
        for window in (policy.keep, policy.archive_until or policy.keep)
    )
    found = row_fate(policy, at, now)
    if at >= kept_since:
        assert found is Fate.LIVE
    if at >= archived_since:
        assert found is not Fate.GONE
    if at + step <= kept_since:
        assert found is not Fate.LIVE
    if at + step <= archived_since:
        assert found is Fate.GONE


# Policies and partitions that cannot be.


@pytest.mark.parametrize("until", [Window(days=29), Window(days=30), Window(months=1)])
def test_an_archive_ends_after_it_began(until: Window) -> None:
    with pytest.raises(PolicyError, match=f"archive_until = {until}: must be longer than keep = 30d"):
        RetentionPolicy(Dataset.OHLC_1M, Window(days=30), archive_until=until)


def test_aggregates_end_after_their_scans() -> None:
    with pytest.raises(PolicyError, match="aggregate_until = 30d: must be longer than keep = 30d"):
        RetentionPolicy(Dataset.SCAN_HISTORY, Window(days=30), aggregate_until=Window(days=30))


def test_aggregates_are_of_scans() -> None:
    with pytest.raises(PolicyError, match="aggregate_until = 90d: is for scan_history, this is ml_features"):
        RetentionPolicy(Dataset.ML_FEATURES, Window(days=30), aggregate_until=Window(days=90))
    with pytest.raises(PolicyError, match="aggregate_until = None: is for scan_history, this is scan_history"):
        RetentionPolicy(Dataset.SCAN_HISTORY, Window(days=30))


@pytest.mark.parametrize(
    ("dataset", "start", "end"),
    [
        (Dataset.OHLC_1M, "2026-03-01T01:00", "2026-03-02T01:00"),
        (Dataset.OHLC_1M, "2026-03-01", "2026-03-03"),
        (Dataset.OHLC_1M, "2026-03-01", "2026-03-01"),
        (Dataset.OHLC_1H, "2026-03-01", "2026-03-02"),
        (Dataset.OHLC_1H, "2026-03-02", "2026-04-02"),
    ],
)
def test_a_partition_is_one_step(dataset: Dataset, start: str, end: str) -> None:
    with pytest.raises(PartitionError, match=r"must be one (daily|monthly) step in UTC"):
        Partition(dataset, day(start), day(end), Place.LIVE, rows=0, bytes=0)


def test_times_without_a_zone_are_refused() -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - a naive time is the point
    with pytest.raises(WindowError, match="has no time zone"):
        fate(POLICIES[Dataset.OHLC_1M], naive, NOW)
    with pytest.raises(WindowError, match="has no time zone"):
        plan_now(now=naive)
    with pytest.raises(WindowError, match="has no time zone"):
        plan_now(partition(Dataset.OHLC_1M, START, held_until=naive))
