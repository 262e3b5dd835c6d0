"""What `recovery storage analyze` shows of a database: tables, growth, cost, savings, a plot; and the same as JSON."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from shared.adapters.postgres.growth import KnownGrowth
from shared.adapters.postgres.sizes import REST, DatabaseSizes
from shared.cli.storage_plot import shows_limit, size_plot
from shared.domain.projection import Projection
from shared.domain.storage import (
    Saving,
    TableSize,
    days_until_full,
    monthly_cost_usd,
    shown_bytes,
    shown_count,
    shown_days,
    shown_usd,
)

_WIDE = 110
_NARROW_COLUMNS = ("rows", "size", "index", "bloat", "a day")
_WIDE_COLUMNS = ("rows", "size", "table", "index", "toast", "bloat", "a day", "known")
# Tables below this share of the database are one line, unless all is asked for.
_SMALL = 0.001


@dataclass(frozen=True)
class Report:
    """A database judged.

    Attributes:
        place: Which database, without its password.
        sizes: As it is.
        limit_bytes: Size at which it is full.
        price_usd_per_gb_month: Price of a GB for a month.
        savings: What the next retention run would drop, by dataset.
        projections: Its size on each day from today; None where a growth is not known.
    """

    place: str
    sizes: DatabaseSizes
    limit_bytes: int
    price_usd_per_gb_month: Decimal
    savings: tuple[Saving, ...]
    projections: tuple[Projection, ...] | None

    @property
    def days_until_full(self) -> float | None:
        """Days until the limit is reached, as the database grows now."""
        grown = self.sizes.database_growth.bytes_per_day
        return days_until_full(self.sizes.database_bytes, grown, self.limit_bytes)

    def cost_usd(self, size_bytes: float) -> Decimal:
        """What these bytes cost for a month, unrounded."""
        return monthly_cost_usd(round(size_bytes), self.price_usd_per_gb_month)


def print_report(console: Console, report: Report, every_table: bool) -> None:
    """Everything, for a person; as wide as the console."""
    console.print(f"[bold]{report.place}[/bold]  {report.sizes.at:%Y-%m-%d %H:%M} UTC\n", highlight=False)
    console.print(_tables(report.sizes, every_table, wide=console.width >= _WIDE))
    console.print()
    console.print(_figures(report))
    console.print()
    if any(saving.bytes for saving in report.savings):
        console.print(_savings(report))
        console.print()
    if report.projections is not None:
        console.print(size_plot(report.projections, report.limit_bytes, console.width))
        if not shows_limit(report.projections, report.limit_bytes):
            console.print(f"The limit, {shown_bytes(report.limit_bytes)}, is far above.", highlight=False)
    for sentence in _advice(report):
        console.print(f"\n{sentence}", highlight=False)


def _tables(sizes: DatabaseSizes, every_table: bool, *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("table", overflow="fold")
    for name in _WIDE_COLUMNS if wide else _NARROW_COLUMNS:
        table.add_column(name, justify="left" if name == "known" else "right", no_wrap=True)
    small = [] if every_table else _small(sizes)
    for each in sizes.tables:
        if each.name == REST:
            if small:
                table.add_row(f"{len(small)} small tables", "", shown_bytes(sum(one.total_bytes for one in small)))
            table.add_row(REST, "", shown_bytes(each.total_bytes))
        elif each not in small:
            name = f"{each.name} ({each.partitions:,})" if each.partitions else each.name
            table.add_row(name, *_cells(each, sizes.growth[each.name], wide))
            for partition in sizes.partitions.get(each.name, ()) if every_table else ():
                table.add_row(f"  {partition.name}", *_cells(partition, None, wide), style="dim")
    grown = _growth_cells(sizes.database_growth, wide)
    blank = [""] * (len(table.columns) - 3 - len(grown))
    table.add_row("database", "", shown_bytes(sizes.database_bytes), *blank, *grown, style="bold")
    return table


def _small(sizes: DatabaseSizes) -> list[TableSize]:
    """The tables that are told of as one."""
    least = _SMALL * sizes.database_bytes
    small = [table for table in sizes.tables if table.total_bytes < least and table.name != REST]
    return small if len(small) > 1 else []


def _cells(size: TableSize, grown: KnownGrowth | None, wide: bool) -> list[str]:
    parts = [size.table_bytes, size.index_bytes, size.toast_bytes] if wide else [size.index_bytes]
    cells = [
        shown_count(size.rows),
        shown_bytes(size.total_bytes),
        *map(shown_bytes, parts),
        shown_bytes(size.bloat_bytes),
    ]
    return cells if grown is None else [*cells, *_growth_cells(grown, wide)]


def _growth_cells(grown: KnownGrowth, wide: bool) -> list[str]:
    per_day = grown.bytes_per_day
    shown = f"{'+' if per_day and per_day > 0 else ''}{shown_bytes(per_day)}"
    return [shown, grown.basis] if wide else [shown]


def _figures(report: Report) -> Table:
    sizes, used = report.sizes, report.sizes.database_bytes / report.limit_bytes
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("size", f"{shown_bytes(sizes.database_bytes)}, {used:.1%} of {shown_bytes(report.limit_bytes)}")
    table.add_row("cost", f"{_cost(report, sizes.database_bytes)} a month at ${report.price_usd_per_gb_month} a GB")
    table.add_row("growth", f"{shown_bytes(sizes.database_growth.bytes_per_day)} a day, {sizes.database_growth.basis}")
    table.add_row("full in", shown_days(report.days_until_full))
    freed = sum(saving.bytes for saving in report.savings)
    table.add_row("retention now", f"frees {shown_bytes(freed)}, {_cost(report, freed)} a month")
    if report.projections is None:
        table.add_row("retention later", "unknown, as the growth is")
    else:
        end = report.projections[-1]
        spared = end.bytes_without - end.bytes_with
        table.add_row(
            f"in {end.day:,} days",
            f"{shown_bytes(end.bytes_with)} with retention, {shown_bytes(end.bytes_without)} without: "
            f"saves {shown_bytes(spared)}, {_cost(report, spared)} a month",
        )
    return table


def _savings(report: Report) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("retention frees now")
    for name in ("rows", "size", "a month"):
        table.add_column(name, justify="right")
    for saving in report.savings:
        if saving.bytes:
            cost = shown_usd(saving.monthly_cost_usd)
            table.add_row(saving.dataset, shown_count(saving.rows), shown_bytes(saving.bytes), cost)
    return table


def _cost(report: Report, size_bytes: float) -> str:
    cost = report.cost_usd(size_bytes)
    return "less than $0.01" if 0 < cost < Decimal("0.005") else shown_usd(cost)


def _advice(report: Report) -> Iterator[str]:
    sizes = report.sizes
    yield "Rows and bloat are estimated from the planner's statistics; bloat is that of tables, without indexes."
    small = {table.name for table in _small(sizes)}
    if unanalyzed := [name for name in sizes.unanalyzed if name not in small]:
        yield f"There are no statistics of {_listed(unanalyzed)}: what is unknown here is known after ANALYZE."
    if ignored := [name for name in sizes.growth_ignored if name not in small]:
        yield f"The growth of {_listed(ignored)} is unknown, can matter little, and is taken for 0."
    if sizes.legacy_in_public:
        yield (
            f"{_listed(sizes.legacy_in_public)} of the legacy system cannot be kept small by partitions as they are: "
            "recovery db migrate moves them aside, recovery storage adopt brings their rows over."
        )
    waiting = [t.name for t in sizes.tables if t.name.startswith("legacy.") and t.name not in sizes.adopted]
    if waiting:
        yield f"{_listed(waiting)}: recovery storage adopt tells which of their rows it brings over."
    if sizes.adopted:
        freed = sum(table.total_bytes for table in sizes.tables if table.name in sizes.adopted)
        yield (
            f"Every row of {_listed(sizes.adopted)} is in our tables: "
            f"recovery storage adopt --drop-legacy frees {shown_bytes(freed)}."
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1]


def as_json_view(report: Report) -> dict[str, Any]:
    """The same for programs: bytes, days and decimals as they are; what is unknown is null."""
    sizes = report.sizes
    end = report.projections[-1] if report.projections else None
    days = report.days_until_full
    return {
        "database": report.place,
        "at": sizes.at.isoformat(),
        "database_bytes": sizes.database_bytes,
        "limit_bytes": report.limit_bytes,
        "price_usd_per_gb_month": str(report.price_usd_per_gb_month),
        "monthly_cost_usd": str(report.cost_usd(sizes.database_bytes)),
        "growth": asdict(sizes.database_growth),
        # JSON has no infinity: null with a growth that is known and not above 0 is never.
        "days_until_full": None if days is None or math.isinf(days) else days,
        "tables": [
            {
                **asdict(table),
                "total_bytes": table.total_bytes,
                "growth": asdict(sizes.growth[table.name]),
                "partitions": [
                    {**asdict(each), "total_bytes": each.total_bytes} for each in sizes.partitions.get(table.name, ())
                ],
            }
            for table in sizes.tables
        ],
        "written_bytes_per_day": dict(sizes.written_per_day),
        "retention_frees_now": [
            {**asdict(saving), "monthly_cost_usd": str(saving.monthly_cost_usd)} for saving in report.savings
        ],
        "projection": None
        if end is None
        else {
            **asdict(end),
            "saves_bytes": end.bytes_without - end.bytes_with,
            "saves_usd_per_month": str(report.cost_usd(end.bytes_without - end.bytes_with)),
        },
        "unanalyzed": list(sizes.unanalyzed),
        "growth_taken_for_0": list(sizes.growth_ignored),
        "adopted": list(sizes.adopted),
    }
