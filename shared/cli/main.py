"""The `recovery` command: its subcommands, and what happens to an error.

Bad input ends with one line on standard error and exit code 2; a run's mismatch with 1, its time-out with 3.
"""

import sys
from typing import Annotated

import typer

from shared.cli import (
    console,
    db,
    funnel,
    hbot,
    health,
    phase,
    run,
    sidecar,
    status,
    storage,
    trades,
    up,
    venue,
    verify,
)
from shared.cli.errors import BAD_INPUT, one_line, user_errors

app = typer.Typer(
    name="recovery",
    help="Paper trading for Hummingbot V2 controllers that really executes, with every trade proved from its fills.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("run")(run.run)
app.command("up")(up.up)
app.command("down")(up.down)
app.command("verify")(verify.verify)
app.command("status")(status.status)
app.command("funnel")(funnel.funnel)
app.command("trades")(trades.trades)
app.command("venue")(venue.venue)
app.command("console")(console.console)
app.command("sidecar")(sidecar.sidecar)
app.command("health")(health.health)
app.add_typer(phase.phase_app, name="phase")
app.add_typer(db.db_app, name="db")
app.add_typer(storage.storage_app, name="storage")
app.command("hbot", context_settings=hbot.PASSES_ARGUMENTS_ON)(hbot.hbot)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"recovery {version('hummingbot-recovery')}, hummingbot {version('hummingbot')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show versions.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the `recovery` command."""
    try:
        app()
    except user_errors() as error:
        typer.echo(f"recovery: {one_line(error)}", err=True)
        sys.exit(BAD_INPUT)
