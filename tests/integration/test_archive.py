"""Archive files on a real Postgres: each value comes back as it was, and nothing wrong is ever taken for right."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import asyncpg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters import arrow_columns
from shared.adapters.arrow_columns import columns_of
from shared.adapters.parquet_archive import READ_BACK, ArchiveError, read_back, sha256_of, write_parquet
from shared.adapters.postgres.partitions import PartitionBusy, content_of
from shared.domain.retention import Dataset
from shared.sidecar.restoration import NothingArchived, restore
from shared.sidecar.retention import enforce
from tests.retention_database import RetentionDatabase, Servers

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

CHECKOUT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=100)


# Values ----------------------------------------------------------------------------------------------------------------

# Postgres holds neither NUL nor half a surrogate pair.
texts = st.one_of(
    st.sampled_from(
        ["", " ", '"', '""', "'", ",", "\n", "\r\n", "\\", "\\.", "\\N", "NULL", "null", "NaN", "\t", "ä☃𝄞"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)
numbers = st.one_of(
    st.sampled_from(["1E-18", "99999999999999999999.999999999999999999", "1.50", "100", "0.00000001", "1E+19"]).map(
        Decimal
    ),
    st.decimals("1E-18", "1E19", places=18),
)
floats = st.floats(0, 1, allow_nan=False)
objects = st.dictionaries(
    texts, st.one_of(texts, st.integers(), st.floats(allow_nan=False, allow_infinity=False)), max_size=3
)
scans = st.tuples(
    st.uuids(),
    st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 10**9),
    texts,
    st.none() | texts,
    numbers,
    floats,
    objects,
)


def day_of(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    start = OLD.replace(hour=0)
    return [
        (
            run_id,
            seq,
            start + timedelta(microseconds=us),
            text,
            text,
            text,
            "BUY",
            "no_signal",
            reason,
            price,
            confidence,
            values,
            values,
        )
        for run_id, seq, us, text, reason, price, confidence, values in rows
    ]


@settings(max_examples=25)
@given(rows=st.lists(scans, min_size=1, max_size=5))
def test_values_come_back_as_they_were(
    retention_servers: Servers,
    shared_database: RetentionDatabase,
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[object, ...]],
) -> None:
    path = tmp_path_factory.mktemp("round") / "file.parquet"

    async def main() -> None:
        connection = await asyncpg.connect(shared_database.address.url)
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        try:
            async with connection.transaction():
                name = await connection.fetchval("SELECT recovery.ensure_partition('scan_history', $1)", OLD)
                await connection.execute(f"DELETE FROM {name}")
                await connection.executemany(
                    f"INSERT INTO {name} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)", day_of(rows)
                )
                await write_parquet(connection, name, await columns_of(connection, name), path, lambda rows: None)
                await read_back(connection, path, name)
                assert await content_of(connection, READ_BACK) == await content_of(connection, name)
                order = 'ORDER BY run_id, seq, "timestamp"'
                expected = await connection.fetch(f"SELECT * FROM {name} {order}")
                assert await connection.fetch(f"SELECT * FROM {READ_BACK} {order}") == expected
        finally:
            await connection.close()

    asyncio.run(main())


@pytest.fixture(scope="module")
def shared_database(retention_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> RetentionDatabase:
    return retention_servers.database(18, tmp_path_factory.mktemp("archive"))


def test_a_file_speaks_for_itself(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [OLD, OLD + timedelta(minutes=1)], close="1.25")
    database.run(enforce(database.retention, NOW))
    (row,) = database.fetch("SELECT * FROM archive_manifest")
    path = database.archive / row["file"]
    assert row["file"] == f"ohlc_1m/ohlc_data_1m_{OLD:%Y%m%d}.parquet"
    assert (row["period_start"], row["period_end"]) == (OLD.replace(hour=0), OLD.replace(hour=0) + timedelta(days=1))
    assert (row["rows"], row["file_bytes"], row["file_sha256"]) == (2, path.stat().st_size, sha256_of(path))
    assert row["verified_at"] <= row["dropped_at"]
    file = pq.ParquetFile(path)
    assert file.schema_arrow.field("close").type == pa.decimal128(38, 18)
    assert file.schema_arrow.field("timestamp").type == pa.timestamp("us", tz="UTC")
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    (first, second) = file.read().to_pylist()
    assert (first["timestamp"], first["close"], first["symbol"]) == (OLD, Decimal("1.25"), "BTC-USDT")
    assert second["timestamp"] == OLD + timedelta(minutes=1)


def test_numbers_come_back_without_the_zeros_that_fill_a_file(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [OLD], close="0.00000123")
    database.run(enforce(database.retention, NOW))
    database.run(restore(database.retention, Dataset.OHLC_1M, OLD, OLD + timedelta(hours=1), 1, NOW))
    (row,) = database.fetch("SELECT open::text, close::text, volume::text FROM archive.ohlc_data")
    assert tuple(row) == ("100", "0.00000123", "1.5")


# Values that do not fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("volume", ["1E+20", "123456789012345678901", "0.0000000000000000001", "1E-19"])
def test_a_value_without_a_place_in_a_file_keeps_its_partition(database: RetentionDatabase, volume: str) -> None:
    database.put(Dataset.OHLC_1M, [OLD, OLD + timedelta(minutes=1), OLD - timedelta(days=1)])
    database.execute(f'UPDATE ohlc_data SET volume = {volume} WHERE "timestamp" = $1', OLD)
    outcome = database.run(enforce(database.retention, NOW))
    assert [refused.reason for refused in outcome.refused] == [
        f"public.ohlc_data_1m_{OLD:%Y%m%d}: volume = {Decimal(volume):f}: "
        "no decimal of 38 digits, 18 of them decimals, can hold it; the partition stays"
    ]
    assert sum(database.live(Dataset.OHLC_1M).values()) == 2
    assert sum(database.filed(Dataset.OHLC_1M).values()) == 1  # the day before, which holds no such value
    assert database.files() == database.listed()
    assert outcome.record.state == "failed"


def test_zeros_beyond_the_places_of_a_file_are_no_reason(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [OLD])
    database.execute("UPDATE ohlc_data SET volume = 1.5000000000000000000000000")
    assert database.run(enforce(database.retention, NOW)).refused == ()
    assert sum(database.filed(Dataset.OHLC_1M).values()) == 1


def test_a_column_of_a_type_without_counterpart_keeps_its_partition(database: RetentionDatabase) -> None:
    database.put(Dataset.ML_FEATURES, [OLD - timedelta(days=60)])
    database.execute("ALTER TABLE ml_features ADD COLUMN tags text[]")
    outcome = database.run(enforce(database.retention, NOW))
    assert [refused.reason.partition(": ")[2] for refused in outcome.refused] == [
        "column tags is of type text[], which files do not hold"
    ]
    assert sum(database.live(Dataset.ML_FEATURES).values()) == 1


def with_reasons(database: RetentionDatabase, rows: int, reason: str) -> None:
    """Scans of one day with long reasons."""
    database.fill(Dataset.SCAN_HISTORY, OLD, rows)
    database.execute("UPDATE scan_history SET reason = $1", reason)


def test_values_may_reach_over_the_blocks_a_file_is_written_in(
    database: RetentionDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow_columns, "BLOCK_BYTES", 10_000)
    with_reasons(database, 500, 'line\n"quoted"\n' * 100)
    assert database.run(enforce(database.retention, NOW)).refused == ()
    assert sum(database.filed(Dataset.SCAN_HISTORY).values()) == 500


def test_a_row_longer_than_a_block_keeps_its_partition(
    database: RetentionDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The file gives up while the database is still writing.
    monkeypatch.setattr(arrow_columns, "BLOCK_BYTES", 10_000)
    with_reasons(database, 200, "x" * 15_000)
    database.put(Dataset.OHLC_1M, [OLD])
    outcome = database.run(enforce(database.retention, NOW))
    (refused,) = outcome.refused
    assert refused.reason.startswith(f"public.scan_history_{OLD:%Y%m%d}: cannot be written as Parquet: ")
    assert sum(database.live(Dataset.SCAN_HISTORY).values()) == 200
    assert database.scans_by_day() == {}
    assert sum(database.filed(Dataset.OHLC_1M).values()) == 1  # on the same connection
    assert database.files() == database.listed()


# Files that are not as they were ---------------------------------------------------------------------------------------


def archived(database: RetentionDatabase) -> list[Path]:
    """Two periods in files."""
    database.put(Dataset.OHLC_1M, [OLD, OLD - timedelta(days=1)])
    database.run(enforce(database.retention, NOW))
    return [database.archive / row["file"] for row in database.fetch("SELECT file FROM archive_manifest ORDER BY file")]


def refusal(database: RetentionDatabase) -> str:
    """The sentence of a restore that fails, having touched nothing."""
    with pytest.raises(ArchiveError) as refused:
        database.run(restore(database.retention, Dataset.OHLC_1M, OLD - timedelta(days=2), NOW, 7, NOW))
    assert database.archived(Dataset.OHLC_1M) == Counter()
    assert database.value("SELECT count(*) FROM recovery.partitions WHERE place = 'archive'") == 0
    assert database.runs() == [("enforce", "done")]
    assert database.value("SELECT count(*) FROM archive_manifest WHERE held_until IS NOT NULL") == 0
    return str(refused.value)


def test_a_file_that_was_changed(each_database: RetentionDatabase) -> None:
    _, second = archived(each_database)
    table = pq.read_table(second)
    prices = pa.array([Decimal("2")] * len(table), pa.decimal128(38, 18))
    pq.write_table(table.set_column(table.column_names.index("close"), "close", prices), second)
    said = refusal(each_database)
    assert said.startswith(f"{second}: was changed since it was archived: its sha256 is {sha256_of(second)[:12]}…")
    assert said.endswith("; nothing was restored")


def test_a_file_with_one_bit_changed(database: RetentionDatabase) -> None:
    _, second = archived(database)
    content = bytearray(second.read_bytes())
    content[len(content) // 2] ^= 1
    second.write_bytes(content)
    assert "was changed since it was archived" in refusal(database)


def test_a_file_that_was_truncated(database: RetentionDatabase) -> None:
    _, second = archived(database)
    second.write_bytes(second.read_bytes()[:-100])
    assert "was changed since it was archived" in refusal(database)


def test_a_file_that_is_missing(database: RetentionDatabase) -> None:
    _, second = archived(database)
    second.unlink()
    assert refusal(database) == f"{second}: the archive file is missing; nothing was restored"


def test_a_period_without_a_file(database: RetentionDatabase) -> None:
    archived(database)
    with pytest.raises(NothingArchived, match=r"^no archive file holds ohlc_1m of 2020-01-01 to 2020-02-01$"):
        period = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC))
        database.run(restore(database.retention, Dataset.OHLC_1M, *period, 7, NOW))


def test_a_record_that_was_changed_with_its_file(database: RetentionDatabase) -> None:
    # The hash agrees, the rows do not: nothing of that period comes back.
    _, second = archived(database)
    table = pq.read_table(second)
    pq.write_table(table.set_column(0, "symbol", pa.array(["ETH-USDT"] * len(table))), second)
    database.execute(
        "UPDATE archive_manifest SET file_sha256 = $1 WHERE file LIKE $2", sha256_of(second), f"%{second.name}"
    )
    with pytest.raises(ArchiveError, match=r"reads as 1 rows of checksum .* its period was not restored"):
        database.run(restore(database.retention, Dataset.OHLC_1M, OLD - timedelta(days=2), NOW, 7, NOW))
    assert database.archived(Dataset.OHLC_1M) == Counter([OLD - timedelta(days=1)])  # the first period is whole
    assert database.runs() == [("enforce", "done"), ("restore", "failed")]


def test_a_file_that_is_no_parquet(database: RetentionDatabase) -> None:
    _, second = archived(database)
    second.write_bytes(b"PAR1 but nothing more")
    database.execute(
        "UPDATE archive_manifest SET file_sha256 = $1 WHERE file LIKE $2", sha256_of(second), f"%{second.name}"
    )
    with pytest.raises(ArchiveError, match=rf"^{second}: cannot be read as Parquet: "):
        database.run(restore(database.retention, Dataset.OHLC_1M, OLD, NOW, 7, NOW))


# Bringing back ---------------------------------------------------------------------------------------------------------

_DIES = """
import asyncio, os, signal, sys
from datetime import datetime
from pathlib import Path
from shared.adapters.postgres.address import Address
from shared.domain.retention import Dataset
from shared.sidecar.restoration import restore
from shared.sidecar.retention_work import Retention

