"""Retention on a real Postgres: every row has one fate, whatever happens to the runs, and a run harms nobody else."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.postgres.partitions import Patience
from shared.adapters.postgres.retention_runs import RunInProgress, exclusive
from shared.domain.retention import (
    CreatePartition,
    Dataset,
    ExportAndDrop,
    Fate,
    MoveToArchive,
    aggregate_cutoff,
    row_fate,
)
from shared.domain.windows import Window
from shared.ports import StoreUnavailable
from shared.sidecar import departure
from shared.sidecar.departure import Stage
from shared.sidecar.restoration import restore
from shared.sidecar.retention import emergency, enforce, plan_now
from shared.sidecar.retention_service import RetentionService
from shared.sidecar.retention_work import Outcome, Progress
from tests.retention_database import CONFIG, TABLES, RetentionDatabase, Servers

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

CHECKOUT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
POLICIES = {policy.dataset: policy for policy in CONFIG.policies}
CANDLES = (Dataset.OHLC_1M, Dataset.OHLC_15M, Dataset.OHLC_1H)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def assert_one_fate(database: RetentionDatabase, put: dict[Dataset, Counter[datetime]], now: datetime = NOW) -> None:
    """Each row that was put is where its age says, and nowhere else."""
    for dataset, times in put.items():
        expected = {fate: Counter[datetime]() for fate in Fate}
        for at, rows in times.items():
            expected[row_fate(POLICIES[dataset], at, now)][at] += rows
        assert database.live(dataset) == expected[Fate.LIVE], dataset
        assert database.archived(dataset) == expected[Fate.ARCHIVED], dataset
        assert database.filed(dataset) == expected[Fate.GONE], dataset
    scans = put.get(Dataset.SCAN_HISTORY, Counter())
    cutoff = aggregate_cutoff(POLICIES[Dataset.SCAN_HISTORY], now)
    assert cutoff is not None
    days: Counter[object] = Counter()
    for at, rows in scans.items():
        if row_fate(POLICIES[Dataset.SCAN_HISTORY], at, now) is Fate.GONE and at >= cutoff:
            days[at.date()] += rows
    assert database.scans_by_day() == days
    assert database.files() == database.listed()


# One fate --------------------------------------------------------------------------------------------------------------

ages_minutes = st.lists(st.integers(0, 800 * 1440), max_size=6, unique=True)
rows_of = st.fixed_dictionaries(dict.fromkeys(Dataset, ages_minutes))
# Ends of long and short months, of a leap year's February, of a year.
nows = st.sampled_from(["2026-06-15T12:00", "2024-02-29T23:59", "2027-01-01T00:00", "2026-05-31T03:30"])


@settings(max_examples=6)
@given(rows=rows_of, at=nows)
def test_every_row_has_one_fate(retention_servers: Servers, rows: dict[Dataset, list[int]], at: str) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    with tempfile.TemporaryDirectory() as archive:
        database = retention_servers.database(18, Path(archive))
        put = {dataset: Counter(now - timedelta(minutes=age) for age in ages) for dataset, ages in rows.items()}
        for dataset, times in put.items():
            database.put(dataset, times)
        database.run(enforce(database.retention, now))
        assert_one_fate(database, put, now)
        again = database.run(enforce(database.retention, now))
        assert (again.done, again.refused) == ((), ())
        assert_one_fate(database, put, now)


def test_rows_go_their_way_as_time_passes(each_database: RetentionDatabase) -> None:
    database = each_database
    start = datetime(2026, 1, 1, tzinfo=UTC)
    put = {dataset: Counter(start + timedelta(days=17 * n) for n in range(5)) for dataset in Dataset}
    for dataset, times in put.items():
        database.put(dataset, times)
    for days in (0, 29, 31, 60, 89, 91, 130, 200, 364, 500, 900):
        now = start + timedelta(days=days)
        database.run(enforce(database.retention, now))
        assert_one_fate(database, put, now)
        for dataset in CANDLES:
            seen = database.fetch(
                'SELECT "timestamp" FROM ohlc_data_all WHERE timeframe = $1', dataset.removeprefix("ohlc_")
            )
            there = [at for at in put[dataset] if row_fate(POLICIES[dataset], at, now) is not Fate.GONE]
            assert sorted(row[0] for row in seen) == sorted(there)


def test_what_a_run_was_good_for_is_recorded(each_database: RetentionDatabase) -> None:
    database = each_database
    database.fill(Dataset.OHLC_1M, ago(100), 20_000)
    database.fill(Dataset.OHLC_1M, ago(50), 1_000)
    database.fill(Dataset.OHLC_1M, ago(0), 1_000)
    record = database.run(enforce(database.retention, NOW)).record
    assert (record.kind, record.state, record.rows_moved, record.rows_dropped) == ("enforce", "done", 1_000, 20_000)
    assert record.bytes_freed > 1_000_000
    assert record.database_bytes_before is not None
    assert record.database_bytes_after == record.database_bytes_before - record.bytes_freed
    assert 0 < record.wal_bytes < 1_000_000
    assert record.query_p50_ms_before is not None
    assert record.query_p50_ms_after is not None
    (detail,) = database.fetch("SELECT detail ->> 'files' AS files FROM retention_runs")
    assert detail["files"] == "1"


@pytest.mark.parametrize("dataset", list(Dataset))
def test_a_move_reads_no_rows(each_database: RetentionDatabase, dataset: Dataset) -> None:
    database = each_database
    database.put(dataset, [ago(50)])

    async def main() -> list[str]:
        connection = await asyncpg.connect(database.address.url)
        said: list[str] = []
        connection.add_log_listener(lambda _, message: said.append(message.message))
        await connection.execute("SET client_min_messages = debug1")
        start = await connection.fetchval("SELECT recovery.partition_start($1, $2)", dataset, ago(50))
        await connection.execute("SELECT recovery.move_to_archive($1, $2)", dataset, start)
        await connection.close()
        return said

    said = database.run(main())
    assert any("is implied by existing constraints" in line for line in said)
    assert not any(line.startswith("verifying table") for line in said)


def test_partitions_are_made_ahead(database: RetentionDatabase) -> None:
    database.run(enforce(replace(database.retention, ahead=CONFIG.ahead), NOW))
    made = database.fetch(
        "SELECT dataset, count(*) AS number, max(period_start) AS last FROM recovery.partitions GROUP BY 1"
    )
    for row in made:
        step = Dataset(row["dataset"]).step
        assert row["number"] == 1 + CONFIG.ahead[step]
        assert row["last"] == step.following(NOW, CONFIG.ahead[step])[-1].start
    assert {row["dataset"] for row in made} == set(Dataset)


def test_empty_partitions_go_without_a_file(database: RetentionDatabase) -> None:
    database.execute("SELECT recovery.ensure_partition('ohlc_1m', $1)", ago(100))
    outcome = database.run(enforce(database.retention, NOW))
    assert [type(action) for action in outcome.done if not isinstance(action, CreatePartition)] == [ExportAndDrop]
    assert database.listed() == database.files() == set()


def test_a_dry_run_changes_nothing(database: RetentionDatabase) -> None:
    for dataset in Dataset:
        database.put(dataset, [ago(age) for age in (1, 45, 100, 200, 400, 800)])
    # The next transaction id: whoever writes takes one. (The log grows by itself: the server notes its state every 15 s.)
    state = """SELECT pg_snapshot_xmax(pg_current_snapshot())::text, (SELECT count(*) FROM pg_class),
        (SELECT count(*) FROM retention_runs)"""
    before = database.fetch(state)
    planned = database.run(plan_now(database.retention, NOW))
    assert database.fetch(state) == before
    assert not database.archive.exists()
    assert database.run(enforce(database.retention, NOW)).done == planned.actions
    assert {type(action) for action in planned.actions} == {CreatePartition, MoveToArchive, ExportAndDrop}


# Aggregates ------------------------------------------------------------------------------------------------------------


def test_scans_are_aggregated_once_whatever_comes_back(database: RetentionDatabase) -> None:
    database.put(Dataset.SCAN_HISTORY, [ago(40)] * 3)
    database.run(enforce(database.retention, NOW))
    assert database.scans_by_day() == {ago(40).date(): 3}
    (aggregate,) = database.fetch("SELECT * FROM scan_daily")
    assert (aggregate["reason"], aggregate["confidence_sum"], aggregate["confidence_best"]) == ("cooldown", 1.5, 0.5)

    database.run(restore(database.retention, Dataset.SCAN_HISTORY, ago(41), ago(39), 2, NOW))
    assert sum(database.archived(Dataset.SCAN_HISTORY).values()) == 3
    database.put(Dataset.SCAN_HISTORY, [ago(40)] * 2)  # late ones, beside those that came back
    database.run(enforce(database.retention, NOW + timedelta(days=3)))
    assert database.scans_by_day() == {ago(40).date(): 5}
    assert database.archived(Dataset.SCAN_HISTORY) == database.live(Dataset.SCAN_HISTORY) == Counter()
    assert sum(database.filed(Dataset.SCAN_HISTORY).values()) == 5


def test_aggregates_end_with_their_window(database: RetentionDatabase) -> None:
    database.put(Dataset.SCAN_HISTORY, [ago(age) for age in (40, 89, 89.9, 91, 120)])
    database.run(enforce(database.retention, NOW))
    assert database.scans_by_day() == {ago(40).date(): 1, ago(89).date(): 1, ago(89.9).date(): 1}
    database.run(enforce(database.retention, NOW + timedelta(days=2)))
    assert database.scans_by_day() == {ago(40).date(): 1}


# Late rows -------------------------------------------------------------------------------------------------------------


def all_candles(database: RetentionDatabase) -> list[tuple[datetime, str]]:
    rows = database.fetch('SELECT "timestamp", close::text FROM ohlc_data_all ORDER BY 1')
    return [(row[0], row[1]) for row in rows]


def test_late_rows_join_their_archived_period(each_database: RetentionDatabase) -> None:
    database = each_database
    first, second = ago(50), ago(50) + timedelta(minutes=1)
    database.put(Dataset.OHLC_1M, [first], close="1.5")
    database.run(enforce(database.retention, NOW))
    database.put(Dataset.OHLC_1M, [first, second], close="2.5")  # one of them anew
    assert all_candles(database) == [(first, "2.5"), (second, "2.5")]
    outcome = database.run(enforce(database.retention, NOW))
    assert outcome.record.rows_moved == 2
    assert all_candles(database) == [(first, "2.5"), (second, "2.5")]
    assert database.live(Dataset.OHLC_1M) == Counter()


def test_late_rows_of_a_period_that_is_gone_get_a_file_of_their_own(database: RetentionDatabase) -> None:
    first, second = ago(100), ago(100) + timedelta(minutes=1)
    database.put(Dataset.OHLC_1M, [first, second], close="1.5")
    database.run(enforce(database.retention, NOW))
    database.put(Dataset.OHLC_1M, [first], close="2.5")
    database.run(enforce(database.retention, NOW))
    name = f"ohlc_1m/ohlc_data_1m_{first:%Y%m%d}"
    assert database.listed() == database.files() == {f"{name}.parquet", f"{name}-2.parquet"}

    restored = database.run(restore(database.retention, Dataset.OHLC_1M, ago(101), ago(99), 1, NOW))
    assert restored.record.rows_moved == 2
    assert all_candles(database) == [(first, "2.5"), (second, "1.5")]  # of both files the later one counts


def test_late_rows_beside_an_archived_period_that_is_due_to_go(database: RetentionDatabase) -> None:
    first = ago(80)
    database.put(Dataset.OHLC_1M, [first], close="1.5")
    database.run(enforce(database.retention, NOW))
    database.put(Dataset.OHLC_1M, [first], close="2.5")
    later = NOW + timedelta(days=20)
    database.run(enforce(database.retention, later))
    assert (database.live(Dataset.OHLC_1M), database.archived(Dataset.OHLC_1M)) == (Counter(), Counter())
    database.run(restore(database.retention, Dataset.OHLC_1M, ago(81), ago(79), 1, later))
    assert all_candles(database) == [(first, "2.5")]


# Periods brought back --------------------------------------------------------------------------------------------------


def test_a_period_brought_back_is_held_and_then_goes_without_a_second_file(each_database: RetentionDatabase) -> None:
    database = each_database
    times = Counter(ago(100) + timedelta(minutes=n) for n in range(10))
    database.put(Dataset.OHLC_1M, times)
    database.run(enforce(database.retention, NOW))
    assert all_candles(database) == []
    restored = database.run(restore(database.retention, Dataset.OHLC_1M, ago(101), ago(99), 7, NOW))
    assert restored.relations == (f"archive.ohlc_data_1m_{ago(100):%Y%m%d}",)
    assert restored.held_until == NOW + timedelta(days=7)
    assert all_candles(database) == sorted((at, "100.5") for at in times)

    database.run(enforce(database.retention, NOW + timedelta(days=6)))
    assert database.archived(Dataset.OHLC_1M) == times
    database.run(emergency(database.retention, Window(days=1), NOW + timedelta(days=6)))
    assert database.archived(Dataset.OHLC_1M) == times
    database.run(enforce(database.retention, NOW + timedelta(days=8)))
    assert database.archived(Dataset.OHLC_1M) == Counter()
    assert len(database.listed()) == 1
    assert database.filed(Dataset.OHLC_1M) == times


def test_bringing_back_twice_is_bringing_back_once(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1H, [ago(900), ago(860)])
    database.run(enforce(database.retention, NOW))
    for rows in (2, 0):
        restored = database.run(restore(database.retention, Dataset.OHLC_1H, ago(1000), ago(800), 1, NOW))
        assert restored.record.rows_moved == rows
    assert len(all_candles(database)) == 2


# Two at once -----------------------------------------------------------------------------------------------------------


def test_two_runs_exclude_each_other(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(100)])

    async def main() -> None:
        async with exclusive(database.address) as connection:
            pid = connection.get_server_pid()
            seconds = (
                enforce(database.retention, NOW),
                emergency(database.retention, Window(days=7), NOW),
                restore(database.retention, Dataset.OHLC_1M, ago(101), ago(99), 1, NOW),
            )
            for refusal in await asyncio.gather(*seconds, return_exceptions=True):
                assert isinstance(refusal, RunInProgress)
                assert re.match(rf"backend {pid} has been at work on retention since 20\d\d-", str(refusal))

    database.run(main())
    assert database.runs() == []
    database.run(enforce(database.retention, NOW))
    assert database.runs() == [("enforce", "done")]


def test_a_run_at_work_is_named_by_its_begin(database: RetentionDatabase) -> None:
    async def main() -> str:
        said: list[str] = []
        working = asyncio.Event()

        async def second() -> None:
            await working.wait()
            with pytest.raises(RunInProgress) as refused:
                await enforce(database.retention, NOW)
            said.append(str(refused.value))
            writer.terminate()

        def told(progress: Progress) -> None:
            working.set()

        # A writer that holds on lets the first run wait.
        writer = await asyncpg.connect(database.address.url)
        await writer.execute("BEGIN; LOCK TABLE archive.ohlc_data_1m")
        other = asyncio.create_task(second())
        await enforce(database.patient(Patience(8, 0.5)), NOW, told)
        await other
        return said[0]

    database.put(Dataset.OHLC_1M, [ago(50)])
    said = database.run(main())
    assert f"since {database.value('SELECT started_at FROM retention_runs'):%Y-%m-%d %H:%M:%S} UTC" in said


# In use ----------------------------------------------------------------------------------------------------------------


@contextmanager
def in_use(database: RetentionDatabase, *statements: str) -> Iterator[int]:
    """A transaction that has done something and does not end; the backend's pid."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database.address.url))
        for statement in ("BEGIN", *statements):
            runner.run(connection.execute(statement))
        try:
            yield connection.get_server_pid()
        finally:
            connection.terminate()


