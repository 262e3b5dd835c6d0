"""How large a database will be in days to come, with retention and without."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.retention import Dataset, Fate, Partition, PolicyError, RetentionPolicy, fate
from shared.domain.windows import PartitionStep, in_utc

_DAY = timedelta(days=1)
# Complete steps the written volume is taken from: one busy day is no measure, and a month is its own average.
_STEPS_MEASURED = {PartitionStep.DAILY: 7, PartitionStep.MONTHLY: 1}


def written_per_day(partitions: Iterable[Partition], dataset: Dataset, now: datetime) -> float | None:
    """Bytes a dataset gains a day, from its newest complete steps: up to 7 days or 1 month; None where it has none.

    Net growth would not do: once retention is in force, as much is dropped as is written.
    """
    step = dataset.step
    sizes: dict[datetime, int] = {}
    for partition in partitions:
        if partition.dataset is dataset:
            sizes[partition.start] = sizes.get(partition.start, 0) + partition.bytes
    total, start = 0, step.span(now).start
    end = start
    for _ in range(_STEPS_MEASURED[step]):
        previous = step.span(start - _DAY).start
        if previous not in sizes:
            break
        total, start = total + sizes[previous], previous
    return total / ((end - start) / _DAY) if start < end else None


@dataclass(frozen=True)
class Projection:
    """The size on one day to come.

    Attributes:
        day: Days from now.
        bytes_without: If nothing is ever dropped.
        bytes_with: If retention is in force.
    """

    day: int
    bytes_without: float
    bytes_with: float


def project(
    total_bytes: int,
    partitions: Sequence[Partition],
    policies: Sequence[RetentionPolicy],
    bytes_per_day: Mapping[Dataset, float | None],
    other_bytes_per_day: float | None,
    now: datetime,
    days: int,
) -> tuple[Projection, ...] | None:
    """The size of a database from today, with and without retention; None where a growth is unknown.

    What retention adds, the daily aggregates of scan history, is left out: a few rows a day.

    Args:
        total_bytes: Today, everything included.
        partitions: All there are, among `total_bytes`.
        policies: One for each dataset.
        bytes_per_day: What is written of each dataset with a policy; None or absent is unknown.
        other_bytes_per_day: What is written of everything that retention leaves alone.
        now: UTC.
        days: The last day, counted from now.

    Returns:
        One for each day, 0 to `days`.

    Raises:
        PolicyError: A dataset has partitions and no policy.
    """
    by_dataset = {policy.dataset: policy for policy in policies}
    for partition in partitions:
        if partition.dataset not in by_dataset:
            raise PolicyError(f"{partition.dataset}: has partitions and no policy")
    written = {policy.dataset: bytes_per_day.get(policy.dataset) for policy in policies}
    known = {dataset: rate for dataset, rate in written.items() if rate is not None}
    if other_bytes_per_day is None or len(known) < len(written):
        return None
    all_per_day = other_bytes_per_day + sum(known.values())
    projected = []
    for day in range(days + 1):
        at = now + day * _DAY
        dropped = sum(p.bytes for p in partitions if not _stays(p, by_dataset[p.dataset], at))
        newly = sum(rate * _days_kept(by_dataset[dataset], now, at) for dataset, rate in known.items())
        projected.append(
            Projection(
                day,
                bytes_without=total_bytes + all_per_day * day,
                bytes_with=total_bytes - dropped + other_bytes_per_day * day + newly,
            )
        )
    return tuple(projected)


def _stays(partition: Partition, policy: RetentionPolicy, at: datetime) -> bool:
    return partition.is_held(at) or fate(policy, partition.end, at) is not Fate.GONE


def _days_kept(policy: RetentionPolicy, since: datetime, at: datetime) -> float:
    """Days of `since` to `at` whose rows are still in the database at `at`."""
    leaves = (policy.archive_until or policy.keep).before(at)
    # The step in which the window began is still there, whole.
    return (in_utc(at) - max(in_utc(since), policy.dataset.step.span(leaves).start)) / _DAY
