"""How a partition leaves the database: written to a file, the file read back and compared, listed, and only then dropped.

All of it is one transaction during which nobody changes the partition, so no row slips in between file and drop. The process
may die at any point: before the commit the partition is whole, after it the file is listed and verified.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

import asyncpg

from shared.adapters.arrow_columns import columns_of
from shared.adapters.parquet_archive import (
    READ_BACK,
    ArchiveError,
    make_folder,
    read_back,
    rename_durably,
    sha256_of,
    write_parquet,
)
from shared.adapters.postgres.archive_manifest import ArchivedFile, files_of, is_listed, list_verified, note_dropped
from shared.adapters.postgres.partitions import (
    Content,
    Patience,
    aggregate_scans,
    content_of,
    drop,
    lock_against_writes,
    patiently,
    relation_of,
)
from shared.adapters.postgres.retention_runs import Run
from shared.domain.retention import Dataset, ExportAndDrop, Place


class NotVerified(ArchiveError):
    """A file that does not read back as what was written. The partition stays."""


class Stage(StrEnum):
    """How far an action is."""

    BEGUN = "begun"
    EXPORTING = "exporting"
    WRITTEN = "written"
    VERIFIED = "verified"
    LISTED = "listed"
    DROPPED = "dropped"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True)
class Departure:
    """One partition on its way out.

    Attributes:
        run: The run it is part of.
        archive: The archive folder.
        action: What is to go.
        export: Whether it needs a file; without, its rows are gone.
        told: Called at each stage, with the rows written so far.
    """

    run: Run
    archive: Path
    action: ExportAndDrop
    export: bool
    told: Callable[[Stage, int], None]

    async def carry_out(self, patience: Patience) -> None:
        """Export and drop.

        Raises:
            PartitionBusy: It is in use; its file, if it has one by now, stays listed.
            NotArchivable, NotVerified: Its rows cannot be put into a file.
            StoreError: Nothing more can be done.
        """
        relation = await relation_of(self.run.connection, self.action.dataset, self.action.start, self.action.place)
        await patiently(self.run.connection, relation, patience, lambda: self._attempt(relation))

    async def _attempt(self, relation: str) -> bool | None:
        connection = self.run.connection
        await lock_against_writes(connection, relation)
        content = await content_of(connection, relation)
        archived = await self._listed(content)
        # A partition made ahead that nothing was written to needs no file.
        if archived is None and self.export and content.rows:
            archived = await self._exported(relation, content)
        try:
            async with connection.transaction():
                if self.action.dataset is Dataset.SCAN_HISTORY and self.action.place is Place.LIVE:
                    await aggregate_scans(connection, relation)
                await drop(connection, relation)
                if archived is not None:
                    await note_dropped(connection, archived)
                await self.run.add(rows_dropped=content.rows)
                self.told(Stage.DROPPED, content.rows)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            return None
        return True

    async def _listed(self, content: Content) -> ArchivedFile | None:
        """A file with these very rows, from a run that died, or from before they were restored."""
        action = self.action
        for archived in await files_of(self.run.connection, action.dataset, action.start, action.end):
            if archived.content == content and await self._is_unchanged(archived):
                return archived
        return None

    async def _is_unchanged(self, archived: ArchivedFile) -> bool:
        path = self.archive / archived.file
        return path.is_file() and await asyncio.to_thread(sha256_of, path) == archived.sha256

    async def _exported(self, relation: str, content: Content) -> ArchivedFile:
        name = relation.partition(".")[2]
        folder = self.archive / self.action.dataset
        make_folder(folder)
        partial = folder / f"{name}.parquet.partial"
        try:
            await self._write_and_verify(relation, content, partial)
            sha256 = await asyncio.to_thread(sha256_of, partial)
            file = await self._free_name(name, sha256)
            size_bytes = partial.stat().st_size
            rename_durably(partial, self.archive / file)
        finally:
            partial.unlink(missing_ok=True)
        archived = await list_verified(
            self.run.connection,
            ArchivedFile(
                0, self.action.dataset, name, self.action.start, self.action.end, file, content, size_bytes, sha256
            ),
        )
        await self.run.add(files=1, file_bytes=size_bytes)
        self.told(Stage.LISTED, content.rows)
        return archived

    async def _write_and_verify(self, relation: str, content: Content, path: Path) -> None:
        connection = self.run.connection
        columns = await columns_of(connection, relation)
        await write_parquet(connection, relation, columns, path, lambda rows: self.told(Stage.EXPORTING, rows))
        self.told(Stage.WRITTEN, content.rows)
        await read_back(connection, path, relation)
        found = await content_of(connection, READ_BACK)
        if found != content:
            raise NotVerified(
                f"{relation}: its file reads back as {found.rows:,} rows of checksum {found.checksum}, "
                f"the partition has {content.rows:,} of {content.checksum}; the partition stays"
            )
        self.told(Stage.VERIFIED, content.rows)

    async def _free_name(self, name: str, sha256: str) -> str:
        """Nothing is ever written over, but for an unlisted file of the same bytes: that is left from a run that died."""
        for number in count(1):
            file = f"{self.action.dataset}/{name}{f'-{number}' if number > 1 else ''}.parquet"
            if await is_listed(self.run.connection, file):
                continue
            path = self.archive / file
            if not path.exists() or await asyncio.to_thread(sha256_of, path) == sha256:
                return file
        raise AssertionError("numbers do not end")