def reasons(outcome: Outcome) -> list[str]:
    return [refused.reason for refused in outcome.refused]


def test_a_reader_is_given_way_and_what_was_exported_stays_listed(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(100)])
    database.put(Dataset.OHLC_1H, [ago(900)])
    name = f"ohlc_data_1m_{ago(100):%Y%m%d}"
    with in_use(database, f"SELECT * FROM public.{name}") as pid:
        outcome = database.run(enforce(database.retention, NOW))
    assert reasons(outcome) == [f"public.{name}: is in use (backend {pid}), tried 2 times; it stays until the next run"]
    assert (outcome.record.state, outcome.record.error) == ("failed", reasons(outcome)[0])
    assert database.live(Dataset.OHLC_1M) == Counter([ago(100)])
    assert database.live(Dataset.OHLC_1H) == Counter()  # the others go on
    file = database.archive / f"ohlc_1m/{name}.parquet"
    written = file.stat()

    outcome = database.run(enforce(database.retention, NOW))
    assert (outcome.refused, outcome.record.state) == ((), "done")
    assert database.live(Dataset.OHLC_1M) == Counter()
    assert database.listed() == database.files()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_a_writer_is_given_way_and_its_row_is_not_lost(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(100)])
    late = ago(100) + timedelta(minutes=1)
    insert = f"INSERT INTO ohlc_data VALUES ('ETH-USDT', '1m', '{late.isoformat()}', 1, 1, 1, 1, 1, 'test', 'USDT')"
    with asyncio.Runner() as runner:
        writer = runner.run(asyncpg.connect(database.address.url))
        runner.run(writer.execute(f"BEGIN; {insert}"))
        outcome = database.run(enforce(database.patient(Patience(1)), NOW))
        assert len(outcome.refused) == 1
        runner.run(writer.execute("COMMIT"))
        runner.run(writer.close())
    database.run(enforce(database.retention, NOW))
    assert database.filed(Dataset.OHLC_1M) == Counter([ago(100), late])


