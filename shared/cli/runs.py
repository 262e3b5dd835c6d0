"""Which recorded runs a command looks at: one of a home's journal, or all of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot import home as homes
from shared.cli.errors import UsageError
from shared.cli.verify import JOURNAL
from shared.domain.run_record import RunRecord

_SHORT_ID = 8

RunOption = Annotated[str | None, typer.Option(help="Id of the run, or how it begins; default: the last.")]
AllOption = Annotated[bool, typer.Option("--all", help="Look at every run of the home.")]
HomeOption = Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")]


@dataclass(frozen=True)
class Run:
    """A run of the journal, put together."""

    run_id: str
    record: RunRecord


def read_runs(home: Path | None, run: str | None, every: bool) -> list[Run]:
    """The runs of a home's journal that were asked for, oldest first; the last one unless said otherwise.

    Raises:
        JournalError: There is no journal.
        UsageError: There is no such run, or one and all were asked for.
    """
    if every and run is not None:
        raise UsageError(f"--run = {run}: names one run, and --all asks for every one; give one of the two")
    journal = SqliteJournal((home or homes.default_home()).absolute() / "data" / JOURNAL)
    try:
        known = journal.runs()
        if not known:
            raise UsageError(f"{journal.path}: the journal has no run yet")
        wanted = known if every else [each for each in known if each.startswith(run or "")][-1:]
        if not wanted:
            raise UsageError(f"--run = {run}: there is no such run; the last is {known[-1]}")
        return [Run(run_id, RunRecord.of(journal.read(run_id))) for run_id in wanted]
    finally:
        journal.close()


def heading(runs: Sequence[Run]) -> str:
    """Which runs are shown, and of a single one on which market."""
    if len(runs) > 1:
        began_ms = min(run.record.started.at_ms if run.record.started else run.record.last_ms for run in runs)
        return f"{len(runs)} runs, {_span(began_ms, max(run.record.last_ms for run in runs))}"
    (run,) = runs
    started = run.record.started
    if started is None:
        return f"Run {run.run_id[:_SHORT_ID]}, has not begun to trade"
    market = f"\non {_without_folders(started.market)}" if started.market else ""
    state = "stopped" if run.record.stopped else "not stopped: running, or ended without a stop"
    span = _span(started.at_ms, run.record.last_ms)
    return f"Run {run.run_id[:_SHORT_ID]}, {started.script}, {span}, {state}{market}"


def _span(began_ms: int, last_ms: int) -> str:
    return f"{shown_minute(began_ms)} to {shown_minute(last_ms)} UTC"


def _without_folders(market: str) -> str:
    if not market.startswith("replay:"):
        return market
    # What only programs need comes at the end.
    files, _, _ = market.partition(", history ")
    return re.sub(r",\s*", ", ", re.sub(r"[^,:\s]*/", "", files))


def shown_minute(at_ms: int) -> str:
    """A moment to the minute, UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def shown_second(at_ms: int) -> str:
    """A moment to the second, UTC."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def shown_duration(duration_ms: float) -> str:
    """A duration in the unit that fits it."""
    if duration_ms < 1000:
        return f"{duration_ms:.0f} ms"
    if duration_ms < 120_000:
        return f"{duration_ms / 1000:.1f} s"
    if duration_ms < 7_200_000:
        return f"{duration_ms / 60_000:.1f} min"
    return f"{duration_ms / 3_600_000:.1f} h"
