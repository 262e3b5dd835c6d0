"""`recovery storage`: how large the database is, and what keeps it small."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.adapters.postgres.connection import connected
from shared.adapters.postgres.migrations import migrate
from shared.adapters.postgres.retention_runs import RunRecord, read_records
from shared.cli import storage_adopt, storage_report
from shared.cli.db import HomeOption, home_of
from shared.cli.errors import MISMATCH, UsageError
from shared.cli.storage_view import (
    outcome_as_json,
    plan_as_json,
    print_impact,
    print_outcome,
    print_plan,
    record_as_json,
    shown_progress,
)
from shared.domain.retention import Dataset
from shared.domain.windows import Window, WindowError
from shared.sidecar.config import SidecarConfig, find_config, load_config
from shared.sidecar.database import open_database
from shared.sidecar.restoration import Restored
from shared.sidecar.restoration import restore as restore_periods
from shared.sidecar.retention import emergency as drop_older
from shared.sidecar.retention import enforce as enforce_now
from shared.sidecar.retention import plan_emergency, plan_now
from shared.sidecar.retention_work import Outcome, Retention, Told, not_told

storage_app = typer.Typer(
    help="How large the database is, and what keeps it small. Windows and archive folder are in conf/sidecar.yml.",
    no_args_is_help=True,
)
storage_app.command("analyze")(storage_report.analyze)
storage_app.command("adopt")(storage_adopt.adopt)

JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
_INTERRUPTED = 130
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


@dataclass(frozen=True)
class _Storage:
    """A home's database with what its configuration says of retention."""

    retention: Retention
    config: SidecarConfig


