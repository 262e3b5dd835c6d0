"""Partitions as Parquet files: written from the database and read back into it, in bounded memory."""

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
from asyncpg import Connection

from shared.adapters.arrow_columns import CSV_FOR_COPY, UNFIT, Columns, NotArchivable
from shared.adapters.synced_folder import sync_folder
from shared.ports import StoreError

_READ_BACK_NAME = "read_back"
READ_BACK = f"pg_temp.{_READ_BACK_NAME}"
# Of a file in memory at once while it is read back: some megabytes, for the longest rows.
_BATCH_ROWS = 4096
_HASHED_AT_ONCE_BYTES = 1024 * 1024


class ArchiveError(StoreError):
    """An archive file that cannot be written or read. The message is one sentence."""


class ArchiveFull(ArchiveError):
    """The archive's disk is full."""


async def write_parquet(
    connection: Connection, relation: str, columns: Columns, path: Path, told: Callable[[int], None]
) -> None:
    """Write a table to a file that survives a power cut; one that is there is replaced.

    Args:
        connection: In a transaction, where nobody changes the table.
        relation: Its name with its schema.
        columns: All its columns.
        path: In a folder that exists.
        told: Called with the number of rows written so far.

    Raises:
        NotArchivable: A value has no place in a file.
        ArchiveError: The file cannot be written.
    """
    await _refuse_unfit(connection, relation, columns)
    read_end, write_end = os.pipe()
    progress = [0]
    writing = asyncio.create_task(asyncio.to_thread(_write, read_end, path, columns, progress))
    passing_on: asyncio.Future[None] | None = None
    broken: BrokenPipeError | None = None

    async def pass_on(chunk: bytes) -> None:
        nonlocal passing_on
        told(progress[0])
        # A full pipe is where the database is made to wait.
        passing_on = asyncio.get_running_loop().run_in_executor(None, _write_all, write_end, chunk)
        await asyncio.shield(passing_on)

    try:
        await connection.copy_from_query(columns.query(relation), output=pass_on, format="csv")
    except BrokenPipeError as error:
        broken = error  # the writer gave up, and knows why
    finally:
        if passing_on is not None:
            await asyncio.wait([passing_on])  # not to close the pipe under its hands
        os.close(write_end)
        (trouble,) = await asyncio.gather(writing, return_exceptions=True)
    if isinstance(trouble, pa.ArrowInvalid):
        raise NotArchivable(f"{relation}: cannot be written as Parquet: {' '.join(str(trouble).split())}") from trouble
    for cause in (trouble, broken):
        if cause is not None:
            raise cause


async def _refuse_unfit(connection: Connection, relation: str, columns: Columns) -> None:
    # Asked of the database: Arrow lets a number that is too large for its type overflow without a word.
    query = columns.unfit_query(relation)
    unfit = await connection.fetchrow(query) if query else None
    if unfit is not None:
        raise NotArchivable(f"{relation}: {unfit['column']} = {_short(unfit['value'])}: {UNFIT}; the partition stays")


def _write(read_end: int, path: Path, columns: Columns, progress: list[int]) -> None:
    with os.fdopen(read_end, "rb") as rows, _one_sentence(path, "cannot be written"), path.open("wb") as file:
        with (
            csv.open_csv(rows, **columns.read_options()) as batches,
            pq.ParquetWriter(file, columns.schema, compression="zstd") as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
                progress[0] += batch.num_rows
        file.flush()
        os.fsync(file.fileno())


async def read_back(connection: Connection, path: Path, like: str) -> None:
    """Read a file's rows into READ_BACK, a temporary table that ends with the transaction; it writes nothing ahead.

    Args:
        connection: In a transaction.
        path: The file.
        like: The table it was written from, or one that has its columns.

    Raises:
        ArchiveError: The file cannot be read.
    """
    with _one_sentence(path, "cannot be read"):
        file = pq.ParquetFile(path)
    with file:
        # The columns of the file alone: a table may have got others since.
        names = ", ".join(f'"{name}"' for name in file.schema_arrow.names)
        await connection.execute(f"DROP TABLE IF EXISTS {READ_BACK}")
        await connection.execute(
            f"CREATE TEMP TABLE {_READ_BACK_NAME} ON COMMIT DROP AS SELECT {names} FROM {like} WITH NO DATA"
        )
        source = _csv(path, file.iter_batches(batch_size=_BATCH_ROWS))
        await connection.copy_to_table(_READ_BACK_NAME, schema_name="pg_temp", source=source, format="csv")


async def _csv(path: Path, batches: Iterator[pa.RecordBatch]) -> AsyncIterator[bytes]:
    while (chunk := await asyncio.to_thread(_next_csv, path, batches)) is not None:
        yield chunk


def _next_csv(path: Path, batches: Iterator[pa.RecordBatch]) -> bytes | None:
    with _one_sentence(path, "cannot be read"):
        batch = next(batches, None)
    if batch is None:
        return None
    buffer = pa.BufferOutputStream()
    csv.write_csv(batch, buffer, CSV_FOR_COPY)
    content: bytes = buffer.getvalue().to_pybytes()
    return content


def sha256_of(path: Path) -> str:
    """The file's hash.

    Raises:
        ArchiveError: It cannot be read.
    """
    with _one_sentence(path, "cannot be read"), path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(_HASHED_AT_ONCE_BYTES):
            digest.update(chunk)
        return digest.hexdigest()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        ArchiveError: It cannot be made.
    """
    with _one_sentence(folder, "cannot be made"):
        folder.mkdir(parents=True, exist_ok=True)


def rename_durably(source: Path, target: Path) -> None:
    """Rename a file within its folder, so that it survives a power cut.

    Raises:
        ArchiveError: It cannot be renamed.
    """
    with _one_sentence(target, "cannot be written"):
        source.replace(target)
        sync_folder(target.parent)


@contextmanager
def _one_sentence(path: Path, trouble: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        if trouble == "cannot be written":
            raise  # it is about a value, not about the file
        raise ArchiveError(f"{path}: {trouble} as Parquet: {' '.join(str(error).split())}") from error
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ArchiveFull(f"{path}: {trouble}: {reason}; nothing was dropped for it") from error
        raise ArchiveError(f"{path}: {trouble}: {reason}") from error


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]


def _short(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:57]}..."
