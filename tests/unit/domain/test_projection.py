"""Days to come agree with a day-by-day count of what is written and what is dropped."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.projection import Projection, project, written_per_day
from shared.domain.retention import Dataset, Fate, Partition, Place, PolicyError, RetentionPolicy, row_fate
from shared.domain.windows import Window

NOW = datetime(2026, 3, 31, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
POLICIES = (
    RetentionPolicy(Dataset.OHLC_1M, Window(days=30), archive_until=Window(days=90)),
    RetentionPolicy(Dataset.OHLC_15M, Window(months=6), archive_until=Window(months=12)),
    RetentionPolicy(Dataset.OHLC_1H, Window(months=12), archive_until=Window(months=24)),
    RetentionPolicy(Dataset.ML_FEATURES, Window(months=3)),
    RetentionPolicy(Dataset.SCAN_HISTORY, Window(days=30), aggregate_until=Window(days=90)),
)


def partition(dataset: Dataset, at: datetime, size: int, place: Place = Place.LIVE, **hold: datetime) -> Partition:
    span = dataset.step.span(at)
    return Partition(dataset, span.start, span.end, place, rows=None, bytes=size, **hold)


# What is written a day ---------------------------------------------------------------------------------------------------


def test_the_volume_is_the_mean_of_the_last_complete_days() -> None:
    sizes = [partition(Dataset.OHLC_1M, NOW - n * ONE_DAY, 100 * n) for n in range(1, 12)]
    assert written_per_day(sizes, Dataset.OHLC_1M, NOW + timedelta(hours=5)) == pytest.approx(400)


def test_the_day_in_progress_and_those_ahead_do_not_count() -> None:
    sizes = [partition(Dataset.OHLC_1M, NOW + n * ONE_DAY, 100) for n in (-1, 0, 1, 2)]
    assert written_per_day(sizes, Dataset.OHLC_1M, NOW) == 100


def test_days_before_a_gap_do_not_count() -> None:
    sizes = [partition(Dataset.OHLC_1M, NOW - n * ONE_DAY, 100 * n) for n in (1, 2, 4)]
    assert written_per_day(sizes, Dataset.OHLC_1M, NOW) == 150


def test_a_month_is_its_own_average() -> None:
    months = [partition(Dataset.OHLC_1H, datetime(2026, month, 1, tzinfo=UTC), 2800) for month in (1, 2, 3)]
    assert written_per_day(months, Dataset.OHLC_1H, NOW) == 100


def test_a_period_in_both_places_is_one() -> None:
    both = [partition(Dataset.OHLC_1M, NOW - ONE_DAY, 100, place) for place in Place]
    assert written_per_day(both, Dataset.OHLC_1M, NOW) == 200


def test_the_volume_is_unknown_without_a_complete_step() -> None:
    assert written_per_day([], Dataset.OHLC_1M, NOW) is None
    assert written_per_day([partition(Dataset.OHLC_1M, NOW, 100)], Dataset.OHLC_1M, NOW) is None
    assert written_per_day([partition(Dataset.SCAN_HISTORY, NOW - ONE_DAY, 9)], Dataset.OHLC_1M, NOW) is None


# Days to come ------------------------------------------------------------------------------------------------------------


def test_growth_levels_off_where_retention_is_in_force() -> None:
    policy = RetentionPolicy(Dataset.OHLC_1M, Window(days=10), archive_until=Window(days=20))
    days = project(1000, [], [policy], {Dataset.OHLC_1M: 7.0}, 1.0, NOW, days=100)
    assert days is not None
    assert days[0] == Projection(0, bytes_without=1000, bytes_with=1000)
    assert days[10] == Projection(10, bytes_without=1080, bytes_with=1080)
    assert days[100] == Projection(100, bytes_without=1800, bytes_with=1000 + 100 + 20 * 7)


def test_what_is_past_its_window_goes_on_its_day() -> None:
    old = partition(Dataset.OHLC_1M, NOW - 89 * ONE_DAY, 400)
    days = project(1000, [old], POLICIES, dict.fromkeys(Dataset, 0.0), 0.0, NOW, days=3)
    assert days is not None
    assert [day.bytes_with for day in days] == [1000, 1000, 600, 600]
    assert {day.bytes_without for day in days} == {1000}


def test_what_is_held_stays_for_that_long() -> None:
    held = partition(Dataset.OHLC_1M, NOW - 200 * ONE_DAY, 400, held_until=NOW + 2 * ONE_DAY)
    days = project(1000, [held], POLICIES, dict.fromkeys(Dataset, 0.0), 0.0, NOW, days=3)
    assert days is not None
    assert [day.bytes_with for day in days] == [1000, 1000, 600, 600]


@pytest.mark.parametrize("unknown", Dataset)
def test_an_unknown_growth_makes_the_projection_unknown(unknown: Dataset) -> None:
    known = dict.fromkeys(Dataset, 1.0)
    assert project(0, [], POLICIES, known, 1.0, NOW, days=1) is not None
    assert project(0, [], POLICIES, known, None, NOW, days=1) is None
    assert project(0, [], POLICIES, {**known, unknown: None}, 1.0, NOW, days=1) is None
    del known[unknown]
    assert project(0, [], POLICIES, known, 1.0, NOW, days=1) is None


def test_partitions_need_a_policy() -> None:
    with pytest.raises(PolicyError, match="ml_features: has partitions and no policy"):
        project(0, [partition(Dataset.ML_FEATURES, NOW, 1)], POLICIES[:1], {Dataset.OHLC_1M: 0.0}, 0.0, NOW, days=1)


@given(
    dataset=st.sampled_from(Dataset),
    since=st.integers(0, 1500).map(lambda days: datetime(2023, 1, 1, tzinfo=UTC) + days * ONE_DAY),
    days=st.integers(0, 900),
    ages=st.sets(st.integers(0, 800), max_size=10),
)
def test_each_day_is_what_was_written_and_not_yet_dropped(
    dataset: Dataset, since: datetime, days: int, ages: set[int]
) -> None:
    (policy,) = (policy for policy in POLICIES if policy.dataset is dataset)
    spans = {dataset.step.span(since - age * ONE_DAY) for age in ages}
    partitions = [Partition(dataset, span.start, span.end, Place.LIVE, None, 50) for span in spans]
    projected = project(10_000, partitions, [policy], {dataset: 3.0}, 0.0, since, days)
    assert projected is not None

    at = since + days * ONE_DAY
    lost = sum(row_fate(policy, span.start, at) is Fate.GONE for span in spans)
    kept_days = sum(row_fate(policy, since + n * ONE_DAY, at) is not Fate.GONE for n in range(days))
    assert len(projected) == days + 1
    assert projected[-1].bytes_without == 10_000 + 3 * days
    assert projected[-1].bytes_with == pytest.approx(10_000 - 50 * lost + 3 * kept_days)
