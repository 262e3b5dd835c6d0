"""The list of archive files, kept in the database they came from."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Connection

from shared.adapters.postgres.partitions import Content
from shared.domain.retention import Dataset

_FIELDS = "id, dataset, partition_name, period_start, period_end, file, rows, rows_checksum, file_bytes, file_sha256"


@dataclass(frozen=True)
class ArchivedFile:
    """A verified file of the archive.

    Attributes:
        id: Its number; a later file of a period has the greater one.
        start, end: Its period, `[start, end)`, UTC.
        file: Path within the archive folder.
        content: What its rows come to.
        sha256: Of the file, in hexadecimal.
    """

    id: int
    dataset: Dataset
    partition_name: str
    start: datetime
    end: datetime
    file: str
    content: Content
    bytes: int
    sha256: str


async def files_of(connection: Connection, dataset: Dataset, since: datetime, until: datetime) -> list[ArchivedFile]:
    """Verified files whose period has a part in [since, until), by period, the latest of a period first.

    Of files with the same rows, such as one written anew because the first was damaged, only the latest counts.
    """
    rows = await connection.fetch(
        f"""SELECT {_FIELDS} FROM (
                SELECT DISTINCT ON (period_start, rows, rows_checksum) * FROM archive_manifest
                WHERE dataset = $1 AND period_end > $2 AND period_start < $3 AND verified_at IS NOT NULL
                ORDER BY period_start, rows, rows_checksum, id DESC
            ) latest ORDER BY period_start, id DESC""",
        dataset,
        since,
        until,
    )
    return [
        ArchivedFile(
            row["id"],
            Dataset(row["dataset"]),
            row["partition_name"],
            row["period_start"],
            row["period_end"],
            row["file"],
            Content(row["rows"], row["rows_checksum"]),
            row["file_bytes"],
            row["file_sha256"],
        )
        for row in rows
    ]


async def is_listed(connection: Connection, file: str) -> bool:
    """Whether a path is taken."""
    found: bool = await connection.fetchval("SELECT EXISTS (SELECT FROM archive_manifest WHERE file = $1)", file)
    return found


async def list_verified(connection: Connection, archived: ArchivedFile) -> ArchivedFile:
    """Add a verified file; its `id` is given here."""
    number = await connection.fetchval(
        """INSERT INTO archive_manifest (dataset, partition_name, period_start, period_end, file, rows, rows_checksum,
               file_bytes, file_sha256, verified_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp()) RETURNING id""",
        archived.dataset,
        archived.partition_name,
        archived.start,
        archived.end,
        archived.file,
        archived.content.rows,
        archived.content.checksum,
        archived.bytes,
        archived.sha256,
    )
    return ArchivedFile(**{**vars(archived), "id": number})


async def note_dropped(connection: Connection, archived: ArchivedFile) -> None:
    """Its rows are in the file alone from now on."""
    await connection.execute("UPDATE archive_manifest SET dropped_at = clock_timestamp() WHERE id = $1", archived.id)


async def note_restored(connection: Connection, archived: ArchivedFile, held_until: datetime) -> None:
    """Its rows are in the archive schema again, at least until then."""
    await connection.execute(
        "UPDATE archive_manifest SET restored_at = clock_timestamp(), held_until = $2 WHERE id = $1",
        archived.id,
        held_until,
    )
