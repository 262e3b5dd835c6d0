"""The work of a retention run: its actions, one after another, each a transaction."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shared.adapters import lock_file
from shared.adapters.arrow_columns import NotArchivable
from shared.adapters.parquet_archive import ArchiveError, make_folder
from shared.adapters.postgres.address import Address
from shared.adapters.postgres.partitions import (
    PartitionBusy,
    PartitionMissing,
    Patience,
    aggregate_scans,
    ensure,
    lock_against_writes,
    move_to_archive,
    patiently,
    relation_of,
)
from shared.adapters.postgres.retention_runs import Run, RunRecord
from shared.domain.retention import (
    Action,
    CreatePartition,
    Dataset,
    ExportAndDrop,
    MoveToArchive,
    Place,
    RetentionPolicy,
)
from shared.domain.windows import PartitionStep
from shared.sidecar.departure import Departure, NotVerified, Stage

# Trouble with one partition, which is no reason to let the others grow.
_OF_ONE_PARTITION = (PartitionBusy, PartitionMissing, NotArchivable, NotVerified)


@dataclass(frozen=True)
class Retention:
    """What a run of retention rests on.

    Attributes:
        address: The database; its migrations have run.
        archive: The archive folder; made if absent.
        policies: One for each dataset.
        ahead: Partitions to make beyond the current one.
        patience: With tables in use.
    """

    address: Address
    archive: Path
    policies: Sequence[RetentionPolicy]
    ahead: Mapping[PartitionStep, int]
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Attributes:
        number: Of the action, from 1.
        total: Actions of the run.
        action: What is being done.
        stage: How far it is.
        rows: Rows written so far, where a file is being written.
    """

    number: int
    total: int
    action: Action
    stage: Stage
    rows: int = 0


Told = Callable[[Progress], None]


@dataclass(frozen=True)
class Refused:
    """An action that was not carried out, with the reason in one sentence."""

    action: Action
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        record: As it is kept in the database.
        done: Actions carried out.
        refused: Actions that were not; the next run plans them again.
        left: Actions not tried, because the run was told to stop.
    """

    record: RunRecord
    done: tuple[Action, ...]
    refused: tuple[Refused, ...]
    left: tuple[Action, ...]


def not_told(_: Progress) -> None:
    """For those who do not ask."""


@contextmanager
def archive_held(folder: Path) -> Iterator[None]:
    """The archive folder, for one process at a time: another database's files may be there too.

    Raises:
        ArchiveError: It cannot be made, or another process is at work in it.
    """
    make_folder(folder)
    try:
        with lock_file.hold(folder / "lock"):
            yield
    except lock_file.LockHeld as error:
        raise ArchiveError(f"{folder}: process {error.holder} is at work in this archive folder; wait for it") from None


class Work:
    """Carries actions out.

    Args:
        retention: What the run rests on.
        run: The run.
        export: Whether partitions need a file before they are dropped.
        told: Called at each stage of each action.
    """

    def __init__(self, retention: Retention, run: Run, *, export: bool, told: Told) -> None:
        self._retention = retention
        self._run = run
        self._export = export
        self._told = told
        self._done: list[Action] = []
        self._refused: list[Refused] = []
        self._left: tuple[Action, ...] = ()

    async def carry_out(self, actions: Sequence[Action], stopping: asyncio.Event | None = None) -> None:
        """Do one after another. What one partition refuses is noted; the others go on.

        Raises:
            StoreError: Nothing more can be done.
        """
        for number, action in enumerate(actions, 1):
            if stopping is not None and stopping.is_set():
                self._left = tuple(actions[number - 1 :])
                return

            def told(stage: Stage, rows: int = 0, number: int = number, action: Action = action) -> None:
                self._told(Progress(number, len(actions), action, stage, rows))

            told(Stage.BEGUN)
            try:
                await self._carry_out(action, told)
            except _OF_ONE_PARTITION as error:
                self._run.troubles.append(str(error))
                self._refused.append(Refused(action, str(error)))
                told(Stage.REFUSED)
            else:
                self._done.append(action)
                told(Stage.DONE)

    async def _carry_out(self, action: Action, told: Callable[..., None]) -> None:
        match action:
            case CreatePartition():
                await self._create(action)
            case MoveToArchive():
                await self._move(action)
            case ExportAndDrop():
                departure = Departure(self._run, self._retention.archive, action, self._export, told)
                await departure.carry_out(self._retention.patience)

    async def _create(self, action: CreatePartition) -> None:
        connection = self._run.connection
        relation = await relation_of(connection, action.dataset, action.start, Place.LIVE)

        async def attempt() -> bool:
            await ensure(connection, action.dataset, action.start)
            return True

        await patiently(connection, relation, self._retention.patience, attempt)

    async def _move(self, action: MoveToArchive) -> None:
        connection = self._run.connection
        relation = await relation_of(connection, action.dataset, action.start, Place.LIVE)

        async def attempt() -> bool:
            await lock_against_writes(connection, relation)
            if action.dataset is Dataset.SCAN_HISTORY:
                await aggregate_scans(connection, relation)
            await self._run.add(rows_moved=await move_to_archive(connection, action.dataset, action.start))
            return True

        await patiently(connection, relation, self._retention.patience, attempt)

    def outcome(self) -> Outcome:
        """What it came to, once the run's record is closed."""
        assert self._run.record is not None
        return Outcome(self._run.record, tuple(self._done), tuple(self._refused), self._left)
