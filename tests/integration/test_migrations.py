"""The schema comes about from nothing and from every earlier state, by our command and by the Supabase CLI alike."""

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import asyncpg
import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import SchemaMissing
from shared.adapters.postgres.migrations import (
    SUPABASE,
    Migration,
    MigrationError,
    MigrationState,
    migrate,
    migration_states,
    read_migrations,
)
from shared.adapters.postgres.store import PostgresStore
from shared.domain import events as ev
from shared.domain.shipping import JournalBatch, Shipped
from tests.exactly_once import misplaced
from tests.journals import life, phase_changed
from tests.postgres_server import PostgresServer
from tests.store_backends import RUN, journal_of
from tests.unit.domain.generated_runs import finished, round_trip

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

MIGRATIONS = read_migrations()
(PHASES,) = (migration for migration in MIGRATIONS if migration.path.stem.endswith("_phases"))
(FEEDS,) = (migration for migration in MIGRATIONS if migration.path.stem.endswith("_feeds"))


@pytest.fixture(scope="module", params=[16, 17, 18])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    try:
        with PostgresServer(folder, request.param) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def address(server: PostgresServer, request: pytest.FixtureRequest) -> Address:
    """An empty database."""
    return new_database(server, f"test_{abs(hash(request.node.name))}")


def new_database(server: PostgresServer, name: str) -> Address:
    async def make() -> None:
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(make())
    return Address(server.url(name), "test")


def ask(address: Address, question: str, *arguments: object) -> list[asyncpg.Record]:
    async def main() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(address.url)
        try:
            return await connection.fetch(question, *arguments)
        finally:
            await connection.close()

    return asyncio.run(main())


def shape(address: Address) -> list[tuple[object, ...]]:
    """Everything the migrations make: columns, composite types, indexes, constraints, functions, grants."""
    questions = [
        "SELECT table_schema, table_name, column_name, data_type, column_default, is_nullable FROM information_schema.columns "
        "WHERE table_schema IN ('public', 'archive', 'recovery') ORDER BY 1, 2, 3",
        "SELECT attrelid::regclass::text, attnum, attname, atttypid::regtype::text FROM pg_attribute "
        "JOIN pg_class c ON c.oid = attrelid WHERE relkind = 'c' AND relnamespace = 'recovery'::regnamespace ORDER BY 1, 2",
        "SELECT schemaname, tablename, indexdef FROM pg_indexes WHERE schemaname IN ('public', 'archive', 'recovery') "
        "ORDER BY 1, 2, 3",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace::regnamespace::text IN ('public', 'archive', 'recovery') ORDER BY 1, 2, 3",
        "SELECT oid::regprocedure::text, prosrc, proacl::text FROM pg_proc "
        "WHERE pronamespace::regnamespace::text IN ('public', 'archive', 'recovery') ORDER BY 1",
        "SELECT oid::regclass::text, relrowsecurity, relacl::text FROM pg_class "
        "WHERE relnamespace::regnamespace::text IN ('public', 'archive', 'recovery') AND relkind IN ('r', 'p', 'v') ORDER BY 1",
    ]
    return [tuple(row) for question in questions for row in ask(address, question)]


@pytest.fixture(scope="module")
def whole(server: PostgresServer) -> list[tuple[object, ...]]:
    """The shape of a database migrated at once."""
    address = new_database(server, "whole")
    asyncio.run(migrate(address))
    return shape(address)


def test_from_nothing(address: Address) -> None:
    said: list[str] = []
    assert asyncio.run(migrate(address, said=said.append)) == MIGRATIONS
    assert said[-len(MIGRATIONS) :] == [f"applied {migration.path.name}" for migration in MIGRATIONS]
    assert asyncio.run(migrate(address)) == []
    assert {state for _, state in asyncio.run(migration_states(address))} == {MigrationState.APPLIED}


@pytest.mark.parametrize("count", range(len(MIGRATIONS)))
def test_from_every_earlier_state(whole: list[tuple[object, ...]], address: Address, count: int) -> None:
    asyncio.run(migrate(address, MIGRATIONS[:count]))
    states = [state for _, state in asyncio.run(migration_states(address))]
    assert states == [MigrationState.APPLIED] * count + [MigrationState.PENDING] * (len(MIGRATIONS) - count)
    assert asyncio.run(migrate(address)) == MIGRATIONS[count:]
    assert shape(address) == whole


