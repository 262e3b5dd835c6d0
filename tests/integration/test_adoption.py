"""Adoption of the legacy system's tables: every row has one fate, whatever happens on the way."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.adapters.postgres import adoption as adoption_module
from shared.adapters.postgres.adoption import Adoption, AdoptionResult, adopting
from shared.adapters.postgres.adoption_progress import (
    Adopted,
    AdoptionError,
    CountMismatch,
    LegacyRewritten,
    OptionsChanged,
    Progress,
    QuoteUnknown,
)
from shared.adapters.postgres.adoption_survey import AdoptionPlan
from shared.adapters.postgres.connection import SchemaMissing
from shared.adapters.postgres.legacy_tables import AdoptionOptions
from shared.adapters.postgres.retention_runs import RunInProgress, exclusive
from shared.domain.signals import Side
from shared.domain.stored import Timeframe
from shared.ports import StoreError
from tests.legacy_database import BROKEN, CANDLES, FEATURES, REPEATED, SCANS, LegacyDatabase
from tests.retention_database import RetentionDatabase, Servers

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

TOLD = AdoptionOptions(side=Side.BUY, timeframe=Timeframe.QUARTER)
CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = 900  # of the candles, about
BROKEN_ROWS = sum(len(rows) for rows in BROKEN.values())
CANDLE = """symbol text, timeframe text, "timestamp" timestamptz, open numeric, high numeric, low numeric, close numeric,
    volume numeric"""


@pytest.fixture
def legacy(database: RetentionDatabase) -> Iterator[LegacyDatabase]:
    """Filled, broken rows included, and migrated: the legacy tables are in schema legacy."""
    with LegacyDatabase.on(database.address) as made:
        made.break_rows()
        made.migrate()
        yield made


@pytest.fixture
def bare(database: RetentionDatabase) -> Iterator[LegacyDatabase]:
    """Migrated, without a legacy table."""
    with LegacyDatabase.on(database.address, empty=True) as made:
        made.migrate()
        made.execute("CREATE SCHEMA legacy")
        yield made


def adopt(
    database: LegacyDatabase, options: AdoptionOptions = TOLD, *, batch_rows: int = 5000, drop_legacy: bool = False
) -> AdoptionResult:
    async def work() -> AdoptionResult:
        async with adopting(database.address) as adoption:
            return await adoption.adopt(options, batch_rows=batch_rows, drop_legacy=drop_legacy)

    return asyncio.run(work())


def survey(database: LegacyDatabase, options: AdoptionOptions = TOLD) -> AdoptionPlan:
    async def work() -> AdoptionPlan:
        async with adopting(database.address) as adoption:
            return await adoption.survey(options)

    return asyncio.run(work())


def by_name(result: AdoptionResult) -> dict[str, Adopted]:
    return {table.table: table for table in result.tables}


def put_candles(database: LegacyDatabase, *symbols: str, columns: str = CANDLE, extra: str = "") -> None:
    """A legacy table of one candle for each symbol."""
    database.execute(f"CREATE TABLE legacy.ohlc_data ({columns})")
    for number, symbol in enumerate(symbols):
        database.execute(
            f"INSERT INTO legacy.ohlc_data VALUES ($1, '1m', '2025-01-01 00:{number:02}+00', 1, 1, 1, 1, 1{extra})",
            symbol,
        )


def progress(database: LegacyDatabase, column: str, table: str = "ohlc_data") -> object:
    return database.value(f"SELECT {column} FROM recovery.adoption WHERE relation = $1", table)


def check_whole(database: LegacyDatabase, result: AdoptionResult) -> None:
    """Every row of the filled legacy database, with the broken candles, has its fate."""
    tables = by_name(result)
    candles = tables["ohlc_data"]
    assert (candles.adopted, candles.duplicates, candles.refused) == (CANDLES, REPEATED, BROKEN_ROWS)
    assert {reason: refused.rows for reason, refused in candles.refusals.items()} == {
        reason: len(rows) for reason, rows in BROKEN.items()
    }
    assert (tables["scan_history"].adopted, tables["scan_history"].refused) == (SCANS, 0)
    assert (tables["ml_features"].adopted, tables["ml_features"].refused) == (FEATURES, 0)
    assert all(table.verified for table in result.tables)
    assert database.value("SELECT count(*) FROM ohlc_data") == CANDLES
    assert database.value("SELECT count(*) FROM legacy.ohlc_data") == CANDLES + REPEATED + BROKEN_ROWS
    assert database.value("SELECT count(*) FROM scan_history") == SCANS
    assert database.value("SELECT count(DISTINCT seq) FROM scan_history") == SCANS
    assert database.value("SELECT count(*) FROM ml_features") == FEATURES


# What becomes of rows --------------------------------------------------------------------------------------------------


@pytest.fixture(params=[16, 18])
def each_legacy(request: pytest.FixtureRequest, retention_servers: Servers, tmp_path: Path) -> Iterator[LegacyDatabase]:
    """As `legacy`, on the oldest and on the newest Postgres."""
    with LegacyDatabase.on(retention_servers.database(request.param, tmp_path).address) as made:
        made.break_rows()
        made.migrate()
        yield made


def test_every_row_has_one_fate(each_legacy: LegacyDatabase) -> None:
    check_whole(each_legacy, adopt(each_legacy))


def test_candles_keep_their_values(legacy: LegacyDatabase) -> None:
    adopt(legacy)
    row = legacy.fetch(
        "SELECT * FROM ohlc_data WHERE symbol = 'ETH-USDT' AND timeframe = '15m' ORDER BY \"timestamp\" LIMIT 1"
    )[0]
    assert dict(row) == {
        "symbol": "ETH-USDT",
        "timeframe": "15m",
        "timestamp": datetime(2025, 1, 1, tzinfo=UTC),
        "open": Decimal("100.5"),
        "high": Decimal("102.25"),
        "low": Decimal("99.125"),
        "close": Decimal("101"),
        "volume": Decimal("12.5"),
        "source": "legacy",
        "quote_currency": "USDT",
        "revision": 0,
    }
    # Of rows with one key the first stays: those repeated later had a close of 100.
    assert legacy.value("SELECT count(*) FROM ohlc_data WHERE close <> 101") == 0
    assert legacy.value("SELECT count(DISTINCT quote_currency) FROM ohlc_data WHERE symbol = 'X:SOLUSD'") == 1
    assert legacy.value("SELECT min(quote_currency) FROM ohlc_data WHERE symbol = 'X:SOLUSD'") == "USD"


def test_scans_keep_what_we_do_not_know(legacy: LegacyDatabase) -> None:
    adopt(legacy)
    first, third = (
        json.loads(legacy.fetch("SELECT to_jsonb(s)::text FROM scan_history s WHERE seq = $1", seq)[0][0])
        for seq in (1, 3)
    )
    assert first == {
        "run_id": "00000000-0000-0000-0000-000000000000",
        "seq": 1,
        "timestamp": "2025-01-01T00:05:00+00:00",
        "controller_id": "legacy",
        "strategy": "DCA",
        "symbol": "BTC-USDT",
        "side": "BUY",
        "decision": "no_signal",
        "reason": "drop_not_met",
        "price": 42001.5,
        "confidence": 0,
        "thresholds": {"drop": 0.03},
        "feature_values": {
            "price": 42001.5,
            "rsi": 31.5,
            "scan_id": 1,
            "setup_data": {"grid": [1, None]},
            "market_regime": "NORMAL",
        },
    }
    assert (third["decision"], third["confidence"]) == ("taken", 0.75)


def test_features_gather_the_columns_that_are_filled(legacy: LegacyDatabase) -> None:
    adopt(legacy)
    row = legacy.fetch('SELECT feature_set, timeframe, feature_values FROM ml_features ORDER BY "timestamp" LIMIT 1')[0]
    assert (row["feature_set"], row["timeframe"]) == ("legacy", "15m")
    assert json.loads(row["feature_values"]) == {"rsi_14": 31, "volume_ratio": 1.5}


def test_a_candle_that_is_here_already_stays_as_it_is(bare: LegacyDatabase) -> None:
    put_candles(bare, "BTC-USDT")
    bare.execute("SELECT recovery.ensure_partition('ohlc_1m', '2025-01-01 00:00+00')")
    bare.execute(
        "INSERT INTO ohlc_data VALUES ('BTC-USDT', '1m', '2025-01-01 00:00+00', 5, 5, 5, 5, 5, 'legacy', 'USDT')"
    )
    (table,) = adopt(bare).tables
    assert (table.adopted, table.duplicates, table.refused) == (0, 1, 0)
    assert bare.value("SELECT close FROM ohlc_data") == 5


@pytest.mark.parametrize(
    ("symbol", "quote"),
    [
        ("BTC-USDT", "USDT"),
        ("btc/eur", "EUR"),
        ("X:BTCUSD", "USD"),
        ("X:BTCUSDT", "USDT"),
        ("X:WBTCUSD", "USD"),
        # What could be a quote is part of a name, a contract or a date.
        ("BTC", None),
        ("WBTC", None),
        ("BTCUSDT", None),
        ("BTC-PERP", None),
        ("BTC-27JUN25", None),
        ("BTC-USD-SWAP", None),
        ("BTC/USDT:USDT", None),
        ("X:AAPL", None),
    ],
)
def test_a_quote_is_told_by_the_symbol_or_asked_for(bare: LegacyDatabase, symbol: str, quote: str | None) -> None:
    put_candles(bare, symbol)
    if quote is None:
        with pytest.raises(QuoteUnknown, match=r"do(es)? not tell"):
            adopt(bare)
        adopt(bare, AdoptionOptions(quote="CHF"))
    else:
        adopt(bare, AdoptionOptions(quote="CHF"))
    assert bare.value("SELECT quote_currency FROM ohlc_data") == (quote or "CHF")


def test_columns_of_source_and_quote_are_used(bare: LegacyDatabase) -> None:
    put_candles(bare, "BTC", columns=f"{CANDLE}, provider text, quote_currency text", extra=", 'polygon', 'EUR'")
    adopt(bare)
    assert tuple(bare.fetch("SELECT source, quote_currency FROM ohlc_data")[0]) == ("polygon", "EUR")


def test_numbers_and_times_of_other_types_are_read(bare: LegacyDatabase) -> None:
    columns = (
        'symbol text, timeframe text, "timestamp" timestamp, open text, high text, low text, close text, volume integer'
    )
    bare.execute(f"CREATE TABLE legacy.ohlc_data ({columns})")
    bare.execute("INSERT INTO legacy.ohlc_data VALUES ('A-USD', '1h', '2025-01-01 05:00', '1.10', '2', '0.5', '1', 3)")
    bare.execute("INSERT INTO legacy.ohlc_data VALUES ('A-USD', '1h', '2025-01-01 06:00', 'n/a', '2', '0.5', '1', 3)")
    (table,) = adopt(bare).tables
    assert (table.adopted, list(table.refusals)) == (1, ["no candle has such prices"])
    assert bare.value("SELECT open FROM ohlc_data") == Decimal("1.10")
    assert bare.value('SELECT "timestamp" FROM ohlc_data') == datetime(2025, 1, 1, 5, tzinfo=UTC)


def test_scans_that_cannot_be_told_are_refused(bare: LegacyDatabase) -> None:
    bare.execute(
        """CREATE TABLE legacy.scan_history ("timestamp" timestamptz, symbol text, strategy text, side text, decision text,
            reason text, price numeric, confidence numeric)"""
    )
    fine = "'2025-01-01 00:00+00', 'BTC-USDT', 'dca', 'long', 'taken', NULL, 1, 0.5"
    for row in (
        fine,
        fine,  # two scans alike are two scans
        fine.replace("'long'", "'SELL'"),
        fine.replace("'long'", "'flat'"),
        fine.replace("'taken'", "'maybe'"),
        fine.replace("'taken'", "'rejected'"),
        fine.replace(", 1,", ", 0,"),
        fine.replace("0.5", "75"),
        fine.replace("0.5", "NULL"),
    ):
        bare.execute(f"INSERT INTO legacy.scan_history VALUES ({row})")
    (table,) = adopt(bare).tables
    assert (table.adopted, table.duplicates) == (3, 0)
    assert {reason: refused.rows for reason, refused in table.refusals.items()} == {
        "side 'flat'": 1,
        "decision 'maybe'": 1,
        "refused without a reason": 1,
        "the price is missing or no price": 1,
        "the confidence is missing or not within 0 and 1": 2,
    }
    assert [row["side"] for row in bare.fetch("SELECT side FROM scan_history ORDER BY seq")] == ["BUY", "BUY", "SELL"]


def test_reasons_stay_few(bare: LegacyDatabase) -> None:
    bare.execute(f"CREATE TABLE legacy.ohlc_data ({CANDLE})")
    bare.execute(
        """INSERT INTO legacy.ohlc_data SELECT 'BTC-USDT', 'junk' || n, '2025-01-01 00:00+00', 1, 1, 1, 1, 1
        FROM generate_series(1, 1000) n"""
    )
    (table,) = adopt(bare).tables
    assert (len(table.refusals), table.refusals["other reasons"].rows, table.refused) == (31, 970, 1000)


# What happens on the way -----------------------------------------------------------------------------------------------


def test_killed_again_and_again_it_goes_on_where_it_was(legacy: LegacyDatabase, tmp_path: Path) -> None:
    kills = 0
    done_before = 0
    for share in (0.1, 0.3, 0.55, 0.75):
        process = start_command(legacy, tmp_path, "--batch-rows", "300")
        try:
            while process.poll() is None:
                rows = legacy.fetch("SELECT next_block FROM recovery.adoption WHERE relation = 'ohlc_data'")
                if rows and rows[0][0] >= share * PAGES:
                    os.kill(process.pid, signal.SIGKILL)
                    kills += 1
                    break
                time.sleep(0.005)
        finally:
            process.kill()
            process.communicate()
        done = progress(legacy, "next_block")
        assert isinstance(done, int)
        assert done > done_before
        done_before = done
    assert kills == 4
    assert progress(legacy, "verified_at") is None
    # Each batch is whole: rows and progress agree at any time.
    assert legacy.value("SELECT count(*) FROM ohlc_data") == progress(legacy, "adopted")
    check_whole(legacy, adopt(legacy))
    states = [row["state"] for row in legacy.fetch("SELECT state FROM retention_runs ORDER BY id")]
    assert states == ["died"] * 4 + ["done"]
    # No row was adopted by two of them.
    assert legacy.value("SELECT sum(rows_moved)::bigint FROM retention_runs") == CANDLES + SCANS + FEATURES


def test_a_batch_and_its_progress_are_one(legacy: LegacyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*arguments: object) -> None:
        raise AdoptionError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(adoption_module, "write_down", fail)
        with pytest.raises(AdoptionError, match="the disk is gone"):
            adopt(legacy)
    assert legacy.value("SELECT count(*) FROM ohlc_data") == 0
    assert [tuple(row) for row in legacy.fetch("SELECT kind, state, error FROM retention_runs")] == [
        ("adopt", "failed", "the disk is gone")
    ]
    check_whole(legacy, adopt(legacy))


def test_two_exclude_each_other_and_retention(legacy: LegacyDatabase) -> None:
    async def second() -> None:
        async with exclusive(legacy.address), adopting(legacy.address):
            pass

    with pytest.raises(RunInProgress, match="one run at a time"):
        asyncio.run(second())


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO legacy.ml_features SELECT * FROM legacy.ml_features LIMIT 1",
        "UPDATE legacy.ml_features SET rsi_14 = 0",
        "DELETE FROM legacy.ml_features",
        "TRUNCATE legacy.ml_features",
    ],
)
def test_a_table_given_to_adoption_does_not_change(legacy: LegacyDatabase, change: str) -> None:
    adopt(legacy)
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="given to adoption"):
        legacy.execute(change)


def test_a_row_that_vanished_is_noticed(bare: LegacyDatabase) -> None:
    put_candles(bare, "A-USD", "B-USD")
    original = adoption_module.write_down

    async def lose_one(connection: asyncpg.Connection, *arguments: Progress) -> None:
        await original(connection, *arguments)
        await connection.execute("ALTER TABLE legacy.ohlc_data DISABLE TRIGGER recovery_adoption")
        await connection.execute("DELETE FROM legacy.ohlc_data WHERE symbol = 'A-USD'")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adoption_module, "write_down", lose_one)
        with pytest.raises(CountMismatch, match="has 1 rows, but 2 were taken"):
            adopt(bare, drop_legacy=True)
    assert progress(bare, "verified_at") is None
    assert bare.value("SELECT to_regclass('legacy.ohlc_data')") is not None


def test_a_table_rewritten_half_way_is_not_gone_on_with(
    legacy: LegacyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(monkeypatch, batches=2)
    with pytest.raises(AdoptionError, match="stopped"):
        adopt(legacy)
    monkeypatch.undo()
    legacy.execute("VACUUM FULL legacy.ohlc_data")
    with pytest.raises(LegacyRewritten, match="was rewritten half way"):
        adopt(legacy)


def test_it_goes_on_with_the_options_it_began_with(bare: LegacyDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    put_candles(bare, *("BTC" for _ in range(60)), columns=f"{CANDLE}, filler text", extra=", repeat('x', 1500)")
    stop_after(monkeypatch, batches=1)
    with pytest.raises(AdoptionError, match="stopped"):
        adopt(bare, AdoptionOptions(quote="USD"), batch_rows=100)
    monkeypatch.undo()
    with pytest.raises(OptionsChanged, match="was begun with --quote USD"):
        adopt(bare, AdoptionOptions(quote="EUR"), batch_rows=100)
    adopt(bare, AdoptionOptions(), batch_rows=100)
    assert bare.value("SELECT count(*) FROM ohlc_data WHERE quote_currency = 'USD'") == 60


def test_a_batch_writes_to_few_partitions(bare: LegacyDatabase) -> None:
    bare.execute(f"CREATE TABLE legacy.ohlc_data ({CANDLE})")
    bare.execute(
        """INSERT INTO legacy.ohlc_data SELECT 'BTC-USDT', '1m', '2023-01-01 00:00+00'::timestamptz + n * interval '1 day',
            1, 1, 1, 1, 1 FROM generate_series(0, 499) n"""
    )
    batches: list[Adopted] = []

    async def work() -> None:
        async with adopting(bare.address) as adoption:
            await adoption.adopt(TOLD, said=batches.append)

    asyncio.run(work())
    taken = [after.rows - before.rows for before, after in pairwise(batches)]
    assert sum(taken) == 500
    assert max(taken) <= 200


def test_a_batch_reads_its_own_pages_only(legacy: LegacyDatabase) -> None:
    asked: list[str] = []

    async def work() -> None:
        async with adopting(legacy.address) as adoption:
            adoption._connection.add_query_logger(lambda query: asked.append(query.query))
            await adoption.adopt(TOLD)

    asyncio.run(work())
    reading = {query for query in asked if "legacy.ohlc_data" in query and "ctid" in query}
    assert len(reading) >= 3  # the sample, the periods, the batch, the count
    for query in reading:
        plan = "\n".join(row[0] for row in legacy.fetch(f"EXPLAIN {query.replace('$1', '3').replace('$2', '7')}"))
        assert "Seq Scan" not in plan, plan
        (condition,) = re.findall(r"TID Cond: (.*)", plan)
        assert "ctid >= " in condition, plan
        assert "ctid < " in condition, plan


# What is needed and what is left -----------------------------------------------------------------------------------------


def test_bytes_needed_are_foreseen(legacy: LegacyDatabase) -> None:
    plan = survey(legacy)
    before = legacy.value("SELECT pg_database_size(current_database())")
    adopt(legacy)
    taken = legacy.value("SELECT pg_database_size(current_database())") - before
    # Partitions have a few pages each beyond what their rows need.
    assert 0.6 * taken < plan.bytes_needed < 1.2 * taken
    assert survey(legacy).bytes_needed == 0


def test_a_survey_changes_nothing(legacy: LegacyDatabase) -> None:
    plan = survey(legacy)
    assert plan.left_alone == ("positions",)
    candles = plan.tables[0]
    assert candles.left_behind == ("id", "vwap", "trades", "created_at")
    assert candles.rows_left == pytest.approx(CANDLES + REPEATED + BROKEN_ROWS, rel=0.05)
    assert legacy.value("SELECT count(*) FROM recovery.adoption") == 0
    assert legacy.value("SELECT count(*) FROM retention_runs") == 0


def test_done_once_there_is_nothing_to_do(legacy: LegacyDatabase) -> None:
    adopt(legacy)
    check_whole(legacy, adopt(legacy))
    assert legacy.value("SELECT count(*) FROM retention_runs") == 1


def test_only_what_is_whole_here_is_dropped(legacy: LegacyDatabase) -> None:
    result = adopt(legacy, drop_legacy=True)
    assert sorted(result.freed_bytes) == ["ml_features", "scan_history"]
    assert all(freed > 0 for freed in result.freed_bytes.values())
    assert legacy.value("SELECT to_regclass('legacy.scan_history')") is None
    assert legacy.value("SELECT to_regclass('legacy.positions')") is not None
    assert legacy.value("SELECT count(*) FROM legacy.ohlc_data") == CANDLES + REPEATED + BROKEN_ROWS
    assert progress(legacy, "dropped_at", "scan_history") is not None
    assert progress(legacy, "dropped_at") is None


def test_a_later_table_of_the_same_name_is_another_one(bare: LegacyDatabase) -> None:
    for expected in (2, 4):
        bare.execute(
            'CREATE TABLE legacy.scan_history ("timestamp" timestamptz, symbol text, decision text, price numeric)'
        )
        bare.execute(
            "INSERT INTO legacy.scan_history VALUES ('2025-01-01', 'A', 'skip', 1), ('2025-01-01', 'A', 'skip', 1)"
        )
        (table,) = adopt(bare, drop_legacy=True).tables
        assert table.adopted == 2
        # Numbered on: the same scan at the same time is another row, not a conflict.
        assert bare.value("SELECT array_agg(seq ORDER BY seq) FROM scan_history") == list(range(1, expected + 1))


@pytest.mark.parametrize(
    ("create", "sentence"),
    [
        ("CREATE TABLE legacy.ohlc_data (symbol text, timeframe text)", "has no column open"),
        (
            f"CREATE TABLE legacy.ohlc_data ({CANDLE.replace('timestamptz', 'bigint')})",
            "timestamp: is bigint; must be date or",
        ),
        (f"CREATE TABLE legacy.ohlc_data ({CANDLE}) PARTITION BY LIST (symbol)", "is no plain table"),
        ('CREATE TABLE legacy.scan_history ("timestamp" timestamptz, decision text)', "give --side BUY"),
        ('CREATE TABLE legacy.ml_features ("timestamp" timestamptz, symbol text)', "give --timeframe 1m"),
    ],
)
def test_tables_that_cannot_be_told_are_named(bare: LegacyDatabase, create: str, sentence: str) -> None:
    bare.execute(create)
    with pytest.raises(StoreError, match=sentence):
        adopt(bare, AdoptionOptions())


def test_without_our_schema_the_migrations_are_asked_for(database: RetentionDatabase) -> None:
    with (
        LegacyDatabase.on(database.address) as unmigrated,
        pytest.raises(SchemaMissing, match="run recovery db migrate"),
    ):
        adopt(unmigrated)


def test_there_may_be_no_legacy(bare: LegacyDatabase) -> None:
    assert adopt(bare, drop_legacy=True).tables == ()
    assert bare.value("SELECT count(*) FROM retention_runs") == 0


# The command -------------------------------------------------------------------------------------------------------------


def test_the_command_tells_what_became_of_the_rows(legacy: LegacyDatabase, tmp_path: Path) -> None:
    done = run_command(legacy, tmp_path)
    assert done.returncode == 1  # rows were refused
    assert f"{CANDLES:,}" in done.stdout
    assert "timeframe '5min'" in done.stdout
    assert "recovery storage enforce" in done.stdout
    assert "recovery storage adopt --drop-legacy" in done.stdout
    view = json.loads(run_command(legacy, tmp_path, "--drop-legacy", "--json").stdout)
    assert {table["table"]: table["dropped"] for table in view["tables"]} == {
        "ohlc_data": False,
        "scan_history": True,
        "ml_features": True,
    }
    assert view["tables"][0]["refused"] == BROKEN_ROWS
    assert view["left_alone"] == ["positions"]


def test_the_command_refuses_to_exceed_the_size_limit(legacy: LegacyDatabase, tmp_path: Path) -> None:
    configuration = (CHECKOUT / "conf" / "sidecar.yml").read_text().replace("size_limit_gb: 8", "size_limit_gb: 0.02")
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "sidecar.yml").write_text(configuration)
    done = run_command(legacy, tmp_path)
    assert done.returncode == 2
    assert "beyond storage.size_limit_gb = 0.02" in done.stderr
    assert done.stderr.count("\n") == 1
    assert legacy.value("SELECT count(*) FROM recovery.adoption") == 0
    run_command(legacy, tmp_path, "--yes")
    assert progress(legacy, "verified_at") is not None


def test_ctrl_c_loses_nothing(legacy: LegacyDatabase, tmp_path: Path) -> None:
    process = start_command(legacy, tmp_path, "--batch-rows", "300")
    try:
        while not legacy.fetch("SELECT FROM recovery.adoption WHERE next_block > 0") and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, told.decode()) == (
        130,
        "stopped; nothing is lost, and the same command goes on from here\n",
    )
    assert legacy.value("SELECT count(*) FROM ohlc_data") == progress(legacy, "adopted")
    check_whole(legacy, adopt(legacy))


_RECOVERY = "from shared.cli.main import main; main()"
_TOLD = ("storage", "adopt", "--side", "BUY", "--timeframe", "15m")


def environment(legacy: LegacyDatabase) -> dict[str, str]:
    return {**os.environ, "DATABASE_URL": legacy.address.url, "PYTHONPATH": str(CHECKOUT), "COLUMNS": "150"}


def start_command(legacy: LegacyDatabase, home: Path, *options: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", _RECOVERY, *_TOLD, "--home", str(home), *options]
    return subprocess.Popen(
        command, env=environment(legacy), cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def run_command(legacy: LegacyDatabase, home: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", _RECOVERY, *_TOLD, "--home", str(home), *options]
    return subprocess.run(command, env=environment(legacy), cwd=home, capture_output=True, text=True, timeout=120)


def stop_after(monkeypatch: pytest.MonkeyPatch, batches: int) -> None:
    """Let adoption fail before the batch after so many."""
    original, left = Adoption._take, [batches]

    async def take(adoption: Adoption, *arguments: Any) -> Progress:
        if not left[0]:
            raise AdoptionError("stopped")
        left[0] -= 1
        return await original(adoption, *arguments)

    monkeypatch.setattr(Adoption, "_take", take)
