"""`recovery storage adopt`: the legacy system's rows, brought into the partitioned tables."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.adoption import BATCH_ROWS, AdoptionResult, adopting
from shared.adapters.postgres.adoption_progress import Adopted
from shared.adapters.postgres.adoption_survey import AdoptionPlan
from shared.adapters.postgres.legacy_tables import QUOTE_UNKNOWN, AdoptionOptions
from shared.adapters.postgres.migrations import migrate
from shared.cli.db import HomeOption, home_of
from shared.cli.errors import MISMATCH, UsageError
from shared.domain.signals import Side
from shared.domain.storage import GB_BYTES, shown_bytes
from shared.domain.stored import Timeframe
from shared.sidecar.config import StorageConfig, find_config, load_config
from shared.sidecar.database import open_database

_STOPPED = 130  # as shells say of a program that Ctrl-C ended


def adopt(
    home: HomeOption = None,
    quote: Annotated[
        str | None, typer.Option(help="Quote currency of candles whose symbol does not tell it, e.g. USD.")
    ] = None,
    side: Annotated[Side | None, typer.Option(help="Side of scans, where no column tells it.")] = None,
    timeframe: Annotated[
        Timeframe | None, typer.Option(help="Timeframe of features, where no column tells it.")
    ] = None,
    batch_rows: Annotated[int, typer.Option(min=100, max=1_000_000, help="Rows of a transaction, about.")] = BATCH_ROWS,
    drop_legacy: Annotated[
        bool, typer.Option("--drop-legacy", help="Drop each legacy table of which every row is here.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Adopt even where the size limit will be exceeded.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Bring the rows of the legacy tables, in schema legacy, into ours: batch by batch, and verified by their number.

    It goes on where it was after any interruption. Rows that have no place stay, and are counted by reason. Exit codes: 0 every
    row has its place, 1 rows were refused, 2 bad input.
    """
    if quote is not None and not quote.isalnum():
        raise UsageError(f"--quote = {quote}: must be letters and digits, e.g. USD")
    options = AdoptionOptions(quote.upper() if quote else None, side, timeframe)
    bot_home = home_of(home)
    limits = load_config(find_config(bot_home)).storage
    with open_database(bot_home) as database:
        # Another database's owner runs `recovery db migrate`.
        if database.embedded is not None:
            asyncio.run(migrate(database.address))
        work = _adopt(database.address, options, limits, batch_rows, drop_legacy, yes, quiet=as_json)
        try:
            plan, result = asyncio.run(work)
        except KeyboardInterrupt:
            typer.echo("stopped; nothing is lost, and the same command goes on from here", err=True)
            raise typer.Exit(_STOPPED) from None
    if as_json:
        typer.echo(json.dumps(_view(plan, result), indent=2))
    else:
        _print_result(Console(), plan, result)
    if any(table.refused for table in result.tables):
        raise typer.Exit(MISMATCH)


async def _adopt(
    address: Address,
    options: AdoptionOptions,
    limits: StorageConfig,
    batch_rows: int,
    drop_legacy: bool,
    yes: bool,
    *,
    quiet: bool,
) -> tuple[AdoptionPlan, AdoptionResult]:
    async with adopting(address) as adoption:
        plan = await adoption.survey(options)
        if not quiet:
            _print_plan(Console(), plan)
        limit_bytes = int(limits.size_limit_gb * GB_BYTES)
        if plan.bytes_needed and plan.database_bytes + plan.bytes_needed > limit_bytes and not yes:
            raise UsageError(
                f"{address}: needs about {shown_bytes(plan.bytes_needed)} beside its {shown_bytes(plan.database_bytes)}, "
                f"beyond storage.size_limit_gb = {limits.size_limit_gb} of conf/sidecar.yml; make room, raise it, or give --yes"
            )
        with _progress(Console(), plan, quiet) as said:
            return plan, await adoption.adopt(options, batch_rows=batch_rows, drop_legacy=drop_legacy, said=said)