def test_a_writer_that_comes_while_a_file_is_written_is_neither_lost_nor_killed(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(100)])
    late = ago(100) + timedelta(minutes=1)
    insert = f"INSERT INTO ohlc_data VALUES ('ETH-USDT', '1m', '{late.isoformat()}', 1, 1, 1, 1, 1, 'test', 'USDT')"

    async def main() -> None:
        inserting: list[asyncio.Task[None]] = []

        async def write() -> None:
            writer = await asyncpg.connect(database.address.url)
            await writer.execute(insert)
            await writer.close()

        def told(progress: Progress) -> None:
            if progress.stage is Stage.EXPORTING and not inserting:
                inserting.append(asyncio.create_task(write()))

        outcome = await enforce(database.patient(Patience(3, 0.2)), NOW, told)
        assert outcome.refused == ()
        # Its own transaction never ends for us. Where the partition was dropped before it came, there is none for the row.
        try:
            await inserting[0]
        except asyncpg.CheckViolationError as error:
            assert "no partition of relation" in str(error)
            written.append(False)
        else:
            written.append(True)

    written: list[bool] = []
    database.run(main())
    rows = Counter([ago(100), late]) if written[0] else Counter([ago(100)])
    assert database.live(Dataset.OHLC_1M) + Counter(database.filed(Dataset.OHLC_1M).keys()) == rows


