"""Brings a database's schema up to date, with the files and the table of records that the Supabase CLI uses too."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncpg
from asyncpg import Connection

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connected
from shared.ports import StoreError

SUPABASE = Path(__file__).resolve().parents[2] / "supabase"
_ROLES = ("anon", "authenticated", "service_role")
_FILE_NAME = re.compile(r"(\d{14})_(\w+)\.sql")
# As the Supabase CLI makes it (version 3.1.0): either may come first.
_RECORDS = """
CREATE SCHEMA IF NOT EXISTS supabase_migrations;
CREATE TABLE IF NOT EXISTS supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY);
ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS statements text[];
ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS name text;
"""
_RECORD = "INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES ($1, $2, $3)"
_LOCK = "SELECT pg_advisory_lock(hashtext('recovery.migrate'))"


class MigrationError(StoreError):
    """The schema cannot be brought up to date."""


class MigrationState(StrEnum):
    """Where a migration stands in one database."""

    PENDING = "pending"
    APPLIED = "applied"
    EDITED = "edited"


@dataclass(frozen=True)
class Migration:
    """One file of SQL. `version` is its timestamp, by which migrations are ordered."""

    version: str
    name: str
    path: Path
    statements: str


def read_migrations(folder: Path = SUPABASE / "migrations") -> list[Migration]:
    """The migrations of a folder, in order.

    Raises:
        MigrationError: A file is not named <timestamp>_name.sql, or two have one timestamp.
    """
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path}: must be named <14 digits>_<name>.sql")
        if migrations and migrations[-1].version == match[1]:
            raise MigrationError(f"{path}: has the timestamp of {migrations[-1].path.name}; each needs its own")
        migrations.append(Migration(match[1], match[2], path, path.read_text()))
    return migrations


async def migration_states(
    address: Address, migrations: list[Migration] | None = None
) -> list[tuple[Migration, MigrationState]]:
    """Where each migration stands; nothing is changed.

    Raises:
        StoreError: The database cannot be asked.
    """
    async with connected(address) as connection:
        return await _states(connection, read_migrations() if migrations is None else migrations)


async def migrate(
    address: Address, migrations: list[Migration] | None = None, said: Callable[[str], object] = str
) -> list[Migration]:
    """Apply what is pending, each migration in a transaction of its own; two at once wait for each other.

    Args:
        address: The database. Its user must own it, or be Supabase's `postgres`.
        migrations: Those of this project by default.
        said: Takes each thing a migration has to say, and its name once it is applied.

    Returns:
        Those applied now.

    Raises:
        MigrationError: One was edited after it ran, or cannot be applied. Those before it stay applied.
    """
    migrations = read_migrations() if migrations is None else migrations
    applied = []
    async with connected(address) as connection:
        connection.add_log_listener(lambda _, message: said(message.message))
        await connection.execute("SET client_min_messages = notice")
        await connection.execute(_LOCK)
        await _ensure_roles(connection, address)
        await connection.execute("SET client_min_messages = warning")
        await connection.execute(_RECORDS)
        await connection.execute("SET client_min_messages = notice")
        states = await _states(connection, migrations)
        for migration, state in states:
            if state is MigrationState.EDITED:
                raise MigrationError(
                    f"{migration.path}: was edited after it ran on {address}; "
                    "put the file back as it was and write the change as a new migration"
                )
        for migration in (migration for migration, state in states if state is MigrationState.PENDING):
            await _apply(connection, migration)
            said(f"applied {migration.path.name}")
            applied.append(migration)
        if applied:
            # PostgREST, where there is one, learns of the new functions.
            await connection.execute("NOTIFY pgrst, 'reload schema'")
    return applied


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.statements)
            await connection.execute(_RECORD, migration.version, migration.name, [migration.statements])
    except asyncpg.DiskFullError:
        raise
    except (asyncpg.PostgresSyntaxError, asyncpg.PostgresError) as error:
        raise MigrationError(f"{migration.path}: cannot be applied: {str(error).splitlines()[0]}") from error


async def _ensure_roles(connection: Connection, address: Address) -> None:
    # Supabase has them; its `postgres` may not make roles with bypassrls.
    there = await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = any($1)", list(_ROLES))
    if there == len(_ROLES):
        return
    try:
        await connection.execute((SUPABASE / "roles.sql").read_text())
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"{address}: has no roles {', '.join(_ROLES)} and this user may not make them; "
            "run shared/supabase/roles.sql as a superuser once"
        ) from error


async def _states(connection: Connection, migrations: list[Migration]) -> list[tuple[Migration, MigrationState]]:
    if await connection.fetchval("SELECT to_regclass('supabase_migrations.schema_migrations')") is None:
        return [(migration, MigrationState.PENDING) for migration in migrations]
    rows = await connection.fetch("SELECT version, statements FROM supabase_migrations.schema_migrations")
    ran = {row["version"]: row["statements"] for row in rows}

    def state(migration: Migration) -> MigrationState:
        if migration.version not in ran:
            return MigrationState.PENDING
        statements = ran[migration.version]
        if statements and _gist("".join(statements)) != _gist(migration.statements):
            return MigrationState.EDITED
        return MigrationState.APPLIED

    return [(migration, state(migration)) for migration in migrations]


def _gist(statements: str) -> str:
    """A migration without what the Supabase CLI drops when it splits the file: blanks and semicolons between statements."""
    return re.sub(r"[\s;]+", "", statements)
