"""The windows of the house, and partitions to judge by them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from shared.domain.retention import Action, Dataset, Partition, Place, RetentionPolicy, plan
from shared.domain.windows import PartitionStep, Window

POLICIES = {
    policy.dataset: policy
    for policy in (
        RetentionPolicy(Dataset.OHLC_1M, Window(days=30), archive_until=Window(days=90)),
        RetentionPolicy(Dataset.OHLC_15M, Window(months=6), archive_until=Window(months=12)),
        RetentionPolicy(Dataset.OHLC_1H, Window(months=12), archive_until=Window(months=24)),
        RetentionPolicy(Dataset.ML_FEATURES, Window(months=3)),
        RetentionPolicy(Dataset.SCAN_HISTORY, Window(days=30), aggregate_until=Window(days=90)),
    )
}
AHEAD = {PartitionStep.DAILY: 7, PartitionStep.MONTHLY: 2}
NOW = datetime(2026, 3, 31, 4, 30, tzinfo=UTC)
START = datetime(2023, 1, 1, tzinfo=UTC)
DATASETS = st.sampled_from(Dataset)
TIMES = st.timedeltas(timedelta(0), timedelta(days=1500)).map(lambda since: START + since)


def day(text: str) -> datetime:
    """A time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def partition(dataset: Dataset, at: datetime, place: Place = Place.LIVE, **facts: object) -> Partition:
    """The partition a row of that time lies in."""
    span = dataset.step.span(at)
    return replace(Partition(dataset, span.start, span.end, place, rows=1, bytes=8192), **facts)  # type: ignore[arg-type]


def plan_now(*partitions: Partition, now: datetime = NOW) -> tuple[Action, ...]:
    """What is to be done with these partitions under the windows of the house."""
    return plan(partitions, POLICIES.values(), now, AHEAD)