def test_an_autovacuum_does_not_stop_a_run_for_ever(database: RetentionDatabase) -> None:
    # Its lock, as a session that is no autovacuum: nobody cancels that one, so the run gives way in bounded time.
    database.put(Dataset.OHLC_1M, [ago(50)])
    name = f"ohlc_data_1m_{ago(50):%Y%m%d}"
    with in_use(database, f"LOCK TABLE public.{name} IN SHARE UPDATE EXCLUSIVE MODE"):
        outcome = database.run(enforce(database.patient(Patience(1)), NOW))
    assert len(outcome.refused) == 1
    assert outcome.record.finished_at is not None
    assert outcome.record.finished_at - outcome.record.started_at < timedelta(seconds=5)


def test_a_run_can_be_stopped_between_two_partitions(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(age) for age in (100, 101, 102)])

    async def main() -> Outcome:
        stopping = asyncio.Event()

        def told(progress: Progress) -> None:
            if progress.stage is Stage.WRITTEN:
                stopping.set()

        return await enforce(database.retention, NOW, told, stopping)

    outcome = database.run(main())
    assert [action.start.date() for action in outcome.left] == [ago(101).date(), ago(100).date()]
    assert database.filed(Dataset.OHLC_1M) == Counter([ago(102)])
    assert len(database.live(Dataset.OHLC_1M)) == 2