@storage_app.command("enforce")
def enforce(
    home: HomeOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make partitions ahead, archive and drop what is past its window; what is dropped is in a verified file first.

    The sidecar does this once a day. Exit codes: 0 done, 1 a partition was left for the next run (each is named), 2 bad input.
    """
    with _opened(home) as storage:
        now = datetime.now(UTC)
        if dry_run:
            plan = asyncio.run(plan_now(storage.retention, now))
            if as_json:
                typer.echo(json.dumps(plan_as_json(plan), indent=2))
            else:
                print_plan(Console(), plan)
            return
        outcome = _run(lambda told, stopping: enforce_now(storage.retention, now, told, stopping), quiet=as_json)
        _report(outcome, storage, as_json)


@storage_app.command("emergency")
def emergency(
    keep: Annotated[str, typer.Option(help="What stays in any case, e.g. 7d.")],
    home: HomeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    no_export: Annotated[
        bool, typer.Option("--no-export", help="Write no files: what is in none yet is gone for good.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Free space now: drop scans, then features, then one-minute candles older than KEEP, each oldest first.

    Other candles, signals, orders, fills and trades stay. Exit codes: 0 done, 1 a partition was left, 2 bad input.
    """
    window = _window(keep)
    if not yes and not sys.stdin.isatty():
        raise UsageError("recovery storage emergency: asks before it drops; without a terminal give --yes")
    with _opened(home) as storage:
        now = datetime.now(UTC)
        if not yes and not _agreed(storage, window, now, no_export):
            typer.echo("nothing was dropped")
            return
        outcome = _run(
            lambda told, stopping: drop_older(
                storage.retention, window, now, export=not no_export, told=told, stopping=stopping
            ),
            quiet=as_json,
        )
        _report(outcome, storage, as_json)


@storage_app.command("restore")
def restore(
    dataset: Annotated[Dataset, typer.Argument(help="What to bring back.")],
    since: Annotated[datetime, typer.Option(formats=_DATES, help="Beginning, UTC.")],
    until: Annotated[datetime, typer.Option(formats=_DATES, help="End, UTC, itself not included.")],
    home: HomeOption = None,
    hold_days: Annotated[int, typer.Option(min=0, max=366, help="Days for which retention leaves it alone.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Bring archived partitions back from their files, whole, into the schema archive. Candles are in ohlc_data_all then.

    Nothing is touched unless every file is as it was written.
    """
    if since >= until:
        raise UsageError(f"--until = {until:%Y-%m-%d}: must be after --since = {since:%Y-%m-%d}")
    period = since.replace(tzinfo=UTC), until.replace(tzinfo=UTC)
    with _opened(home) as storage:
        restored = asyncio.run(restore_periods(storage.retention, dataset, *period, hold_days, datetime.now(UTC)))
        if as_json:
            typer.echo(json.dumps(_restored_as_json(restored, storage.config), indent=2))
            return
        typer.echo(
            f"restored {restored.record.rows_moved:,} rows from {len(restored.files):,} files; "
            f"they stay until {restored.held_until:%Y-%m-%d %H:%M} UTC at least"
        )
        for relation in restored.relations:
            typer.echo(f"  {relation}")


@storage_app.command("impact")
def impact(
    home: HomeOption = None,
    last: Annotated[int, typer.Option(min=1, max=1000, help="Runs to show.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show what each run was good for: size, cost a month, and median time of the queries people wait for, before and after."""
    with _opened(home) as storage:
        records = asyncio.run(_records(storage.retention, last))
        price = storage.config.storage.price_usd_per_gb_month
        if as_json:
            typer.echo(json.dumps([record_as_json(record, price) for record in records], indent=2))
        elif records:
            print_impact(Console(), records, price)
        else:
            typer.echo("no run yet; recovery storage enforce makes the first")


@contextmanager
def _opened(home: Path | None) -> Iterator[_Storage]:
    bot_home = home_of(home)
    config = load_config(find_config(bot_home))
    with open_database(bot_home) as database:
        # Another database's owner runs `recovery db migrate`.
        if database.embedded is not None:
            asyncio.run(migrate(database.address))
        settings = config.retention
        retention = Retention(database.address, settings.archive_in(bot_home), settings.policies, settings.ahead)
        yield _Storage(retention, config)


def _run(
    work: Callable[[Told, asyncio.Event], Coroutine[None, None, Outcome]],
    *,
    quiet: bool,
) -> Outcome:
    """Run it with progress. Ctrl-C ends it after the partition it is at, a second one at once."""

    console = Console()

    async def stoppable(told: Told) -> Outcome:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end() -> None:
            # Not by an exception: what it would have to wait for is what was asked to end. A run may die anywhere.
            console.show_cursor()
            os._exit(_INTERRUPTED)

        def stop() -> None:
            loop.add_signal_handler(signal.SIGINT, end)
            stopping.set()
            typer.echo("stopping after this partition; Ctrl-C again ends at once, and loses nothing", err=True)

        loop.add_signal_handler(signal.SIGINT, stop)
        return await work(told, stopping)

    if quiet:
        return asyncio.run(stoppable(not_told))
    with shown_progress(console) as told:
        return asyncio.run(stoppable(told))


def _report(outcome: Outcome, storage: _Storage, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(outcome_as_json(outcome, storage.config.storage.price_usd_per_gb_month), indent=2))
    else:
        print_outcome(Console(), outcome)
    for refused in outcome.refused:
        typer.echo(f"recovery: {refused.reason}", err=True)
    if outcome.refused:
        raise typer.Exit(MISMATCH)


def _agreed(storage: _Storage, keep: Window, now: datetime, no_export: bool) -> bool:
    plan = asyncio.run(plan_emergency(storage.retention, keep, now))
    print_plan(Console(), plan)
    if not plan.actions:
        return False
    written = "WITHOUT writing files" if no_export else f"after writing files to {storage.retention.archive}"
    return typer.confirm(f"Drop {len(plan.actions):,} partitions {written}?")


def _window(keep: str) -> Window:
    try:
        return Window.parse(keep)
    except WindowError:
        raise UsageError(f"--keep = {keep}: must look like 7d, 1mo or 1y") from None


async def _records(retention: Retention, last: int) -> list[RunRecord]:
    async with connected(retention.address) as connection:
        return await read_records(connection, last)


def _restored_as_json(restored: Restored, config: SidecarConfig) -> dict[str, object]:
    return {
        "run": record_as_json(restored.record, config.storage.price_usd_per_gb_month),
        "files": [file.file for file in restored.files],
        "relations": list(restored.relations),
        "held_until": restored.held_until.isoformat(),
    }
