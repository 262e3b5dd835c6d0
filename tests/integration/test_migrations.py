"""The schema comes about from nothing and from every earlier state, by our command and by the Supabase CLI alike."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import (
    SUPABASE,
    MigrationError,
    MigrationState,
    migrate,
    migration_states,
    read_migrations,
)
from tests.postgres_server import PostgresServer

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

MIGRATIONS = read_migrations()


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
    name = f"test_{abs(hash(request.node.name))}"

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
    """Everything the migrations make: columns, indexes, constraints, functions, grants."""
    questions = [
        "SELECT table_schema, table_name, column_name, data_type, column_default, is_nullable FROM information_schema.columns "
        "WHERE table_schema IN ('public', 'archive', 'recovery') ORDER BY 1, 2, 3",
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


def test_from_nothing(address: Address) -> None:
    said: list[str] = []
    assert asyncio.run(migrate(address, said=said.append)) == MIGRATIONS
    assert said[-len(MIGRATIONS) :] == [f"applied {migration.path.name}" for migration in MIGRATIONS]
    assert asyncio.run(migrate(address)) == []
    assert {state for _, state in asyncio.run(migration_states(address))} == {MigrationState.APPLIED}


@pytest.mark.parametrize("count", range(len(MIGRATIONS)))
def test_from_every_earlier_state(server: PostgresServer, address: Address, count: int) -> None:
    asyncio.run(migrate(address, MIGRATIONS[:count]))
    states = [state for _, state in asyncio.run(migration_states(address))]
    assert states == [MigrationState.APPLIED] * count + [MigrationState.PENDING] * (len(MIGRATIONS) - count)
    assert asyncio.run(migrate(address)) == MIGRATIONS[count:]


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