def test_a_partition_that_has_gone_meanwhile_is_no_trouble_for_the_others(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(100), ago(99)])
    name = f"public.ohlc_data_1m_{ago(99):%Y%m%d}"

    def told(progress: Progress) -> None:
        if progress.stage is Stage.DONE and isinstance(progress.action, ExportAndDrop):
            subprocess.run([sys.executable, "-c", _DROP, database.address.url, name], check=True)

    outcome = database.run(enforce(database.retention, NOW, told))
    assert reasons(outcome) == [f"{name}: has gone since this run was planned; the next one plans anew"]
    assert len(database.listed()) == 1


_DROP = """
import asyncio, asyncpg, sys
async def main():
    connection = await asyncpg.connect(sys.argv[1])
    await connection.execute(f"DROP TABLE IF EXISTS {sys.argv[2]}")
asyncio.run(main())
"""


# Death -----------------------------------------------------------------------------------------------------------------

_DIES = """
import asyncio, os, signal, sys
from datetime import datetime
from pathlib import Path
from shared.adapters.postgres.address import Address
from shared.sidecar.retention import enforce
from shared.sidecar.retention_work import Retention
from tests.retention_database import CONFIG

url, archive, now, at, dataset, times = sys.argv[1:]
left = int(times)

def told(progress):
    global left
    if progress.stage == at and progress.action.dataset == dataset and type(progress.action).__name__ != "CreatePartition":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

retention = Retention(Address(url, "test"), Path(archive), CONFIG.policies, CONFIG.ahead)
asyncio.run(enforce(retention, datetime.fromisoformat(now), told))
"""


