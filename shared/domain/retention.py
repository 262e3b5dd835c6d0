"""How long rows stay: each one is live, then archived, then gone, and whole partitions move, never rows.

A partition is judged by its END, so no row leaves before its window is over; the price is that the oldest rows of a
partition stay up to one step longer. All times are UTC; none is read from a clock here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum

from shared.domain.windows import PartitionStep, Span, Window, in_utc


class RetentionError(ValueError):
    """A policy or partition that retention cannot rest on. The message is one sentence."""


class PolicyError(RetentionError):
    """Windows that contradict each other, or a dataset without any."""


class PartitionError(RetentionError):
    """Partitions that are not the dataset's steps, or are there twice."""


class Dataset(StrEnum):
    """What is kept by the window; the candles are partitions of one table, by timeframe."""

    OHLC_1M = "ohlc_1m"
    OHLC_15M = "ohlc_15m"
    OHLC_1H = "ohlc_1h"
    ML_FEATURES = "ml_features"
    SCAN_HISTORY = "scan_history"

    @property
    def step(self) -> PartitionStep:
        daily = self in (Dataset.OHLC_1M, Dataset.SCAN_HISTORY)
        return PartitionStep.DAILY if daily else PartitionStep.MONTHLY


class Fate(Enum):
    """Where rows belong, in the order of their life."""

    LIVE = "live"
    ARCHIVED = "archived"
    GONE = "gone"


@dataclass(frozen=True)
class RetentionPolicy:
    """The windows of one dataset, each counted back from now.

    Attributes:
        dataset: What it rules.
        keep: How long rows stay in the working tables.
        archive_until: When they leave the archive; None where they go from live to gone.
        aggregate_until: When the daily aggregates of the rows go; only scan history has them, and it must.
    """

    dataset: Dataset
    keep: Window
    archive_until: Window | None = None
    aggregate_until: Window | None = None

    def __post_init__(self) -> None:
        for name in ("archive_until", "aggregate_until"):
            window: Window | None = getattr(self, name)
            if window is not None and not window.outlasts(self.keep):
                raise PolicyError(f"{name} = {window}: must be longer than keep = {self.keep}")
        if (self.aggregate_until is not None) != (self.dataset is Dataset.SCAN_HISTORY):
            raise PolicyError(f"aggregate_until = {self.aggregate_until}: is for scan_history, this is {self.dataset}")


def fate(policy: RetentionPolicy, step_end: datetime, now: datetime) -> Fate:
    """Where a partition that ends at `step_end` belongs; what lies ahead of `now` is live."""
    step_end = in_utc(step_end)
    if step_end > policy.keep.before(now):
        return Fate.LIVE
    if policy.archive_until is not None and step_end > policy.archive_until.before(now):
        return Fate.ARCHIVED
    return Fate.GONE


def row_fate(policy: RetentionPolicy, at: datetime, now: datetime) -> Fate:
    """Where a row stamped `at` belongs: its partition's fate."""
    return fate(policy, policy.dataset.step.span(at).end, now)


def aggregate_cutoff(policy: RetentionPolicy, now: datetime) -> datetime | None:
    """The daily aggregates of the days that END at or before this UTC midnight are gone; None where there are none."""
    if policy.aggregate_until is None:
        return None
    return PartitionStep.DAILY.span(policy.aggregate_until.before(now)).start


class Place(StrEnum):
    """The schema a partition is found in."""

    LIVE = "live"
    ARCHIVE = "archive"


