"""What storage costs, when it is full and what retention saves: facts in, judgement out. The days to come: `projection`.

What is not known is None, all the way to the reader, who is told "unknown".

One GB is 1e9 bytes here. Supabase prices a disk by the GB-hour, at $0.125 for a GB and month in 2026, and does not say how many
bytes that is; the decimal GB is what the word means and never makes storage look cheaper than it is. Supabase bills the disk it
has provisioned beyond the 8 GB that are included, and that disk holds the write-ahead log too: a cost here is the price of the
database's own bytes, not a forecast of the invoice.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from shared.domain.retention import Dataset, ExportAndDrop, Partition, RetentionPolicy, plan
from shared.domain.windows import PartitionStep

GB_BYTES = 10**9
_DAY = timedelta(days=1)
# Growth is a net change between measurements: of less than a day it would say when the bot was busy, not how fast it grows.
GROWTH_OVER = timedelta(days=7)
_GROWTH_AT_LEAST = timedelta(days=1)


@dataclass(frozen=True)
class TableSize:
    """One table, its partitions included.

    Attributes:
        name: With its schema where that is not "public".
        rows: By the planner's estimate; None where there is none yet.
        table_bytes, index_bytes, toast_bytes: Where its bytes are.
        bloat_bytes: Dead or unused bytes among them; None where they were not estimated.
        partitions: How many it has; 0 for a table without.
    """

    name: str
    rows: int | None
    table_bytes: int
    index_bytes: int
    toast_bytes: int
    bloat_bytes: int | None
    partitions: int

    @property
    def total_bytes(self) -> int:
        return self.table_bytes + self.index_bytes + self.toast_bytes


@dataclass(frozen=True)
class SizeSample:
    """A size as it was measured."""

    at: datetime
    bytes: int


@dataclass(frozen=True)
class Growth:
    """How fast a size changed, net of what was dropped.

    Attributes:
        bytes_per_day: Negative where it shrank.
        over_days: Days between the two measurements.
    """

    bytes_per_day: float
    over_days: float


def growth(samples: Iterable[SizeSample], now: datetime) -> Growth | None:
    """The change between the oldest and the newest measurement of the last 7 days; None if they are not a day apart."""
    recent = sorted((s for s in samples if now - GROWTH_OVER <= s.at <= now), key=lambda sample: sample.at)
    if not recent or recent[-1].at - recent[0].at < _GROWTH_AT_LEAST:
        return None
    over_days = (recent[-1].at - recent[0].at) / _DAY
    return Growth((recent[-1].bytes - recent[0].bytes) / over_days, over_days)


def days_until_full(total_bytes: int, bytes_per_day: float | None, limit_bytes: int) -> float | None:
    """Days until a size reaches its limit: 0 where it has, infinity where it does not grow, None where growth is unknown."""
    if total_bytes >= limit_bytes:
        return 0.0
    if bytes_per_day is None:
        return None
    return (limit_bytes - total_bytes) / bytes_per_day if bytes_per_day > 0 else math.inf


def monthly_cost_usd(size_bytes: int, price_usd_per_gb_month: Decimal) -> Decimal:
    """What these bytes cost for a month, unrounded, USD."""
    return Decimal(size_bytes) / GB_BYTES * price_usd_per_gb_month


@dataclass(frozen=True)
class Judgement:
    """A database as a whole.

    Attributes:
        total_bytes: Its tables together.
        rows: None where one table's are unknown.
        bloat_bytes: None where one table's are unknown.
        bytes_per_day: None where unknown.
        days_until_full: See the function of that name.
        monthly_cost_usd: At the price per GB, unrounded.
    """

    total_bytes: int
    rows: int | None
    bloat_bytes: int | None
    bytes_per_day: float | None
    days_until_full: float | None
    monthly_cost_usd: Decimal


def judge(
    tables: Sequence[TableSize], grown: Growth | None, limit_bytes: int, price_usd_per_gb_month: Decimal
) -> Judgement:
    """Put the tables of a database together."""
    total = sum(table.total_bytes for table in tables)
    bytes_per_day = None if grown is None else grown.bytes_per_day
    return Judgement(
        total_bytes=total,
        rows=_sum_known(table.rows for table in tables),
        bloat_bytes=_sum_known(table.bloat_bytes for table in tables),
        bytes_per_day=bytes_per_day,
        days_until_full=days_until_full(total, bytes_per_day, limit_bytes),
        monthly_cost_usd=monthly_cost_usd(total, price_usd_per_gb_month),
    )


@dataclass(frozen=True)
class Saving:
    """What retention would take out of the database, of one dataset. What is archived stays in it.

    Attributes:
        rows: None where a partition's are unknown.
        bytes: Bytes given back.
        monthly_cost_usd: What they cost for a month, unrounded.
    """

    dataset: Dataset
    rows: int | None
    bytes: int
    monthly_cost_usd: Decimal


def savings(
    partitions: Iterable[Partition],
    policies: Iterable[RetentionPolicy],
    now: datetime,
    price_usd_per_gb_month: Decimal,
) -> tuple[Saving, ...]:
    """What the next retention run would drop, for each dataset that has partitions.

    Args:
        partitions: All there are. A table that has none is described as if it had: its rows and bytes by step.
        policies: See `plan`, as for `now`.
        now: UTC.
        price_usd_per_gb_month: Price of a GB.

    Raises:
        RetentionError: See `plan`.
    """
    partitions = tuple(partitions)
    found = {(p.dataset, p.start, p.place): p for p in partitions}
    dropped: dict[Dataset, list[Partition]] = {partition.dataset: [] for partition in partitions}
    for action in plan(partitions, policies, now, dict.fromkeys(PartitionStep, 0)):
        if isinstance(action, ExportAndDrop):
            dropped[action.dataset].append(found[action.dataset, action.start, action.place])
    return tuple(
        Saving(
            dataset,
            _sum_known(partition.rows for partition in dropped[dataset]),
            sum(partition.bytes for partition in dropped[dataset]),
            monthly_cost_usd(sum(partition.bytes for partition in dropped[dataset]), price_usd_per_gb_month),
        )
        for dataset in sorted(dropped)
    )


def _sum_known(values: Iterable[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


# As a reader is told -------------------------------------------------------------------------------------------------------


def shown_days(days: float | None) -> str:
    """Days until something, e.g. "12 days", "never at this rate" or "unknown"."""
    if days is None:
        return "unknown"
    if math.isinf(days):
        return "never at this rate"
    return "full" if days == 0 else f"{days:,.0f} days" if days >= 2 else f"{days * 24:,.0f} hours"


def shown_count(count: int | None) -> str:
    """A number of rows, or "unknown"."""
    return "unknown" if count is None else f"{count:,}"


def shown_bytes(size_bytes: float | None) -> str:
    """A size in the unit that suits it, steps of 1000, or "unknown"."""
    if size_bytes is None:
        return "unknown"
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if abs(size) < 999.5:
            return f"{size:,.0f} {unit}" if unit == "B" or abs(size) >= 100 else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.2f} GB"


def shown_usd(cost_usd: Decimal | None) -> str:
    """Money to the cent, or "unknown"."""
    return "unknown" if cost_usd is None else f"${cost_usd:,.2f}"