def die(database: RetentionDatabase, stage: Stage, dataset: Dataset, times: int = 1) -> None:
    """Let a process be killed when it comes to a stage of a dataset's moves and drops for the nth time."""
    arguments = [database.address.url, str(database.archive), NOW.isoformat(), stage, dataset, str(times)]
    died = subprocess.run([sys.executable, "-c", _DIES, *arguments], cwd=CHECKOUT, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr


@pytest.mark.parametrize(
    ("stage", "dataset", "times"),
    [
        *((stage, Dataset.SCAN_HISTORY, 1) for stage in Stage if stage not in (Stage.REFUSED, Stage.EXPORTING)),
        # After so much of the large one that its file must have been begun: a pipe holds only 64 kB.
        (Stage.EXPORTING, Dataset.OHLC_1M, 12),
        *((stage, Dataset.OHLC_1M, 1) for stage in (Stage.LISTED, Stage.DROPPED, Stage.DONE)),
    ],
)
def test_a_run_that_dies_is_continued_by_the_next(
    database: RetentionDatabase, stage: Stage, dataset: Dataset, times: int
) -> None:
    put = {each: Counter(ago(age) for age in (1, 45, 50, 100, 101, 200, 400, 800)) for each in Dataset}
    for each, rows in put.items():
        database.put(each, rows)
    if stage is Stage.EXPORTING:
        database.fill(dataset, ago(100), 20_000, "ETH-USDT")
        put[dataset] = database.live(dataset)
    die(database, stage, dataset, times)
    if stage is Stage.EXPORTING:
        assert any(file.endswith(".partial") for file in database.files())

    outcome = database.run(enforce(database.retention, NOW))
    assert outcome.refused == ()
    assert_one_fate(database, put)
    assert database.runs() == [("enforce", "died"), ("enforce", "done")]
    assert database.run(enforce(database.retention, NOW)).done == ()


def test_the_record_of_a_run_that_died_says_what_it_did(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(age) for age in (100, 50)])
    die(database, Stage.DONE, Dataset.OHLC_1M)
    database.run(enforce(database.retention, NOW))
    (died, _) = database.fetch("SELECT * FROM retention_runs ORDER BY id")
    assert (died["rows_moved"], died["rows_dropped"], died["finished_at"]) == (1, 0, None)
    assert died["error"] == "its process ended before it did"


def test_a_lost_connection_fails_the_run_and_the_next_goes_on(database: RetentionDatabase) -> None:
    put = {Dataset.OHLC_1M: Counter(ago(age) for age in (100, 101, 50))}
    database.put(Dataset.OHLC_1M, put[Dataset.OHLC_1M])
    killer = _DROP.replace(
        'f"DROP TABLE IF EXISTS {sys.argv[2]}"',
        '"SELECT pg_terminate_backend(pid) FROM pg_stat_activity '
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'recovery'\"",
    )

    def told(progress: Progress) -> None:
        if progress.stage is Stage.WRITTEN:
            subprocess.run([sys.executable, "-c", killer, database.address.url], check=True)

    with pytest.raises(StoreUnavailable):
        database.run(enforce(database.retention, NOW, told))
    database.run(enforce(database.retention, NOW))
    assert_one_fate(database, put)
    assert database.runs() == [("enforce", "died"), ("enforce", "done")]


