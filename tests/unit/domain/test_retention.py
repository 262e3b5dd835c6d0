"""Every row has one fate; plans lose no row, may be interrupted anywhere, and come to rest."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.retention import (
    Action,
    CreatePartition,
    Dataset,
    ExportAndDrop,
    Fate,
    MoveToArchive,
    Partition,
    PartitionError,
    Place,
    PolicyError,
    RetentionPolicy,
    aggregate_cutoff,
    fate,
    plan,
    row_fate,
)
from shared.domain.windows import PartitionStep, Window, WindowError

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
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def partition(dataset: Dataset, at: datetime, place: Place = Place.LIVE, **facts: object) -> Partition:
    span = dataset.step.span(at)
    return replace(Partition(dataset, span.start, span.end, place, rows=1, bytes=8192), **facts)  # type: ignore[arg-type]


def plan_now(*partitions: Partition, now: datetime = NOW) -> tuple[Action, ...]:
    return plan(partitions, POLICIES.values(), now, AHEAD)


# Fates -----------------------------------------------------------------------------------------------------------------


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
    is_late = {
        window: at + step <= now - relativedelta(days=window.days, months=window.months)
        for window in (policy.keep, policy.archive_until or policy.keep)
    }
    is_within = {
        window: at >= now - relativedelta(days=window.days, months=window.months)
        for window in (policy.keep, policy.archive_until or policy.keep)
    }
    found = row_fate(policy, at, now)
    if is_within[policy.keep]:
        assert found is Fate.LIVE
    if is_within[policy.archive_until or policy.keep]:
        assert found is not Fate.GONE
    if is_late[policy.keep]:
        assert found is not Fate.LIVE
    if is_late[policy.archive_until or policy.keep]:
        assert found is Fate.GONE


# Policies and partitions that cannot be ----------------------------------------------------------------------------------


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


def test_a_dataset_without_a_policy_is_refused_if_it_has_partitions() -> None:
    policies = [POLICIES[Dataset.OHLC_1M]]
    plan([partition(Dataset.OHLC_1M, NOW)], policies, NOW, AHEAD)
    with pytest.raises(PolicyError, match="ml_features: has partitions and no policy"):
        plan([partition(Dataset.ML_FEATURES, NOW)], policies, NOW, AHEAD)


def test_a_dataset_has_one_policy() -> None:
    with pytest.raises(PolicyError, match="ohlc_1m: has two policies"):
        plan([], [POLICIES[Dataset.OHLC_1M]] * 2, NOW, AHEAD)


def test_a_partition_is_in_a_place_once() -> None:
    twice = partition(Dataset.OHLC_1M, START, Place.ARCHIVE)
    with pytest.raises(PartitionError, match=r"ohlc_1m from 2023-01-01 .* is there twice in archive"):
        plan_now(twice, twice)


# Plans -------------------------------------------------------------------------------------------------------------------


def test_an_empty_database_gets_the_steps_of_now_and_ahead() -> None:
    actions = plan_now()
    assert all(isinstance(action, CreatePartition) for action in actions)
    made = {dataset: [a.start for a in actions if a.dataset is dataset] for dataset in Dataset}
    days = [day("2026-03-31") + timedelta(days=number) for number in range(8)]
    months = [day("2026-03-01"), day("2026-04-01"), day("2026-05-01")]
    assert made[Dataset.OHLC_1M] == made[Dataset.SCAN_HISTORY] == days
    assert made[Dataset.OHLC_15M] == made[Dataset.OHLC_1H] == made[Dataset.ML_FEATURES] == months


def test_what_is_there_is_not_made_again() -> None:
    actions = plan_now(partition(Dataset.OHLC_1M, NOW), partition(Dataset.ML_FEATURES, NOW))
    assert CreatePartition(Dataset.OHLC_1M, day("2026-03-31"), day("2026-04-01")) not in actions
    assert CreatePartition(Dataset.ML_FEATURES, day("2026-03-01"), day("2026-04-01")) not in actions
    assert CreatePartition(Dataset.OHLC_1M, day("2026-04-01"), day("2026-04-02")) in actions


def test_creations_come_first_then_moves_then_drops_oldest_first() -> None:
    actions = plan_now(
        partition(Dataset.OHLC_1H, day("2024-12-01")),
        partition(Dataset.OHLC_1M, day("2024-01-02")),
        partition(Dataset.OHLC_1M, day("2026-02-02")),
        partition(Dataset.ML_FEATURES, day("2025-11-01")),
        partition(Dataset.SCAN_HISTORY, day("2024-01-01")),
        partition(Dataset.OHLC_1M, day("2026-02-01")),
        partition(Dataset.OHLC_1M, day("2024-01-02"), Place.ARCHIVE),
        partition(Dataset.OHLC_1M, day("2024-01-01")),
    )
    others = [action for action in actions if not isinstance(action, CreatePartition)]
    assert others == list(actions[-len(others) :])
    assert [(type(action), action.dataset, f"{action.start:%Y%m%d}") for action in others] == [
        (MoveToArchive, Dataset.OHLC_1H, "20241201"),
        (MoveToArchive, Dataset.OHLC_1M, "20260201"),
        (MoveToArchive, Dataset.OHLC_1M, "20260202"),
        (ExportAndDrop, Dataset.OHLC_1M, "20240101"),
        (ExportAndDrop, Dataset.SCAN_HISTORY, "20240101"),
        (ExportAndDrop, Dataset.OHLC_1M, "20240102"),
        (ExportAndDrop, Dataset.OHLC_1M, "20240102"),
        (ExportAndDrop, Dataset.ML_FEATURES, "20251101"),
    ]
    assert [action.place for action in others[5:7] if isinstance(action, ExportAndDrop)] == [Place.ARCHIVE, Place.LIVE]


def test_an_archived_partition_stays_where_it_is_until_it_is_gone() -> None:
    live, archived = partition(Dataset.OHLC_1M, day("2026-03-30")), partition(Dataset.OHLC_1M, day("2026-02-01"))
    places = [replace(found, place=Place.ARCHIVE) for found in (live, archived)]
    assert all(isinstance(action, CreatePartition) for action in plan_now(*places))


def test_a_period_brought_back_is_dropped_only_after_its_hold() -> None:
    held = partition(Dataset.OHLC_1M, day("2025-01-01"), Place.ARCHIVE, held_until=NOW + timedelta(days=3))
    drop = ExportAndDrop(held.dataset, held.start, held.end, Place.ARCHIVE)
    assert drop not in plan_now(held)
    assert drop not in plan_now(held, now=NOW + timedelta(days=3, microseconds=-1))
    assert drop in plan_now(held, now=NOW + timedelta(days=3))


@dataclass
class Storage:
    """A store in memory: rows by partition and place, and in files. A file takes in what is exported again."""

    places: dict[Place, dict[tuple[Dataset, datetime], set[datetime]]] = field(
        default_factory=lambda: {place: {} for place in Place}
    )
    files: dict[tuple[Dataset, datetime], set[datetime]] = field(default_factory=dict)

    def insert(self, rows: Iterable[tuple[Dataset, datetime]]) -> None:
        for dataset, at in rows:
            elsewhere = self.find(dataset, at)
            if not elsewhere:
                self.places[Place.LIVE].setdefault((dataset, dataset.step.span(at).start), set()).add(at)

    def find(self, dataset: Dataset, at: datetime) -> list[str]:
        key = (dataset, dataset.step.span(at).start)
        shelves = {**{str(place): tables for place, tables in self.places.items()}, "file": self.files}
        return [name for name, tables in shelves.items() if at in tables.get(key, set())]

    def catalog(self) -> list[Partition]:
        return [
            partition(dataset, start, place, rows=len(rows))
            for place, tables in self.places.items()
            for (dataset, start), rows in tables.items()
        ]

    def execute(self, action: Action, *, dies_within: bool = False) -> None:
        key = (action.dataset, action.start)
        live, archive = self.places[Place.LIVE], self.places[Place.ARCHIVE]
        match action:
            case CreatePartition():
                assert key not in live
                live[key] = set()
            case MoveToArchive() if not dies_within:  # one transaction
                archive[key] = archive.get(key, set()) | live.pop(key)
            case ExportAndDrop(place=place):
                self.files[key] = self.files.get(key, set()) | self.places[place][key]
                if not dies_within:
                    del self.places[place][key]

    def enforce(self, now: datetime) -> None:
        for action in plan(self.catalog(), POLICIES.values(), now, AHEAD):
            self.execute(action)


ROWS = st.lists(
    st.tuples(DATASETS, st.integers(0, 1200).map(lambda days: START + timedelta(days=days, hours=7))),
    max_size=25,
    unique=True,
)
RUNS = st.lists(st.tuples(st.integers(0, 200), ROWS), min_size=1, max_size=6)


@given(RUNS)
def test_runs_conserve_rows_and_come_to_rest(runs: list[tuple[int, list[tuple[Dataset, datetime]]]]) -> None:
    storage, now, written = Storage(), START + timedelta(days=400), set[tuple[Dataset, datetime]]()
    shelf = {Fate.LIVE: "live", Fate.ARCHIVED: "archive", Fate.GONE: "file"}
    for days, rows in runs:
        now += timedelta(days=days)
        storage.insert(rows)  # some late: their period may be archived or in a file already
        written |= set(rows)
        storage.enforce(now)
        assert plan(storage.catalog(), POLICIES.values(), now, AHEAD) == ()
        for dataset, at in written:
            assert storage.find(dataset, at) == [shelf[row_fate(POLICIES[dataset], at, now)]]


@given(ROWS, st.integers(0, 1500), st.data())
def test_a_run_that_dies_anywhere_is_finished_by_the_next(
    rows: list[tuple[Dataset, datetime]], days: int, data: st.DataObject
) -> None:
    now = START + timedelta(days=days)
    whole, interrupted = Storage(), Storage()
    for storage in (whole, interrupted):
        storage.insert(rows)
        storage.enforce(now - timedelta(days=100))
    actions = plan(interrupted.catalog(), POLICIES.values(), now, AHEAD)
    stop = data.draw(st.integers(0, len(actions)))
    for action in actions[:stop]:
        interrupted.execute(action)
    if stop < len(actions) and data.draw(st.booleans()):
        interrupted.execute(actions[stop], dies_within=True)
    interrupted.enforce(now)
    whole.enforce(now)
    assert interrupted == whole


@given(ROWS, TIMES, st.randoms())
def test_a_plan_depends_on_no_order_and_names_nothing_twice(
    rows: list[tuple[Dataset, datetime]], now: datetime, random: Random
) -> None:
    storage = Storage()
    storage.insert(rows)
    catalog, policies = storage.catalog(), list(POLICIES.values())
    actions = plan(catalog, policies, now, AHEAD)
    random.shuffle(catalog)
    random.shuffle(policies)
    assert plan(catalog, policies, now, AHEAD) == actions
    assert len(set(actions)) == len(actions)
    assert len({(a.dataset, a.start) for a in actions}) == len(actions)
