"""The fault matrix: `make faults`, or `python -m tests.faults --only "polygon stream close"`. Exit code 1 if a case failed."""

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.faults.cases import Case, cases, chosen
from tests.faults.measuring import QUIET_S, measure
from tests.faults.outcome import Outcome
from tests.faults.table import markdown, print_table


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="cases whose feed and name hold all these words")
    parser.add_argument("--list", action="store_true", help="name the cases and run none")
    parser.add_argument("--processes", type=int, default=2, help="cases at a time (default 2)")
    parser.add_argument("--json", type=Path, help="write all figures here, and what the feeds said")
    parser.add_argument("--markdown", type=Path, help="write the document here, if no case was left out")
    options = parser.parse_args()
    todo = chosen(options.only, cases())
    console = Console(width=None if Console().is_terminal else 190)
    if not todo:
        parser.error(f"--only {options.only!r}: must be words of a case's feed and name; --list names them")
    if options.list:
        console.print("\n".join(f"{case.feed} {case.name}" for case in todo), markup=False, highlight=False)
        return 0
    outcomes = _measured(todo, options.processes)
    print_table(outcomes, console)
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1) + "\n")
    if options.markdown and not options.only:
        options.markdown.write_text(markdown(outcomes, QUIET_S))
    return int(any(outcome.problems for outcome in outcomes))


def _measured(todo: Sequence[Case], processes: int) -> list[Outcome]:
    # Spawned: a fresh process has no event loop, and no state of this one.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(track(pool.map(measure, todo), "cases", total=len(todo), transient=True))


if __name__ == "__main__":
    raise SystemExit(main())