def test_two_at_once_apply_each_migration_once(address: Address) -> None:
    async def both() -> list[int]:
        return [len(applied) for applied in await asyncio.gather(migrate(address), migrate(address))]

    assert sorted(asyncio.run(both())) == [0, len(MIGRATIONS)]


def test_legacy_tables_move_aside_with_their_rows(address: Address) -> None:
    ask(address, 'CREATE TABLE ohlc_data (symbol text, timeframe text, "timestamp" timestamptz)')
    ask(address, "INSERT INTO ohlc_data SELECT 'BTC', '1min', now() FROM generate_series(1, 10)")
    ask(address, "CREATE TABLE trades (id bigint primary key)")
    said: list[str] = []
    asyncio.run(migrate(address, said=said.append))
    assert ask(address, "SELECT count(*) FROM legacy.ohlc_data")[0][0] == 10
    assert ask(address, "SELECT count(*) FROM ohlc_data")[0][0] == 0
    moved = [line for line in said if "moved to schema legacy" in line]
    assert [line.split()[1] for line in moved] == ["ohlc_data", "trades"]


def test_every_table_of_ours_finds_its_name_free(address: Address) -> None:
    """Whatever the legacy system called its tables: ours come about, and its rows are kept."""
    names = [name for migration in (MIGRATIONS[0], PHASES, FEEDS) for name in _tables_made_by(migration)]
    assert {"signals", "exits", "evaluations"} <= set(names)
    for name in names:
        ask(address, f'CREATE TABLE "{name}" (theirs text)')
        ask(address, f"INSERT INTO \"{name}\" VALUES ('kept')")
    asyncio.run(migrate(address))
    for name in names:
        assert ask(address, f'SELECT * FROM legacy."{name}"') == [("kept",)], name
        assert ask(address, f'SELECT FROM public."{name}"') == [], name


def _tables_made_by(migration: Migration) -> list[str]:
    # Not ohlc_data_1m and its like, that are partitions.
    return re.findall(r"^create table public\.(\w+) \(", migration.path.read_text(), re.MULTILINE)


_SHIPPED = ("runs", "signals", "orders", "fills", "positions", "trades", "config_history", "journal_cursor")