@contextmanager
def _progress(console: Console, plan: AdoptionPlan, quiet: bool) -> Iterator[Callable[[Adopted], None]]:
    """A bar for each table on a terminal, where there is anything to do."""
    if quiet or not console.is_terminal or not plan.bytes_needed:
        yield lambda _: None
        return
    counts = (
        "{task.fields[adopted]:,} adopted, {task.fields[duplicates]:,} duplicates, {task.fields[refused]:,} refused"
    )
    columns = (TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TimeRemainingColumn(compact=True))
    with ProgressBar(*columns, TextColumn(counts), console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def advance(so_far: Adopted) -> None:
            if so_far.table not in tasks:
                # Begun where it was, so that the time left is told from what is done now.
                tasks[so_far.table] = bar.add_task(
                    so_far.table, total=so_far.pages, completed=so_far.pages_done, adopted=0, duplicates=0, refused=0
                )
            bar.update(
                tasks[so_far.table],
                completed=so_far.pages_done,
                adopted=so_far.adopted,
                duplicates=so_far.duplicates,
                refused=so_far.refused,
            )

        yield advance


def _print_plan(console: Console, plan: AdoptionPlan) -> None:
    if not plan.tables:
        console.print("there is no legacy table to adopt")
    for table in plan.tables:
        so_far = table.so_far
        name = f"legacy.{so_far.table}"
        if so_far.verified:
            continue
        begun = f", {so_far.rows:,} rows of it done" if so_far.rows else ""
        console.print(
            f"{name}: {shown_bytes(table.legacy_bytes)}{begun}; about {table.rows_left:,} rows to go, "
            f"which need about {shown_bytes(table.bytes_needed)} here",
            highlight=False,
        )
        if table.left_behind:
            console.print(
                f"  stays behind, for there is no place for it: {', '.join(table.left_behind)}", highlight=False
            )
        for reason, share in sorted(table.likely_refused.items()):
            if reason == QUOTE_UNKNOWN:
                continue  # not refused: asked for
            console.print(f"  of a sample {share:.1%} will be refused: {reason}", highlight=False)
    if plan.left_alone:
        names = ", ".join(f"legacy.{name}" for name in plan.left_alone)
        console.print(f"left alone, for their rows have no place here: {names}", highlight=False)


def _print_result(console: Console, plan: AdoptionPlan, result: AdoptionResult) -> None:
    if not result.tables:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("", "adopted", "duplicates", "refused", "rows", ""):
        table.add_column(name, justify="right" if name else "left")
    for each in result.tables:
        freed = result.freed_bytes.get(each.table)
        fate = "all accounted for" if freed is None else f"all accounted for; dropped, {shown_bytes(freed)} freed"
        counts = (each.adopted, each.duplicates, each.refused, each.rows)
        table.add_row(f"legacy.{each.table}", *(f"{count:,}" for count in counts), fate)
    console.print(table)
    refused = [each for each in result.tables if each.refused]
    for each in refused:
        console.print(f"\nrefused rows of legacy.{each.table}, which stay there:", highlight=False)
        reasons = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
        reasons.add_column(justify="right")
        for reason, rows in sorted(each.refusals.items(), key=lambda item: -item[1].rows):
            reasons.add_row(f"{rows.rows:,}", reason, f"the first: ctid '{rows.first}'")
        console.print(reasons)
    console.print("\nnext:")
    steps = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
    for step in _next_steps(plan, result, refused):
        steps.add_row(*step)
    console.print(steps)


def _next_steps(plan: AdoptionPlan, result: AdoptionResult, refused: Sequence[Adopted]) -> Iterator[tuple[str, str]]:
    """Commands, each with what it is good for."""
    yield "recovery storage enforce", "archives and drops what is past its window"
    sizes = {table.so_far.table: table.legacy_bytes for table in plan.tables}
    waiting = [each.table for each in result.tables if not each.refused and each.table not in result.freed_bytes]
    if waiting:
        freed = shown_bytes(sum(sizes[table] for table in waiting))
        names = ", ".join(f"legacy.{table}" for table in waiting)
        yield "recovery storage adopt --drop-legacy", f"drops {names}: frees {freed}"
    for each in refused:
        yield (
            f'recovery db psql -c "drop table legacy.{each.table}"',
            f"once nobody needs its {each.refused:,} refused rows: frees {shown_bytes(sizes[each.table])}",
        )


def _view(plan: AdoptionPlan, result: AdoptionResult) -> dict[str, Any]:
    surveyed = {table.so_far.table: table for table in plan.tables}
    return {
        "tables": [
            {
                **asdict(each),
                "rows": each.rows,
                "left_behind": list(surveyed[each.table].left_behind),
                "dropped": each.table in result.freed_bytes,
                "freed_bytes": result.freed_bytes.get(each.table, 0),
            }
            for each in result.tables
        ],
        "left_alone": list(plan.left_alone),
    }
