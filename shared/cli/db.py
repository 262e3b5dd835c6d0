"""`recovery db`: the database itself - its schema, its server, and a look inside."""

import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit, urlunsplit

import typer

from shared.adapters.postgres.address import Address, address_in
from shared.adapters.postgres.embedded import binaries
from shared.adapters.postgres.migrations import MigrationState, migrate, migration_states
from shared.bot import home as homes
from shared.cli.errors import UsageError
from shared.sidecar.database import EMBEDDED, embedded_postgres, open_database

db_app = typer.Typer(
    help="The database the sidecar writes to: DATABASE_URL, SUPABASE_DB_URL, or the home's own Postgres.",
    no_args_is_help=True,
)
HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")
]
PASSES_ARGUMENTS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
_PSQL_VERSION = 18


@db_app.command("migrate")
def migrate_command(home: HomeOption = None) -> None:
    """Bring the schema up to date: shared/supabase/migrations, as `supabase db push --workdir shared` would."""
    with open_database(home_of(home)) as database:
        address = database.address
        applied = asyncio.run(migrate(address, said=typer.echo))
        typer.echo(f"{address}: " + (f"{len(applied)} migrations applied" if applied else "up to date"))


@db_app.command("status")
def status_command(
    home: HomeOption = None, as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False
) -> None:
    """Show where each migration stands. Exit code 1 when one is pending or was edited after it ran."""
    with open_database(home_of(home)) as database:
        address = database.address
        states = asyncio.run(migration_states(address))
        if as_json:
            view = [{"version": it.version, "name": it.name, "state": state} for it, state in states]
            typer.echo(json.dumps({"database": str(address), "migrations": view}, indent=2))
        else:
            typer.echo(str(address))
            for migration, state in states:
                typer.echo(f"  {state:<8} {migration.path.name}")
    if any(state is not MigrationState.APPLIED for _, state in states):
        raise typer.Exit(1)


@db_app.command("psql", context_settings=PASSES_ARGUMENTS_ON)
def psql_command(context: typer.Context, home: HomeOption = None) -> None:
    """Look inside with psql; further arguments are psql's: recovery db psql -c "select * from trades"."""
    with open_database(home_of(home)) as database:
        command, environment = _psql(database.address)
        # Ctrl-C is psql's: it cancels a statement there, and must not end the server here.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            code = subprocess.run([*command, *context.args], env=environment, check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)
    raise typer.Exit(code)


@db_app.command("url")
def url_command(home: HomeOption = None) -> None:
    """Print where the database is. A password is never printed; the home's own database has none."""
    address = address_in(os.environ)
    if address is not None:
        typer.echo(_without_password(address.url)[0])
        return
    with open_database(home_of(home)) as database:
        typer.echo(database.address.url)
    typer.echo("It runs while something uses it; `recovery db start` keeps it running.", err=True)


@db_app.command("start")
def start_command(home: HomeOption = None) -> None:
    """Start the home's own Postgres and keep it running, until `recovery db stop`."""
    _refuse_foreign("start")
    with embedded_postgres(home_of(home), keep_running=True) as postgres:
        asyncio.run(migrate(Address(postgres.url(), EMBEDDED)))
        typer.echo(f"running: {postgres.url()}")


@db_app.command("stop")
def stop_command(home: HomeOption = None) -> None:
    """Stop the home's own Postgres, once nothing uses it any more."""
    _refuse_foreign("stop")
    if embedded_postgres(home_of(home)).shut_down():
        typer.echo("stopped")
    else:
        typer.echo("in use: the last to use it will stop it")


def home_of(home: Path | None) -> Path:
    """The home a command is about."""
    return (home or homes.default_home()).absolute()


def _refuse_foreign(verb: str) -> None:
    address = address_in(os.environ)
    if address is not None:
        raise UsageError(f"{address.origin}: names a database that is not this home's to {verb}; unset it")


def _psql(address: Address) -> tuple[list[str], dict[str, str]]:
    """The command and its environment. The password goes by the environment: arguments are everyone's to read."""
    url, password = _without_password(address.url)
    environment = dict(os.environ) | ({"PGPASSWORD": password} if password else {})
    return [str(binaries(_PSQL_VERSION) / "psql"), url], environment


def _without_password(url: str) -> tuple[str, str | None]:
    parts = urlsplit(url)
    if parts.password is None:
        return url, None
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}@{place}")), unquote(parts.password)