url, archive, since, now = sys.argv[1:]
now = datetime.fromisoformat(now)
retention = Retention(Address(url, "test"), Path(archive), (), {})
die = lambda done, total: os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(restore(retention, Dataset.OHLC_1M, datetime.fromisoformat(since), now, 7, now, die))
"""


def test_bringing_back_that_dies_is_continued(database: RetentionDatabase) -> None:
    archived(database)
    since = OLD - timedelta(days=2)
    arguments = (database.address.url, str(database.archive), since.isoformat(), NOW.isoformat())
    assert subprocess.run([sys.executable, "-c", _DIES, *arguments], cwd=CHECKOUT).returncode == -9
    assert database.archived(Dataset.OHLC_1M) == Counter([OLD - timedelta(days=1)])
    restored = database.run(restore(database.retention, Dataset.OHLC_1M, since, NOW, 7, NOW))
    assert restored.record.rows_moved == 1
    assert database.archived(Dataset.OHLC_1M) == Counter([OLD, OLD - timedelta(days=1)])
    assert database.runs() == [("enforce", "done"), ("restore", "died"), ("restore", "done")]


@pytest.mark.parametrize("dataset", list(Dataset))
def test_each_dataset_comes_back(each_database: RetentionDatabase, dataset: Dataset) -> None:
    database = each_database
    at = NOW - timedelta(days=900)
    database.put(dataset, [at])
    (before,) = database.fetch(f"SELECT * FROM {'ohlc_data' if dataset.startswith('ohlc') else dataset}")
    database.run(enforce(database.retention, NOW))
    restored = database.run(
        restore(database.retention, dataset, at - timedelta(hours=1), at + timedelta(hours=1), 7, NOW)
    )
    (after,) = database.fetch(f"SELECT * FROM {restored.relations[0]}")
    assert after == before


def test_a_file_from_before_a_column_came_back(database: RetentionDatabase) -> None:
    archived(database)
    for schema in ("public", "archive"):
        database.execute(f"ALTER TABLE {schema}.ohlc_data ADD COLUMN trades bigint NOT NULL DEFAULT 7")
    restored = database.run(restore(database.retention, Dataset.OHLC_1M, OLD - timedelta(days=2), NOW, 7, NOW))
    assert restored.record.rows_moved == 2
    assert [row["trades"] for row in database.fetch("SELECT trades FROM archive.ohlc_data")] == [7, 7]


def test_bringing_back_gives_way_to_whoever_uses_the_table(database: RetentionDatabase) -> None:
    archived(database)

    async def main() -> None:
        other = await asyncpg.connect(database.address.url)
        await other.execute("BEGIN; LOCK TABLE archive.ohlc_data_1m")
        with pytest.raises(PartitionBusy, match="is in use"):
            await restore(database.retention, Dataset.OHLC_1M, OLD - timedelta(days=2), NOW, 7, NOW)
        await other.close()

    database.run(main())
    assert database.archived(Dataset.OHLC_1M) == Counter()


# Memory ----------------------------------------------------------------------------------------------------------------

_MEASURED = """
import asyncio, resource, sys
from datetime import datetime
from pathlib import Path
import pyarrow
from shared.adapters.postgres.address import Address
from shared.sidecar.retention import enforce
from shared.sidecar.retention_work import Retention
from tests.retention_database import CONFIG

url, archive, now = sys.argv[1:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
retention = Retention(Address(url, "test"), Path(archive), CONFIG.policies, CONFIG.ahead)
outcome = asyncio.run(enforce(retention, datetime.fromisoformat(now)))
assert not outcome.refused, outcome.refused
print(pyarrow.default_memory_pool().max_memory(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_partition(database: RetentionDatabase) -> None:
    # 95 MB as CSV; a few blocks of it are in memory at once. Measured: 29 MB in Arrow, 195 MB in all, libraries included, and
    # about the same for 400 MB of CSV.
    at = NOW - timedelta(days=200)
    database.execute("SELECT recovery.ensure_partition('ml_features', $1)", at)
    database.execute(
        """INSERT INTO ml_features
           SELECT 'SYMBOL' || n, '1m', $1, 'set', jsonb_build_object('padding', repeat(md5(n::text), 40))
           FROM generate_series(1, 70000) n""",
        at,
    )
    arguments = (database.address.url, str(database.archive), NOW.isoformat())
    done = subprocess.run([sys.executable, "-c", _MEASURED, *arguments], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    arrow_bytes, resident_kb = map(int, done.stdout.split())
    assert arrow_bytes < 60_000_000
    assert resident_kb < 270_000
