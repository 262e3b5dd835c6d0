"""Who may do what: the service key everything it needs, whoever has no secret key nothing, by the catalog and by trying.

The database grants what is new in `public` to everyone, as Supabase's does: a migration that forgets to take it away is seen.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice

import aiohttp
import asyncpg
import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import SUPABASE, migrate
from tests.journals import life, phase_changed
from tests.store_backends import Backend, Databases, journal_of
from tests.supabase_gateway import SupabaseGateway, legacy_key
from tests.unit.domain.generated_runs import finished, round_trip

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

NOBODIES = ("anon", "authenticated")
_GENEROUS = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO anon, authenticated, service_role;
"""
# Partitions of every kind and place: made by shipping and for candles, ahead, in the archive and moved there.
_AS_OWNER = """
SELECT recovery.create_partitions_ahead(dataset, now(), 2) FROM recovery.datasets;
SELECT recovery.ensure_partition(dataset, '2020-01-01', 'archive') FROM recovery.datasets;
SELECT recovery.move_to_archive('ohlc_1m', '2026-01-01Z');
"""
_AS_SERVICE = """
SELECT put_candles(format('[{"symbol": "BTC-USDT", "timeframe": "%s", "timestamp": "2026-01-01T00:00Z", "open": 1, "high": 1,
    "low": 1, "close": 1, "volume": 0, "source": "s", "quote_currency": "USDT"}]', timeframe)::jsonb)
FROM unnest(array['1m', '15m', '1h']) timeframe;
"""
_RELATIONS = """
SELECT c.oid::regclass::text AS name, c.relkind::text AS kind, c.relrowsecurity AS row_security, c.relispartition AS partition
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('public', 'archive', 'recovery') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') ORDER BY 1
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text AS name, p.proname AS plain, n.nspname AS schema, p.proargnames[:p.pronargs] AS arguments
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('public', 'archive', 'recovery') ORDER BY 1
"""
_TABLE_PRIVILEGES = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def url(databases: Databases) -> Iterator[str]:
    """A migrated database of its own, with partitions of every kind, on a server as generous as Supabase's."""
    server = databases.server(18)

    async def make() -> str:
        async with connected(server.url()) as connection:
            await connection.execute("CREATE DATABASE generous")
        async with connected(server.url("generous")) as connection:
            await connection.execute((SUPABASE / "roles.sql").read_text())
            await connection.execute(_GENEROUS)
        await migrate(Address(server.url("generous"), "test"))
        async with connected(server.url("generous")) as connection:
            await connection.execute("SET ROLE service_role")
            batch = journal_of([*finished([round_trip("first")]), phase_changed(), *islice(life(), 1, 40)])
            arguments = (batch.journal_id, batch.bot, 0, batch.seqs, batch.run_ids, batch.payloads)
            shipped = await connection.fetchrow("SELECT * FROM ship_journal($1, $2, $3, $4, $5, $6)", *arguments)
            assert (shipped["shipped"], shipped["dead"]) == (len(batch), 0)
            await connection.execute(_AS_SERVICE)
            await connection.execute("RESET ROLE")
            await connection.execute(_AS_OWNER)
        return server.url("generous")

    yield asyncio.run(make())

    async def drop() -> None:
        async with connected(server.url()) as connection:
            await connection.execute("DROP DATABASE generous WITH (FORCE)")

    asyncio.run(drop())


def fetch(url: str, statement: str) -> list[asyncpg.Record]:
    async def ask() -> list[asyncpg.Record]:
        async with connected(url) as connection:
            return await connection.fetch(statement)

    return asyncio.run(ask())


def test_row_security_is_on_for_every_table_and_partition(url: str) -> None:
    tables = [relation for relation in fetch(url, _RELATIONS) if relation["kind"] in "rp"]
    assert sum(table["partition"] for table in tables) > 20
    assert [table["name"] for table in tables if not table["row_security"]] == []


