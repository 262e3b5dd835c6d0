"""`recovery health`: how a home's sidecar, its feeds and its bot are."""

import json
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from shared.adapters.feed_address import FEED_URL, SERVER_FILE, FeedAddress, FeedAddressError, find_address
from shared.cli.db import HomeOption, home_of
from shared.cli.errors import MISMATCH, OK, UsageError
from shared.cli.health_view import health_view
from shared.domain.health import HealthReport, Level
from shared.wire.health_codec import report_as_json

_LOOK_EVERY_S = 2.0


def health(
    home: HomeOption = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 2 s, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON; with --watch one object a line.")] = False,
) -> None:
    """Show each check of the running sidecar: OK, WARN or FAIL, why, and what to do.

    Exit codes: 0 all are OK or WARN, 1 one is FAIL or no sidecar answers, 2 bad input.
    """
    bot_home = home_of(home)
    if watch:
        raise typer.Exit(_watch(bot_home, as_json))
    found = _look(bot_home)
    if isinstance(found, str):
        typer.echo(f"recovery: {found}", err=True)
    elif as_json:
        typer.echo(json.dumps(report_as_json(found), indent=2))
    else:
        Console().print(_view(found))
    raise typer.Exit(_code(found))


def _look(home: Path) -> HealthReport | str:
    """The sidecar's report, or why there is none."""
    # Its client takes a while to import, and no other command needs it.
    from shared.adapters.health_client import NoReport, fetch_report

    if not os.environ.get(FEED_URL) and not (home / SERVER_FILE).exists():
        return f"{home}: no sidecar runs here; recovery sidecar starts one"
    try:
        return fetch_report(_address(home))
    except NoReport as error:
        return f"{home}: no report of a sidecar: {error}"


def _address(home: Path) -> FeedAddress:
    try:
        return find_address(home)
    except FeedAddressError as error:
        raise UsageError(str(error)) from error


def _code(found: HealthReport | str) -> int:
    return MISMATCH if isinstance(found, str) or found.level is Level.FAIL else OK


def _watch(home: Path, as_json: bool) -> int:
    """Show it again and again until Ctrl-C; the exit code of the last look."""
    console = Console()
    is_screen = console.is_terminal and not as_json
    found = _look(home)
    try:
        with Live(console=console, auto_refresh=False, screen=True) if is_screen else nullcontext() as live:
            while True:
                if live is not None:
                    live.update(_view(found), refresh=True)
                elif as_json:
                    said = {"error": found} if isinstance(found, str) else report_as_json(found)
                    typer.echo(json.dumps(said))
                else:
                    console.print(_view(found))
                time.sleep(_LOOK_EVERY_S)
                found = _look(home)
    except KeyboardInterrupt:
        return _code(found)


def _view(found: HealthReport | str) -> RenderableType:
    return Text(found) if isinstance(found, str) else health_view(found)
