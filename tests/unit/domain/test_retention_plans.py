"""Plans make what is missing, move and drop what is due, lose no row, may be interrupted anywhere, and come to rest."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random

import pytest
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
    plan,
    row_fate,
)
from tests.unit.domain.retention_samples import AHEAD, DATASETS, NOW, POLICIES, START, TIMES, day, partition, plan_now


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


# What has no plan.


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


# Plans carried out.


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
