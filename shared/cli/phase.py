"""`recovery phase`: which phase of the plan a home is in, and what is missing to leave it."""

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.adapters.phase_journal import change_phase, current_phase, phase_changes
from shared.cli.db import HomeOption, home_of
from shared.cli.errors import MISMATCH, UsageError
from shared.cli.phase_evidence import journal_of, judge_gates
from shared.cli.phase_view import (
    evidence_of,
    history_as_json,
    print_history,
    print_status,
    refusal,
    status_as_json,
)
from shared.domain.criteria import Verdict
from shared.domain.events import PhaseChanged
from shared.domain.phases import FIRST_PHASE, LAST_PHASE, PHASES

phase_app = typer.Typer(
    help="The phase of the recovery plan a home is in, and the gate to the next: arithmetic on the journal's fills.",
    no_args_is_help=True,
)
JsonOption = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the history.")]
_NO_REASON = "no reason given"


@phase_app.command("status")
def status(
    phase: Annotated[
        int | None, typer.Option(min=FIRST_PHASE, max=LAST_PHASE, help="Show the gate of this phase alone.")
    ] = None,
    queries: Annotated[
        bool, typer.Option("--queries", help="Show each figure's query on the store, for recovery db psql -c.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the phase and its gates: each criterion with what was found, what is asked, the verdict and what is missing.

    INCONCLUSIVE is not enough evidence yet; FAILED is evidence against. Times are those of the bot's clock.
    """
    bot_home = home_of(home)
    current = current_phase(journal_of(bot_home))
    gates = judge_gates(bot_home, range(FIRST_PHASE, LAST_PHASE + 1) if phase is None else (phase,))
    if as_json:
        typer.echo(json.dumps(status_as_json(current, gates), indent=2))
    else:
        print_status(Console(), current, gates, queries=queries)


@phase_app.command("advance")
def advance(
    reason: ReasonOption = "",
    force: Annotated[
        bool, typer.Option("--force", help="Go although the gate has not passed; recorded as such.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Go to the next phase, once every criterion of this one's gate has passed. A bot may run meanwhile.

    Exit codes: 0 done, 1 the gate has not passed (each criterion that has not is named), 2 bad input.
    """
    bot_home = home_of(home)
    journal = journal_of(bot_home)
    current = current_phase(journal)
    if current == LAST_PHASE:
        raise UsageError(f"phase {current} is the last: there is none to advance to")
    (judged,) = judge_gates(bot_home, (current,))
    has_passed = judged.gate.verdict is Verdict.PASSED
    if not has_passed and not force:
        for criterion, answer in judged.gate.answers:
            if answer.verdict is not Verdict.PASSED:
                typer.echo(f"recovery: {refusal(current, criterion, answer)}", err=True)
        raise typer.Exit(MISMATCH)
    change = PhaseChanged(
        at_ms=_now_ms(),
        from_phase=current,
        to_phase=current + 1,
        forced=not has_passed,
        reason=reason or ("the gate has passed" if has_passed else _NO_REASON),
        evidence=evidence_of(judged),
    )
    _go(journal, change)


@phase_app.command("back")
def back(reason: ReasonOption = "", home: HomeOption = None) -> None:
    """Go back to the phase before. A bot may run meanwhile."""
    journal = journal_of(home_of(home))
    current = current_phase(journal)
    if current == FIRST_PHASE:
        raise UsageError(f"phase {current} is the first a home can be in: storage, phase 0, runs beside every phase")
    change = PhaseChanged(
        at_ms=_now_ms(),
        from_phase=current,
        to_phase=current - 1,
        forced=False,
        reason=reason or _NO_REASON,
        evidence={},
    )
    _go(journal, change)


@phase_app.command("history")
def history(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show every change of phase: when, why, and whether it was forced."""
    changes = phase_changes(journal_of(home_of(home)))
    if as_json:
        typer.echo(json.dumps(history_as_json(changes), indent=2))
    else:
        print_history(Console(), changes)


def _go(journal: Path, change: PhaseChanged) -> None:
    change_phase(journal, change)
    forced = ", forced" if change.forced else ""
    typer.echo(f"phase {change.to_phase}, {PHASES[change.to_phase].name}{forced} (before: {change.from_phase})")
    typer.echo(
        "A running bot takes it within 10 s, its sidecar too; what is open finishes under the terms it was opened with."
    )


def _now_ms() -> int:
    return int(time.time() * 1000)