# Guards on what is dropped ---------------------------------------------------------------------------------------------


def test_a_file_that_does_not_read_back_is_no_reason_to_drop(
    database: RetentionDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.put(Dataset.OHLC_1M, [ago(100), ago(100) + timedelta(minutes=1)])
    database.put(Dataset.OHLC_1H, [ago(900)])
    really = departure.read_back

    async def one_row_less(connection: asyncpg.Connection, path: Path, like: str) -> None:
        await really(connection, path, like)
        if "_1m_" in like:
            await connection.execute("DELETE FROM read_back WHERE ctid = (SELECT min(ctid) FROM read_back)")

    monkeypatch.setattr(departure, "read_back", one_row_less)
    outcome = database.run(enforce(database.retention, NOW))
    assert len(outcome.refused) == 1
    assert "its file reads back as 1 rows of checksum" in outcome.refused[0].reason
    assert len(database.live(Dataset.OHLC_1M)) == 2
    assert database.live(Dataset.OHLC_1H) == Counter()
    assert database.files() == database.listed()
    assert len(database.files()) == 1


def test_rows_of_another_value_are_noticed(database: RetentionDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    database.put(Dataset.OHLC_1M, [ago(100)])
    really = departure.read_back

    async def another_price(connection: asyncpg.Connection, path: Path, like: str) -> None:
        await really(connection, path, like)
        await connection.execute("UPDATE read_back SET close = close + 1e-18")

    monkeypatch.setattr(departure, "read_back", another_price)
    outcome = database.run(enforce(database.retention, NOW))
    assert len(outcome.refused) == 1
    assert len(database.live(Dataset.OHLC_1M)) == 1


def test_a_damaged_file_is_no_reason_to_drop_a_period_that_came_back(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(100)])
    database.run(enforce(database.retention, NOW))
    database.run(restore(database.retention, Dataset.OHLC_1M, ago(101), ago(99), 1, NOW))
    (name,) = database.files()
    (database.archive / name).write_bytes(b"no Parquet")
    later = NOW + timedelta(days=2)
    database.run(enforce(database.retention, later))
    assert database.files() == database.listed() == {name, name.replace(".parquet", "-2.parquet")}
    restored = database.run(restore(database.retention, Dataset.OHLC_1M, ago(101), ago(99), 1, later))
    assert [file.file for file in restored.files] == [name.replace(".parquet", "-2.parquet")]
    assert all_candles(database) == [(ago(100), "100.5")]


def test_an_unlisted_file_is_never_written_over(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(100)])
    name = f"ohlc_1m/ohlc_data_1m_{ago(100):%Y%m%d}"
    (database.archive / "ohlc_1m").mkdir(parents=True)
    (database.archive / f"{name}.parquet").write_bytes(b"of a database that was lost")
    database.run(enforce(database.retention, NOW))
    assert (database.archive / f"{name}.parquet").read_bytes() == b"of a database that was lost"
    assert database.listed() == {f"{name}-2.parquet"}


def test_one_process_at_a_time_works_in_an_archive_folder(retention_servers: Servers, tmp_path: Path) -> None:
    one, other = (retention_servers.database(18, tmp_path) for _ in range(2))

    def told(progress: Progress) -> None:
        if progress.number == 1 and progress.stage is Stage.BEGUN:
            arguments = [other.address.url, str(tmp_path), NOW.isoformat(), "never", "none", "1"]
            command = [sys.executable, "-c", _DIES, *arguments]
            done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)
            said.append(done.stderr.splitlines()[-1])

    said: list[str] = []
    one.run(enforce(one.retention, NOW, told))
    assert f"process {os.getpid()} is at work in this archive folder" in said[0]
    assert other.runs() == []


# Emergency -------------------------------------------------------------------------------------------------------------


