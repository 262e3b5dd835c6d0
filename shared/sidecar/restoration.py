"""Brings a period back from its files into the archive schema, for a while."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from asyncpg import Connection

from shared.adapters.arrow_columns import columns_of
from shared.adapters.parquet_archive import READ_BACK, ArchiveError, read_back, sha256_of
from shared.adapters.postgres.archive_manifest import ArchivedFile, files_of, note_restored
from shared.adapters.postgres.partitions import content_of, ensure, patiently, relation_of
from shared.adapters.postgres.retention_runs import Run, RunKind, RunRecord, exclusive, recorded
from shared.domain.retention import Dataset, Place
from shared.sidecar.retention_work import Retention, archive_held


class NothingArchived(ArchiveError):
    """No file holds anything of the period asked for."""


@dataclass(frozen=True)
class Restored:
    """What came back.

    Attributes:
        record: As it is kept in the database.
        files: Read, by period, the latest of a period first.
        relations: The partitions that hold the rows now.
        held_until: Retention leaves them alone until then, UTC.
    """

    record: RunRecord
    files: tuple[ArchivedFile, ...]
    relations: tuple[str, ...]
    held_until: datetime


async def restore(
    retention: Retention,
    dataset: Dataset,
    since: datetime,
    until: datetime,
    hold_days: int,
    now: datetime,
    told: Callable[[int, int], None] | None = None,
) -> Restored:
    """Bring back every period that has a part in [since, until).

    Every file is compared with its record before anything is done. A row that is in the archive schema already is newer, and
    stays as it is.

    Args:
        retention: The database and the archive folder.
        dataset: What to bring back.
        since, until: UTC.
        hold_days: Days for which retention leaves it alone.
        now: UTC.
        told: Called with the files read, and how many there are.

    Raises:
        NothingArchived: There is no such file.
        ArchiveError: A file is missing, was changed, or does not hold what it held.
        RunInProgress: Another run is at work.
        StoreError: The run cannot go on. Each period comes back whole or not at all.
    """
    held_until = now + timedelta(days=hold_days)
    async with exclusive(retention.address) as connection:
        files = await files_of(connection, dataset, since, until)
        if not files:
            raise NothingArchived(f"no archive file holds {dataset} of {since:%Y-%m-%d} to {until:%Y-%m-%d}")
        relations = []
        with archive_held(retention.archive):
            for file in files:
                await asyncio.to_thread(_check_unchanged, retention.archive / file.file, file)
            async with recorded(connection, retention.address, RunKind.RESTORE) as run:
                read = 0
                for start, of_period in groupby(files, lambda file: file.start):
                    period = _Period(run, retention.archive, dataset, start, list(of_period))
                    relations.append(await period.bring_back(retention, held_until))
                    read += len(period.files)
                    if told is not None:
                        told(read, len(files))
    assert run.record is not None
    return Restored(run.record, tuple(files), tuple(relations), held_until)


def _check_unchanged(path: Path, file: ArchivedFile) -> None:
    if not path.is_file():
        raise ArchiveError(f"{path}: the archive file is missing; nothing was restored")
    found = sha256_of(path)
    if found != file.sha256:
        raise ArchiveError(
            f"{path}: was changed since it was archived: its sha256 is {found[:12]}…, recorded is {file.sha256[:12]}…; "
            "nothing was restored"
        )


@dataclass(frozen=True)
class _Period:
    run: Run
    archive: Path
    dataset: Dataset
    start: datetime
    files: Sequence[ArchivedFile]

    async def bring_back(self, retention: Retention, held_until: datetime) -> str:
        connection = self.run.connection
        relation = await relation_of(connection, self.dataset, self.start, Place.ARCHIVE)

        async def attempt() -> bool:
            await ensure(connection, self.dataset, self.start, Place.ARCHIVE)
            # The latest first: what it holds stays, and older files add what it lacks.
            for file in self.files:
                await self.run.add(rows_moved=await self._add(connection, relation, file))
                await note_restored(connection, file, held_until)
            return True

        await patiently(connection, relation, retention.patience, attempt)
        return relation

    async def _add(self, connection: Connection, relation: str, file: ArchivedFile) -> int:
        path = self.archive / file.file
        await read_back(connection, path, relation)
        found = await content_of(connection, READ_BACK)
        if found != file.content:
            raise ArchiveError(
                f"{path}: reads as {found.rows:,} rows of checksum {found.checksum}, recorded are {file.content.rows:,} "
                f"of {file.content.checksum}; its period was not restored"
            )
        columns = await columns_of(connection, READ_BACK)
        names = ", ".join(f'"{name}"' for name in columns.names)
        status = await connection.execute(
            f"INSERT INTO {relation} ({names}) SELECT {columns.values()} FROM {READ_BACK} ON CONFLICT DO NOTHING"
        )
        return int(status.split()[-1])
