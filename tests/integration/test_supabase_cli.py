"""The Supabase CLI and `recovery db migrate` apply the same files and keep the same records."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import SUPABASE, MigrationState, migrate, migration_states, read_migrations
from tests import tools
from tests.postgres_server import PostgresServer

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

SUPABASE_VERSION = 17


@pytest.fixture
def server(short_folder: Path) -> Iterator[PostgresServer]:
    with PostgresServer(short_folder / "postgres", SUPABASE_VERSION, password="secret") as server:
        yield server


def push(server: PostgresServer, folder: Path) -> "subprocess.CompletedProcess[str]":
    """`supabase db push`, as its users run it, with the CLI's notes about itself kept away from this machine's home."""
    project = folder / "project"
    shutil.copytree(SUPABASE, project / "supabase")
    return subprocess.run(
        [
            tools.supabase_cli(),
            "db",
            "push",
            "--workdir",
            project,
            "--yes",
            "--db-url",
            server.url() + "?sslmode=disable",
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


async def make_roles(server: PostgresServer) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute((SUPABASE / "roles.sql").read_text())
    await connection.close()


def test_what_the_cli_has_pushed_is_applied(server: PostgresServer, short_folder: Path) -> None:
    # A Supabase project has the roles.
    asyncio.run(make_roles(server))
    pushed = push(server, short_folder)
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    address = Address(server.url(), "test")
    assert {state for _, state in asyncio.run(migration_states(address))} == {MigrationState.APPLIED}
    assert asyncio.run(migrate(address)) == []


def test_what_we_have_applied_the_cli_does_not_push(server: PostgresServer, short_folder: Path) -> None:
    assert asyncio.run(migrate(Address(server.url(), "test"))) == read_migrations()
    pushed = push(server, short_folder)
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    assert "up to date" in pushed.stdout + pushed.stderr