def test_an_emergency_frees_space_in_order_of_what_is_missed_least(each_database: RetentionDatabase) -> None:
    database = each_database
    for dataset in Dataset:
        database.put(dataset, [ago(age) for age in (1, 10, 11, 50, 60)])
    database.run(enforce(database.retention, NOW))
    database.fill(Dataset.OHLC_1M, ago(12), 20_000)
    outcome = database.run(emergency(database.retention, Window(days=7), NOW))
    order = [(action.dataset, action.start) for action in outcome.done]
    datasets = [Dataset.SCAN_HISTORY, Dataset.ML_FEATURES, Dataset.OHLC_1M]
    assert order == sorted(order, key=lambda step: (datasets.index(step[0]), step[1]))
    assert {dataset for dataset, _ in order} == set(datasets)
    assert outcome.record.bytes_freed > 1_000_000
    before, after = outcome.record.database_bytes_before, outcome.record.database_bytes_after
    assert before is not None
    assert after == before - outcome.record.bytes_freed
    assert database.runs()[-1] == ("emergency", "done")
    assert set(database.live(Dataset.OHLC_1M)) == {ago(1)}
    assert database.archived(Dataset.OHLC_1M) == Counter()
    assert sum(database.filed(Dataset.OHLC_1M).values()) == 20_004
    assert len(database.live(Dataset.OHLC_1H)) == 5  # the longer candles stay
    assert sum(database.scans_by_day().values()) == 4
    # Rows may be written again where they were dropped.
    database.put(Dataset.SCAN_HISTORY, [ago(10)])


def test_an_emergency_without_files_writes_none(database: RetentionDatabase) -> None:
    database.put(Dataset.OHLC_1M, [ago(10), ago(1)])
    database.put(Dataset.SCAN_HISTORY, [ago(10)])
    outcome = database.run(emergency(database.retention, Window(days=7), NOW, export=False))
    assert outcome.record.rows_dropped == 2
    assert database.files() == database.listed() == set()
    assert database.scans_by_day() == {ago(10).date(): 1}  # the aggregates stay


def test_an_emergency_with_a_full_archive_disk_drops_nothing(database: RetentionDatabase) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small disk")
    database.archive.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", database.archive], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.decode().strip()}")
    try:
        database.fill(Dataset.OHLC_1M, ago(10), 100_000)
        with pytest.raises(departure.ArchiveError, match="No space left on device; nothing was dropped for it"):
            database.run(emergency(database.retention, Window(days=7), NOW))
        assert sum(database.live(Dataset.OHLC_1M).values()) == 100_000
        assert database.files() == database.listed() == set()
        assert database.runs() == [("emergency", "failed")]
        freed = database.run(emergency(database.retention, Window(days=7), NOW, export=False))
        assert freed.record.rows_dropped == 100_000
    finally:
        subprocess.run(["umount", database.archive], check=True)


# In the sidecar --------------------------------------------------------------------------------------------------------


def test_the_service_runs_once_a_day_and_makes_up_for_what_was_missed(database: RetentionDatabase) -> None:
    began = database.value("SELECT clock_timestamp()")
    today = began.replace(hour=3, minute=30, second=0, microsecond=0)
    clock = [max(began, today)]

    async def main() -> None:
        service = RetentionService(database.retention, time(3, 30), asyncio.Event(), lambda: clock[0])
        for _ in range(3):
            await service.step()
        assert service.detail()["refused"] == []
        clock[0] += timedelta(days=1)
        await service.step()

    database.run(main())
    assert database.runs() == [("enforce", "done")] * 2


def test_the_service_tells_its_trouble_until_it_is_over(database: RetentionDatabase) -> None:
    clock = [database.value("SELECT clock_timestamp()")]
    database.archive.parent.mkdir(exist_ok=True)
    database.archive.write_text("a file where the folder should be")

    async def main() -> None:
        service = RetentionService(database.retention, time(3, 30), asyncio.Event(), lambda: clock[0])
        for _ in range(2):
            with pytest.raises(departure.ArchiveError, match="cannot be made"):
                await service.step()
        database.archive.unlink()
        with pytest.raises(departure.ArchiveError):
            await service.step()
        clock[0] += timedelta(minutes=15)
        await service.step()

    database.run(main())
    assert database.runs() == [("enforce", "done")]


def test_every_dataset_has_its_table_and_its_policy() -> None:
    assert set(TABLES) == set(Dataset) == set(POLICIES)
