"""`recovery sidecar`: what must not live in the trading process."""

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from shared.adapters import lock_file
from shared.bot import home as homes
from shared.cli.errors import UsageError
from shared.cli.shared_clock import run_on_clock
from shared.sidecar import sidecar as composition
from shared.sidecar.config import SidecarConfig, find_config, load_config
from shared.sidecar.shipping import Shipments, Told, not_told


def sidecar(
    home: Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Ship what is in the journal, then end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --once: print what was shipped as JSON.")] = False,
) -> None:
    """Fetch candles for the bot, ship its journal to the store and keep the store small, until Ctrl-C.

    The store is the database of DATABASE_URL or SUPABASE_DB_URL, the API of SUPABASE_URL and SUPABASE_SECRET_KEY, or else a
    Postgres of its own in the home. Windows and services are in conf/sidecar.yml.
    """
    if as_json and not once:
        raise UsageError("--json: needs --once")
    bot_home = (home or homes.default_home()).absolute()
    config = load_config(find_config(bot_home))
    if once:
        with _progress() as told:
            shipments = asyncio.run(composition.ship_once(bot_home, config, told))
        if as_json:
            typer.echo(json.dumps({"events": shipments.events, "dead_letters": shipments.dead}))
        else:
            typer.echo(f"shipped {shipments.events:,} events, {shipments.dead:,} dead letters")
        return
    (bot_home / "data").mkdir(parents=True, exist_ok=True)
    try:
        with lock_file.hold(bot_home / "data" / "sidecar.lock"):
            run_on_clock(lambda: _until_stopped(bot_home, config))
    except lock_file.LockHeld as error:
        raise UsageError(f"{bot_home}: process {error.holder} is its sidecar already: one a home") from None


@contextmanager
def _progress() -> Iterator[Told]:
    """A bar on a terminal, for journals that take their time."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield not_told
        return
    columns = (TextColumn("shipping"), BarColumn(), MofNCompleteColumn(), TextColumn("events"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("shipping", total=None)

        def told(shipments: Shipments) -> None:
            done = shipments.events + shipments.dead
            progress.update(bar, completed=done, total=done + shipments.waiting)

        yield told


async def _until_stopped(home: Path, config: SidecarConfig) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    await composition.run(home, config, stopping, _say)


def _say(line: str) -> None:
    # Not datetime.now: on a simulated market it is that market's time.
    typer.echo(f"{datetime.fromtimestamp(time.time(), UTC):%Y-%m-%d %H:%M:%S} {line}")