@dataclass(frozen=True)
class Partition:
    """A partition as found in the catalog.

    Attributes:
        dataset: What it holds.
        start, end: Its bounds, `[start, end)`, UTC: one step of the dataset.
        place: Where it is. Rows that came late make a live partition of a period that is in the archive already.
        rows: Rows it holds, by estimate; None where the catalog does not know.
        bytes: Bytes on disk, indexes included.
        held_until: A period brought back from its file is not dropped before; None for any other.
    """

    dataset: Dataset
    start: datetime
    end: datetime
    place: Place
    rows: int | None
    bytes: int
    held_until: datetime | None = None

    def __post_init__(self) -> None:
        step = self.dataset.step
        if step.span(self.start) != Span(in_utc(self.start), in_utc(self.end)):
            raise PartitionError(
                f"{self.dataset} from {self.start} to {self.end}: must be one {step.value} step in UTC"
            )

    def is_held(self, now: datetime) -> bool:
        """Whether it must not be dropped yet, whatever its fate."""
        return self.held_until is not None and in_utc(now) < in_utc(self.held_until)


@dataclass(frozen=True)
class CreatePartition:
    """Make an empty live partition."""

    dataset: Dataset
    start: datetime
    end: datetime


@dataclass(frozen=True)
class MoveToArchive:
    """Take a live partition out of the working table, into the archive."""

    dataset: Dataset
    start: datetime
    end: datetime


@dataclass(frozen=True)
class ExportAndDrop:
    """Write a partition to a file, verify the file, drop the partition. Scan history is aggregated before."""

    dataset: Dataset
    start: datetime
    end: datetime
    place: Place


Action = CreatePartition | MoveToArchive | ExportAndDrop


def plan(
    partitions: Iterable[Partition],
    policies: Iterable[RetentionPolicy],
    now: datetime,
    ahead: Mapping[PartitionStep, int],
) -> tuple[Action, ...]:
    """What to do, in an order that may stop after any action and be planned anew.

    Args:
        partitions: All there are, live and archived.
        policies: One for each dataset; a dataset that is not in use may be left out.
        now: UTC.
        ahead: Steps to make beyond the one that contains `now`: there is no DEFAULT partition to catch their rows.

    Returns:
        Creations, then moves, then drops, each oldest first.

    Raises:
        PolicyError: A dataset has partitions and no policy, or two policies.
        PartitionError: A partition is there twice in one place.
    """
    by_dataset = _by_dataset(policies)
    found = _found(partitions, by_dataset)
    creations = [
        CreatePartition(dataset, span.start, span.end)
        for dataset in by_dataset
        for span in (dataset.step.span(now), *dataset.step.following(now, ahead[dataset.step]))
        if (dataset, span.start, Place.LIVE) not in found
    ]
    moves: list[MoveToArchive] = []
    drops: list[ExportAndDrop] = []
    for partition in found.values():
        due = fate(by_dataset[partition.dataset], partition.end, now)
        if due is Fate.GONE and not partition.is_held(now):
            drops.append(ExportAndDrop(partition.dataset, partition.start, partition.end, partition.place))
        elif due is Fate.ARCHIVED and partition.place is Place.LIVE:
            moves.append(MoveToArchive(partition.dataset, partition.start, partition.end))
    return (
        *sorted(creations, key=lambda action: (action.start, action.dataset)),
        *sorted(moves, key=lambda action: (action.start, action.dataset)),
        *sorted(drops, key=lambda action: (action.start, action.dataset, action.place)),
    )


def _by_dataset(policies: Iterable[RetentionPolicy]) -> dict[Dataset, RetentionPolicy]:
    by_dataset: dict[Dataset, RetentionPolicy] = {}
    for policy in policies:
        if policy.dataset in by_dataset:
            raise PolicyError(f"{policy.dataset}: has two policies")
        by_dataset[policy.dataset] = policy
    return by_dataset


def _found(
    partitions: Iterable[Partition], by_dataset: Mapping[Dataset, RetentionPolicy]
) -> dict[tuple[Dataset, datetime, Place], Partition]:
    found: dict[tuple[Dataset, datetime, Place], Partition] = {}
    for partition in partitions:
        key = (partition.dataset, partition.start, partition.place)
        if partition.dataset not in by_dataset:
            raise PolicyError(f"{partition.dataset}: has partitions and no policy")
        if key in found:
            raise PartitionError(f"{partition.dataset} from {partition.start}: is there twice in {partition.place}")
        found[key] = partition
    return found
