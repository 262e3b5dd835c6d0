"""`recovery verify`: prove a recorded run from its fills."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot import home as homes
from shared.cli.errors import MISMATCH, OK, UsageError
from shared.cli.verdict import print_verdict
from shared.domain.report import verification_as_json
from shared.domain.run_record import RunRecord
from shared.domain.verification import verify as verify_run

JOURNAL = "recovery_journal.sqlite"


def verify(
    run: Annotated[str | None, typer.Option(help="Id of the run (see `recovery status`); default: the last.")] = None,
    home: Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Walk each trade of a run from signal to PnL, recomputing it from the fills alone.

    Exit codes: 0 everything adds up, 1 a mismatch (each is named), 2 bad input.
    """
    run_id, record = read_run(home, run)
    verdict = verify_run(record)
    if as_json:
        typer.echo(json.dumps({"run": run_id, **verification_as_json(verdict)}, indent=2))
    else:
        print_verdict(Console(), verdict)
    raise typer.Exit(OK if verdict.ok else MISMATCH)


def read_run(home: Path | None, run: str | None) -> tuple[str, RunRecord]:
    """A run of a home's journal, the last unless named.

    Raises:
        JournalError: There is no journal.
        UsageError: There is no such run.
    """
    journal = SqliteJournal((home or homes.default_home()).absolute() / "data" / JOURNAL)
    try:
        runs = journal.runs()
        matching = [run_id for run_id in runs if run_id.startswith(run or "")]
        if not runs:
            raise UsageError(f"{journal.path}: holds no run yet; run the bot first")
        if not matching:
            raise UsageError(f"--run = {run}: there is no such run; the last is {runs[-1]}")
        return matching[-1], RunRecord.of(journal.read(matching[-1]))
    finally:
        journal.close()
