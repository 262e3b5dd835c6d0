"""What `recovery funnel` prints: the funnel with a bar for each step, its parts side by side, refusals and latencies."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rich.bar import Bar
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from shared.cli.runs import shown_duration
from shared.domain.funnel import Breakdown, Funnel, Loss, Step
from shared.domain.latencies import Latency

_BAR_COLUMNS = 16
_NOT_RECORDED = "not recorded"
_OUR_PREFIX = "recovery_"
_LOST_BEFORE = {
    Step.TAKEN: "refused because of",
    Step.ORDER: "without an order because of",
    Step.FILLED: "without a fill because of",
    Step.CLOSED: "not closed because of",
}


@dataclass(frozen=True)
class View:
    """All that is shown.

    Attributes:
        total: Of all signals.
        by: The same by strategy, pair and phase.
        latencies: Of each span.
        unowned: Executors that belong to no signal, as those of a controller that is not ours.
    """

    total: Funnel
    by: Mapping[Breakdown, Mapping[str, Funnel]]
    latencies: tuple[Latency, ...]
    unowned: int


def print_total(console: Console, view: View) -> None:
    """The funnel: each step with its share of the step before, and what did not reach it."""
    table = _table("step", "count", "share", "of the step before", "went no further", numbers=(1, 2))
    for step in Step:
        share = view.total.share(step)
        table.add_row(
            step,
            _count(view.total, step),
            _shown_share(share),
            "" if share is None else Bar(1.0, 0.0, share, width=_BAR_COLUMNS),
            _reasons(view.total.lost[step]),
        )
    console.print(table)
    for note in _notes(view):
        console.print(note)
    console.print()


def _notes(view: View) -> list[Text]:
    part, evaluated = view.total, view.total.counts[Step.EVALUATED]
    failed = ", ".join(f"{code} ({count:,})" for code, count in sorted(part.failed.items()))
    notes = [
        Text(f"{part.orders:,} orders{f', failed: {failed}' if failed else ', none failed'}; {part.fills:,} fills")
    ]
    if part.unexplained:
        blocked = f"Signals that went no further without a reason in the journal: {part.unexplained:,}."
        notes.append(Text(blocked, style="red"))
    if evaluated is not None and evaluated < part.signals:
        notes.append(Text("Candles are counted later than their signals: the newest are not in yet."))
    if view.unowned:
        orphans = f"Executors that belong to no signal of ours: {view.unowned:,}"
        notes.append(Text(f"{orphans}; only their orders and fills are counted."))
    return notes


def print_breakdown(console: Console, name: str, parts: Mapping[str, Funnel]) -> None:
    """The steps side by side: counts, and below them the share of the step before."""
    table = _table(name, *Step, numbers=range(1, 1 + len(Step)))
    for part_name, part in parts.items():
        counts = [_with_share(_count(part, step), part.share(step)) for step in Step]
        table.add_row(Text(part_name), *counts)
    console.print(table if parts else f"{name}: no signal yet")
    console.print()


def print_refusals(console: Console, view: View) -> None:
    """Reasons of refusal by strategy."""
    _print_lost(console, view, Step.TAKEN)


def print_reasons(console: Console, view: View) -> None:
    """Why signals went no further, refused or later, by strategy."""
    for step in _LOST_BEFORE:
        _print_lost(console, view, step)


def _print_lost(console: Console, view: View, step: Step) -> None:
    title = _LOST_BEFORE[step]
    lost = {name: part.lost[step] for name, part in view.by[Breakdown.STRATEGY].items()}
    totals: Counter[str] = Counter()
    for reasons in lost.values():
        totals.update(reasons)
    if not totals:
        console.print(f"{title}: none", highlight=False)
        console.print()
        return
    names = [name.removeprefix(_OUR_PREFIX) for name in lost]
    table = _table(title, *names, "all", numbers=range(1, 2 + len(names)))
    for reason, count in sorted(totals.items(), key=lambda each: (-each[1], each[0])):
        counts = [f"{reasons[reason]:,}" if reasons.get(reason) else "" for reasons in lost.values()]
        table.add_row(_reason(reason), *counts, f"{count:,}")
    console.print(table)
    console.print()


def print_latencies(console: Console, view: View) -> None:
    """How long each step took, on the run's clock."""
    table = _table("how long", "p50", "p99", "seen", numbers=(1, 2, 3))
    for latency in view.latencies:
        table.add_row(latency.span, _shown(latency.p50_ms), _shown(latency.p99_ms), f"{latency.count:,}")
    console.print(table)
    if any(0 < latency.count < 100 for latency in view.latencies):
        console.print("Of fewer than 100, p99 is the longest seen.", style="dim", highlight=False)


def _table(*columns: str, numbers: Collection[int]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        is_number = place in numbers
        table.add_column(Text(column), justify="right" if is_number else "left", no_wrap=is_number)
    return table


def _count(part: Funnel, step: Step) -> str:
    count = part.counts[step]
    return _NOT_RECORDED if count is None else f"{count:,}"


def _with_share(count: str, share: float | None) -> RenderableType:
    return Text(f"{count}\n{_shown_share(share)}".rstrip())


def _shown_share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _reasons(lost: Mapping[str, int]) -> Text:
    shown = [Text(f"{count:,} ") + _reason(reason) for reason, count in sorted(lost.items(), key=lambda each: -each[1])]
    return Text(", ").join(shown)


def _reason(reason: str) -> Text:
    return Text(reason, style="red" if reason == Loss.UNEXPLAINED else "")


def _shown(duration_ms: int | None) -> str:
    return "" if duration_ms is None else shown_duration(duration_ms)
