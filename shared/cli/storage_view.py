"""What `recovery storage` shows of retention: progress, tables, and the same as JSON."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from shared.adapters.postgres.retention_runs import RunRecord
from shared.domain.retention import Action, CreatePartition, ExportAndDrop, MoveToArchive, Partition, Place
from shared.domain.storage import monthly_cost_usd, shown_bytes, shown_count, shown_usd
from shared.sidecar.departure import Stage
from shared.sidecar.retention import Plan
from shared.sidecar.retention_work import Outcome, Progress, Told

_DOING = {CreatePartition: "make", MoveToArchive: "archive", ExportAndDrop: "drop"}
_STAGES = {
    Stage.BEGUN: "",
    Stage.EXPORTING: "writing its file",
    Stage.WRITTEN: "reading its file back",
    Stage.VERIFIED: "its file is verified",
}


@contextmanager
def shown_progress(console: Console) -> Iterator[Told]:
    """A bar on a terminal, else a line for each partition that moved."""
    if not console.is_terminal:

        def say(progress: Progress) -> None:
            if progress.stage in (Stage.DONE, Stage.REFUSED) and not isinstance(progress.action, CreatePartition):
                done = "" if progress.stage is Stage.DONE else ": refused"
                console.print(f"{_named(progress.action)}{done}", highlight=False, soft_wrap=True)

        yield say
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[stage]}"))
    with ProgressBar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("retention", total=None, stage="")

        def advance(progress: Progress) -> None:
            over = progress.stage in (Stage.DONE, Stage.REFUSED)
            stage = _STAGES.get(progress.stage, "")
            if progress.stage is Stage.EXPORTING and progress.rows:
                stage += f", {progress.rows:,} rows"
            completed = progress.number if over else progress.number - 1
            bar.update(
                task, description=_named(progress.action), total=progress.total, completed=completed, stage=stage
            )

        yield advance


def _named(action: Action) -> str:
    return f"{_DOING[type(action)]} {action.dataset} {action.start:%Y-%m-%d}"


def print_plan(console: Console, plan: Plan) -> None:
    """What would be done, by dataset."""
    sizes = {(p.dataset, p.start, p.place): p for p in plan.partitions}
    groups: defaultdict[tuple[str, str], list[tuple[Action, Partition | None]]] = defaultdict(list)
    for action in plan.actions:
        groups[_DOING[type(action)], action.dataset].append((action, sizes.get(_key(action))))
    if not groups:
        console.print("nothing to do")
        return
    table = _table("", "dataset", "partitions", "from", "to", "rows", "size", words=2)
    for (doing, dataset), members in groups.items():
        known = [partition for _, partition in members if partition is not None]
        unknown = any(partition.rows is None for partition in known)
        table.add_row(
            doing,
            dataset,
            f"{len(members):,}",
            f"{min(action.start for action, _ in members):%Y-%m-%d}",
            f"{max(action.end for action, _ in members):%Y-%m-%d}",
            shown_count(None if unknown else sum(partition.rows or 0 for partition in known)) if known else "",
            shown_bytes(sum(partition.bytes for partition in known)) if known else "",
        )
    console.print(table)


def print_outcome(console: Console, outcome: Outcome) -> None:
    """What was done, and what it was good for."""
    done = [_DOING[type(action)] for action in outcome.done]
    record = outcome.record
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("partitions made", f"{done.count('make'):,}")
    table.add_row("archived", f"{done.count('archive'):,}, {record.rows_moved:,} rows")
    table.add_row("dropped", f"{done.count('drop'):,}, {record.rows_dropped:,} rows")
    table.add_row("database", _change(shown_bytes, record.database_bytes_before, record.database_bytes_after))
    table.add_row("really freed", shown_bytes(record.bytes_freed))
    table.add_row("write-ahead log", shown_bytes(record.wal_bytes))
    table.add_row("queries, p50", _change(_shown_ms, record.query_p50_ms_before, record.query_p50_ms_after))
    if outcome.left:
        table.add_row("not begun", f"{len(outcome.left):,}: the run was told to stop; the next one goes on")
    console.print(table)


def print_impact(console: Console, records: Sequence[RunRecord], price_usd_per_gb_month: Decimal) -> None:
    """Each run with what it changed."""

    def cost(size_bytes: int | None) -> str:
        return shown_usd(None if size_bytes is None else monthly_cost_usd(size_bytes, price_usd_per_gb_month))

    table = _table("begun", "run", "state", "moved", "dropped", "database", "freed", "a month", "p50", words=3)
    table.columns[0].no_wrap = True  # cut short, it would say nothing
    for record in records:
        table.add_row(
            f"{record.started_at:%Y-%m-%d %H:%M}",
            record.kind,
            record.state,
            f"{record.rows_moved:,}",
            f"{record.rows_dropped:,}",
            _change(shown_bytes, record.database_bytes_before, record.database_bytes_after),
            shown_bytes(record.bytes_freed),
            _change(cost, record.database_bytes_before, record.database_bytes_after),
            _change(_shown_ms, record.query_p50_ms_before, record.query_p50_ms_after),
        )
    console.print(table)
    for record in records:
        if record.error:
            console.print(f"{record.started_at:%Y-%m-%d %H:%M} {record.error}", highlight=False, soft_wrap=True)


def record_as_json(record: RunRecord, price_usd_per_gb_month: Decimal) -> dict[str, Any]:
    """A run with its costs."""
    view = {**vars(record), "started_at": record.started_at.isoformat()}
    view["finished_at"] = record.finished_at.isoformat() if record.finished_at else None
    for when in ("before", "after"):
        size_bytes = view[f"database_bytes_{when}"]
        cost = None if size_bytes is None else str(monthly_cost_usd(size_bytes, price_usd_per_gb_month))
        view[f"monthly_cost_usd_{when}"] = cost
    return view


def outcome_as_json(outcome: Outcome, price_usd_per_gb_month: Decimal) -> dict[str, Any]:
    """A run with its actions."""
    return {
        "run": record_as_json(outcome.record, price_usd_per_gb_month),
        "done": [action_as_json(action) for action in outcome.done],
        "refused": [{**action_as_json(each.action), "reason": each.reason} for each in outcome.refused],
        "left": [action_as_json(action) for action in outcome.left],
    }


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """What would be done, with rows and bytes where there are any."""
    sizes = {(p.dataset, p.start, p.place): p for p in plan.partitions}
    actions = []
    for action in plan.actions:
        partition = sizes.get(_key(action))
        size = {} if partition is None else {"rows": partition.rows, "bytes": partition.bytes}
        actions.append({**action_as_json(action), **size})
    return {"actions": actions}


def action_as_json(action: Action) -> dict[str, Any]:
    """One action."""
    period = {"start": action.start.isoformat(), "end": action.end.isoformat()}
    return {"action": _DOING[type(action)], "dataset": action.dataset, **period}


def _key(action: Action) -> tuple[Any, ...]:
    return action.dataset, action.start, action.place if isinstance(action, ExportAndDrop) else Place.LIVE


def _table(*columns: str, words: int) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < words else "right")
    return table


def _change[T](shown: Callable[[T | None], str], before: T | None, after: T | None) -> str:
    return f"{shown(before)} → {shown(after)}"


def _shown_ms(time_ms: float | None) -> str:
    return "unknown" if time_ms is None else f"{time_ms:.1f} ms"
