"""The matrix as people read it: on the screen, and as the document."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from tests.faults.outcome import MOST_A_MINUTE, Outcome

HEADS = (
    "fault", "candles from", "first sign", "noticed s", "whole s", "as before s", "missing", "twice or wrong", "a minute",
    "at once",
)  # fmt: skip

_PREFACE = """# Faults

What the feeds do about everything that can go wrong with a source. Written by `make faults`, which tries it all on the
local venue and a virtual clock (`tests/faults`); do not edit.

{cases} cases, {failed} failed. Two pairs live quietly for {quiet_s:g} s on two sources of bars, the one with the fault in
use, and one of prices; then the fault comes. All times are seconds of the virtual clock, looked at every half a second.

- *candles from*: where the canary pair's candles came from, in order, until all was as before. In no case but those
  without any source was a bot kept from new entries.
- *first sign*: what `recovery health`, the log and the alerts show first; a dash where there is nothing to notice.
- *noticed*: from the first thing the fault hit.
- *whole*: from the fault's end until no bar was late, of any source, and bots might decide. A fault that comes once is
  over once it has hit.
- *as before*: from the same moment until every link and service was as before, every canary bar on time, and the preferred
  source in use again: after five of its canary bars in a row, and no sooner than five minutes after it was left. What a
  person must mend is tried again every fifteen minutes.
- *missing*: bars the source has and the store has not, or a bot was not told, in all three timeframes, two hours back.
- *twice or wrong*: candles a bot was told twice as new, bars stored or told with other values than the source's.
- *a minute*, *at once*: most connections to the source. Ours may be {polygon} a minute at Polygon, which allows one at
  once, and {binance} at Binance, which allows an address 300 in five minutes. An eviction has a second program connected.
"""


def shown(outcome: Outcome) -> tuple[str, ...]:
    """A case's cells, in the order of `HEADS`."""
    difference = outcome.difference
    return (
        outcome.name,
        " → ".join(outcome.sources),
        outcome.sign or "-",
        _seconds(outcome.noticed_s, 1),
        _seconds(outcome.whole_s),
        _seconds(outcome.mended_s),
        str(difference.missing),
        str(difference.wrong + difference.again),
        "-" if outcome.a_minute is None else str(outcome.a_minute),
        "-" if outcome.at_once is None else str(outcome.at_once),
    )


def _seconds(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def print_table(outcomes: Sequence[Outcome], console: Console) -> None:
    """Print all cases, and below them what is wrong with those that failed."""
    for feed, group in groupby(outcomes, lambda outcome: outcome.feed):
        table = Table(title=feed, title_justify="left")
        for head in HEADS:
            table.add_column(head, justify="left" if head in HEADS[:3] else "right")
        for outcome in group:
            table.add_row(*shown(outcome), style="red" if outcome.problems else "")
        console.print(table)
    for outcome in outcomes:
        for problem in outcome.problems:
            console.print(f"{outcome.feed} {outcome.name}: {problem}", style="red", markup=False)
    took_s = sum(outcome.took_s for outcome in outcomes)
    failed = sum(bool(outcome.problems) for outcome in outcomes)
    console.print(f"{len(outcomes)} cases, {failed} failed, {took_s:.0f} s of one core's time")


def markdown(outcomes: Sequence[Outcome], quiet_s: float) -> str:
    """The document."""
    limits = {str(where): most for where, most in MOST_A_MINUTE.items()}
    failed = sum(bool(outcome.problems) for outcome in outcomes)
    lines = [_PREFACE.format(cases=len(outcomes), failed=failed, quiet_s=quiet_s, **limits)]
    for feed, group in groupby(outcomes, lambda outcome: outcome.feed):
        lines += [f"## {feed[0].upper()}{feed[1:]}", "", _row(HEADS), _row(["---"] * 3 + ["---:"] * (len(HEADS) - 3))]
        lines += [_row(shown(outcome)) for outcome in group]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