def _rows(address: Address, table: str) -> list[dict[str, Any]]:
    return [json.loads(row[0]) for row in ask(address, f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1")]


_SHIP = "SELECT shipped, dead FROM ship_journal($1, $2, $3, $4, $5, $6)"


def _arguments(batch: JournalBatch) -> tuple[object, ...]:
    return batch.journal_id, batch.bot, batch.after_seq, batch.seqs, batch.run_ids, batch.payloads


def test_rows_from_before_there_were_phases_stay_as_they_are(address: Address) -> None:
    asyncio.run(migrate(address, MIGRATIONS[: MIGRATIONS.index(PHASES)]))
    older = journal_of([*finished([round_trip("older")]), ev.ConfigRefused(at_ms=1, reason="levels = 0")])
    assert ask(address, _SHIP, *_arguments(older)) == [(len(older), 0)]
    before = {table: _rows(address, table) for table in _SHIPPED}
    ask(address, "INSERT INTO phase_history (to_phase, reason) VALUES (1, 'by hand')")

    assert PHASES in asyncio.run(migrate(address))
    for table, rows in before.items():
        assert [{name: row[name] for name in old} for row, old in zip(_rows(address, table), rows, strict=True)] == rows
    assert ask(address, "SELECT market FROM runs") == [("",)]
    assert ask(address, "SELECT components::text, adjustments::text, phase, config_id FROM signals") == [
        ("{}", "{}", None, None)
    ]
    assert ask(address, "SELECT terms FROM positions") == [(None,)]
    assert ask(address, "SELECT run_id, seq, reason FROM phase_history") == [(None, None, "by hand")]

    # And the same journal goes on.
    newer = journal_of([phase_changed(), *islice(life(), 1, 100)], first_seq=len(older) + 1)
    assert ask(address, _SHIP, *_arguments(newer)) == [(len(newer), 0)]
    places = [(RUN, seq) for seq in range(1, newer.seqs[-1] + 1)]
    assert asyncio.run(misplaced(address.url, places)) == []


def test_a_sidecar_may_ship_while_the_schema_changes(address: Address) -> None:
    """An older one: it has called the functions before, and calls what they are now by the same connection."""
    asyncio.run(migrate(address, MIGRATIONS[: MIGRATIONS.index(PHASES)]))
    older = journal_of(finished([round_trip("older")]))
    newer = journal_of([phase_changed(), *islice(life(), 1, 100)], first_seq=len(older) + 1)

    async def main() -> list[tuple[int, int]]:
        connection = await asyncpg.connect(address.url)
        answers = [await connection.fetchrow(_SHIP, *_arguments(older))]
        await migrate(address)
        answers.append(await connection.fetchrow(_SHIP, *_arguments(newer)))
        await connection.close()
        return [tuple(answer) for answer in answers]

    assert asyncio.run(main()) == [(len(older), 0), (len(newer), 0)]


def test_a_store_that_knows_fewer_kinds_of_events_takes_none_of_them(address: Address) -> None:
    """As dead letters they would stay so when the store knows more."""
    asyncio.run(migrate(address))
    kinds = len(get_args(ev.Event))
    with_kinds = _SHIP.replace("$6", "$6, $7")
    batch = journal_of([phase_changed()])
    with pytest.raises(
        asyncpg.UndefinedFunctionError, match=f"{kinds + 1} kinds of events are sent, the store knows {kinds}"
    ):
        ask(address, with_kinds, *_arguments(batch), kinds + 1)
    assert ask(address, "SELECT FROM journal_cursor") == ask(address, "SELECT FROM dead_letters") == []
    assert ask(address, with_kinds, *_arguments(batch), kinds) == [(1, 0)]


def test_an_edited_migration_is_named_and_nothing_is_applied(address: Address, tmp_path: Path) -> None:
    asyncio.run(migrate(address, MIGRATIONS[:2]))
    shutil.copytree(SUPABASE / "migrations", tmp_path / "migrations")
    edited = tmp_path / "migrations" / MIGRATIONS[1].path.name
    edited.write_text(edited.read_text() + "\nselect 1;\n")
    with pytest.raises(MigrationError) as raised:
        asyncio.run(migrate(address, read_migrations(tmp_path / "migrations")))
    assert str(raised.value).startswith(f"{edited}: was edited after it ran on ")
    states = [state for _, state in asyncio.run(migration_states(address))]
    assert states[2:] == [MigrationState.PENDING] * (len(MIGRATIONS) - 2)


def test_a_migration_that_fails_is_named_and_leaves_nothing_half_done(address: Address, tmp_path: Path) -> None:
    (tmp_path / "20260101000000_good.sql").write_text("create table good (id int);")
    (tmp_path / "20260102000000_bad.sql").write_text("create table half (id int); create table good (id int);")
    (tmp_path / "20260103000000_later.sql").write_text("create table later (id int);")
    with pytest.raises(MigrationError) as raised:
        asyncio.run(migrate(address, read_migrations(tmp_path)))
    bad = tmp_path / "20260102000000_bad.sql"
    assert str(raised.value) == f'{bad}: cannot be applied: relation "good" already exists'
    there = ask(address, "SELECT relname FROM pg_class WHERE relname IN ('good', 'half', 'later')")
    assert [row[0] for row in there] == ["good"]


def test_who_may_not_make_roles_is_told_how(short_folder: Path) -> None:
    # Roles belong to a whole server: this one has never been migrated.
    with PostgresServer(short_folder) as server:
        address = Address(server.url(), "test")
        ask(address, "CREATE ROLE lesser LOGIN")
        lesser = Address(address.url.replace("postgres@", "lesser@", 1), "test")
        with pytest.raises(MigrationError, match=r"run shared/supabase/roles\.sql as a superuser once"):
            asyncio.run(migrate(lesser))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["2026_store.sql"], "must be named <14 digits>_<name>.sql"),
        (["20260101000000_a.sql", "20260101000000_b.sql"], "has the timestamp of 20260101000000_a.sql"),
    ],
)
def test_files_that_have_no_place_in_the_order(tmp_path: Path, names: list[str], said: str) -> None:
    for name in names:
        (tmp_path / name).write_text("select 1;")
    with pytest.raises(MigrationError, match=said):
        read_migrations(tmp_path)


def test_a_store_without_the_newest_kinds_is_told_to_migrate_and_loses_nothing(address: Address) -> None:
    asyncio.run(migrate(address, MIGRATIONS[: MIGRATIONS.index(PHASES)]))
    batch = journal_of([phase_changed(), *islice(life(), 100)])

    async def main() -> Shipped:
        store = PostgresStore(address)
        with pytest.raises(SchemaMissing, match="run recovery db migrate"):
            await store.ship(batch)
        await migrate(address)
        answer = await store.ship(batch)
        await store.close()
        return answer

    assert asyncio.run(main()) == Shipped(101, 101, 0)