@pytest.mark.parametrize("role", NOBODIES)
def test_whoever_has_no_secret_key_may_use_no_relation(url: str, role: str) -> None:
    for relation in fetch(url, _RELATIONS):
        name, kind = relation["name"], relation["kind"]
        asked = f"has_sequence_privilege('{role}', '{name}', 'USAGE, SELECT, UPDATE')"
        if kind != "S":
            asked = (
                f"has_table_privilege('{role}', '{name}', '{_TABLE_PRIVILEGES}') "
                f"OR has_any_column_privilege('{role}', '{name}', 'SELECT, INSERT, UPDATE, REFERENCES')"
            )
        assert fetch(url, f"SELECT {asked}")[0][0] is False, f"{role} may use {name}"


@pytest.mark.parametrize("role", NOBODIES)
def test_whoever_has_no_secret_key_may_call_no_function(url: str, role: str) -> None:
    functions = [row["name"] for row in fetch(url, _FUNCTIONS)]
    assert len(functions) > 20
    for name in functions:
        assert fetch(url, f"SELECT has_function_privilege('{role}', '{name}', 'EXECUTE')")[0][0] is False, name


@pytest.mark.parametrize("role", NOBODIES)
def test_whoever_has_no_secret_key_finds_every_door_shut(url: str, role: str) -> None:
    relations = [row for row in fetch(url, _RELATIONS) if row["kind"] != "S"]
    statements = [f"SELECT * FROM {row['name']} LIMIT 1" for row in relations]
    statements += [f"DELETE FROM {row['name']}" for row in relations if row["kind"] != "v"]

    async def try_all() -> list[str]:
        opened = []
        async with connected(url) as connection:
            await connection.execute(f"SET ROLE {role}")
            for statement in statements:
                try:
                    await connection.execute(statement)
                    opened.append(statement)
                except asyncpg.InsufficientPrivilegeError:
                    continue
        return opened

    assert asyncio.run(try_all()) == []


def test_the_service_may_read_and_write_every_table_and_call_what_the_store_calls(url: str) -> None:
    for relation in fetch(url, _RELATIONS):
        if relation["name"].startswith("recovery.") or relation["kind"] == "S":
            continue
        needed = ("SELECT",) if relation["kind"] == "v" else ("SELECT", "INSERT", "UPDATE", "DELETE")
        for privilege in needed:
            asked = f"SELECT has_table_privilege('service_role', '{relation['name']}', '{privilege}')"
            assert fetch(url, asked)[0][0] is True, (relation["name"], privilege)
    for function in (row["name"] for row in fetch(url, _FUNCTIONS) if row["schema"] == "public"):
        assert fetch(url, f"SELECT has_function_privilege('service_role', '{function}', 'EXECUTE')")[0][0] is True


def test_the_api_gives_nothing_to_a_key_that_is_not_secret(supabase: Backend) -> None:
    gateway = supabase.gateway
    assert gateway is not None
    names = [row["name"] for row in supabase.fetch(_RELATIONS) if row["kind"] != "S" and "." not in row["name"]]
    functions = [row for row in supabase.fetch(_FUNCTIONS) if row["schema"] == "public"]
    assert {"signals", "ohlc_data_all"} <= set(names)
    assert {"ship_journal", "put_candles"} <= {function["plain"] for function in functions}

    async def ask(api: SupabaseGateway) -> dict[str, int]:
        answers = {}
        async with aiohttp.ClientSession(f"{api.url}/rest/v1/") as session:
            for key in (api.publishable_key, legacy_key("anon")):
                headers = {"apikey": key}
                for name in names:
                    async with session.get(name, headers=headers) as answer:
                        answers[f"GET {name}"] = answer.status
                for function in functions:
                    name, nothing = function["plain"], dict.fromkeys(function["arguments"] or ())
                    async with session.post(f"rpc/{name}", headers=headers, json=nothing) as answer:
                        answers[f"POST {name}"] = answer.status
        return answers

    assert {name: status for name, status in supabase.run(ask(gateway)).items() if status != 401} == {}
