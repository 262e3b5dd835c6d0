"""`recovery funnel`: what became of every candle looked at and every signal, from the journal alone."""

import json
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from shared.cli.funnel_view import View, print_breakdown, print_latencies, print_reasons, print_refusals, print_total
from shared.cli.runs import AllOption, HomeOption, Run, RunOption, heading, read_runs
from shared.domain import funnel as domain
from shared.domain.latencies import latencies_of


class By(StrEnum):
    """The table asked for."""

    STRATEGY = "strategy"
    PAIR = "pair"
    PHASE = "phase"
    REASON = "reason"


def funnel(
    run: RunOption = None,
    every: AllOption = False,
    by: Annotated[By | None, typer.Option(help="Show this table alone.")] = None,
    home: HomeOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Show how many candles became signals, signals orders and orders trades, why the rest did not, and how long it took."""
    runs = read_runs(home, run, every)
    view = view_of(runs)
    if as_json:
        typer.echo(json.dumps(as_json_view(runs, view), indent=2))
    else:
        show(Console(), heading(runs), view, by)


def view_of(runs: list[Run]) -> View:
    """All that is shown of some runs."""
    records = [run.record for run in runs]
    return View(
        total=domain.total(records),
        by={breakdown: domain.by(breakdown, records) for breakdown in domain.Breakdown},
        latencies=latencies_of(records),
        unowned=sum(
            1
            for record in records
            for signals in [{signal.signal_id for signal in record.signals}]
            for executor in record.executors.values()
            if executor.opened.signal_id not in signals
        ),
    )


def show(console: Console, head: str, view: View, by: By | None) -> None:
    """Print the tables asked for: all but pair and phase unless one is named."""
    console.print(head, highlight=False, markup=False)
    console.print()
    if by is By.REASON:
        print_reasons(console, view)
    elif by is not None:
        print_breakdown(console, by, view.by[domain.Breakdown(by)])
    else:
        print_total(console, view)
        print_breakdown(console, By.STRATEGY, view.by[domain.Breakdown.STRATEGY])
        print_refusals(console, view)
        print_latencies(console, view)


def as_json_view(runs: list[Run], view: View) -> dict[str, Any]:
    """The same for programs; a count of null was not recorded."""
    return {
        "runs": [run.run_id for run in runs],
        "total": _as_json(view.total),
        **{
            f"by_{breakdown}": {name: _as_json(part) for name, part in parts.items()}
            for breakdown, parts in view.by.items()
        },
        "executors_without_signal": view.unowned,
        "latencies": [
            {"span": latency.span, "count": latency.count, "p50_ms": latency.p50_ms, "p99_ms": latency.p99_ms}
            for latency in view.latencies
        ],
    }


def _as_json(part: domain.Funnel) -> dict[str, Any]:
    steps = {
        step.value: {
            "count": part.counts[step],
            "share_of_step_before": part.share(step),
            "lost": dict(part.lost[step]),
        }
        for step in domain.Step
    }
    return {
        "steps": steps,
        "unexplained": part.unexplained,
        "orders": part.orders,
        "orders_failed": dict(part.failed),
        "fills": part.fills,
    }
