"""What a database's own statistics tell of a table without reading it: its rows, its bloat, how its rows lie in time.

All of it is estimated: the statistics are of a sample, taken when the table was last analyzed. Where there are none the
answer is None. Page and row layout are those of Postgres.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

PAGE_BYTES = 8192
_PAGE_HEADER_BYTES = 24
_ROW_HEADER_BYTES = 23
_POINTER_BYTES = 4
_ALIGNMENT_BYTES = {"c": 1, "s": 2, "i": 4, "d": 8}
# A value of variable length up to this size has a header of one byte and is not aligned.
_SHORT_BYTES = 126


@dataclass(frozen=True)
class ColumnStatistics:
    """One column.

    Attributes:
        is_fixed: Whether all its values have one length.
        alignment: "c", "s", "i" or "d": 1, 2, 4 or 8 bytes.
        width_bytes: Average of the values that are not null; None where the table was never analyzed.
        null_fraction: Share of nulls, 0 to 1.
    """

    is_fixed: bool
    alignment: str
    width_bytes: int | None
    null_fraction: float


def estimated_rows(counted: float, counted_pages: int, pages: int, rows_a_page: float | None = None) -> float | None:
    """Rows as the planner sees them: those once counted, at the same density on the pages there are now.

    Args:
        counted: `reltuples`; negative where it was never counted.
        counted_pages: `relpages`, at that time.
        pages: Pages now.
        rows_a_page: Density of tables alike, for one never counted.
    """
    if pages == 0:
        return 0.0
    if counted >= 0 and counted_pages > 0:
        return counted / counted_pages * pages
    return None if rows_a_page is None else rows_a_page * pages


def row_bytes(columns: Sequence[ColumnStatistics]) -> float | None:
    """Bytes an average row occupies in its page, padding and pointer included; None without statistics."""
    has_nulls = any(column.null_fraction > 0 for column in columns)
    offset = float(_aligned(_ROW_HEADER_BYTES + (math.ceil(len(columns) / 8) if has_nulls else 0), 8))
    for column in columns:
        if column.width_bytes is None:
            return None
        there = 1 - column.null_fraction
        if column.is_fixed or column.width_bytes > _SHORT_BYTES:
            # Where the column is null there is no padding for it either.
            offset += (_aligned(offset, _ALIGNMENT_BYTES[column.alignment]) - offset) * there
        offset += column.width_bytes * there
    return _aligned(offset, 8) + _POINTER_BYTES


def bloat_bytes(
    live_rows: float | None, columns: Sequence[ColumnStatistics], pages: int, fill_fraction: float = 1.0
) -> int | None:
    """Bytes of a table's pages that its rows do not need: dead rows and holes, without TOAST and indexes.

    Args:
        live_rows: See `estimated_rows`.
        columns: All of them, in order.
        pages: Pages now.
        fill_fraction: Share of a page that is filled on purpose, 0 to 1.
    """
    if pages == 0:
        return 0
    width = row_bytes(columns)
    if width is None or live_rows is None:
        return None
    room = (PAGE_BYTES - _PAGE_HEADER_BYTES) * fill_fraction
    # Rows do not cross pages; those larger than a few to a page vary too much to be counted so.
    rows_a_page = float(math.floor(room / width)) if width * 4 <= room else room / width
    needed = math.ceil(live_rows / rows_a_page)
    return max(0, pages - needed) * PAGE_BYTES


def _aligned(offset: float, alignment: int) -> int:
    return math.ceil(offset / alignment) * alignment


@dataclass(frozen=True)
class TimeDistribution:
    """How the rows of a table lie in time.

    Attributes:
        bounds: Times that part the rows not in `common` into equal shares, ascending.
        common: Times of many rows, each with its share of all rows, 0 to 1.
        null_fraction: Share of rows without a time, 0 to 1.
    """

    bounds: Sequence[datetime]
    common: Mapping[datetime, float] = field(default_factory=dict)
    null_fraction: float = 0.0

    @property
    def first(self) -> datetime | None:
        """The earliest time known; None where there is none."""
        return min([*self.bounds[:1], *self.common], default=None)

    @property
    def last(self) -> datetime | None:
        """The latest time known."""
        return max([*self.bounds[-1:], *self.common], default=None)

    def share(self, start: datetime, end: datetime) -> float:
        """Share of all rows stamped in [start, end), 0 to 1."""
        parted = max(0.0, 1 - sum(self.common.values()) - self.null_fraction)
        within = sum(share for at, share in self.common.items() if start <= at < end)
        return within + parted * (self._below(end) - self._below(start))

    def _below(self, at: datetime) -> float:
        """Share of the parted rows stamped before a time; between two bounds they lie evenly."""
        if len(self.bounds) < 2:
            return 1.0 if self.bounds and at > self.bounds[0] else 0.0
        place = bisect_right(self.bounds, at)
        if place == 0:
            return 0.0
        if place == len(self.bounds):
            return 1.0
        low, high = self.bounds[place - 1], self.bounds[place]
        return (place - 1 + (at - low) / (high - low)) / (len(self.bounds) - 1)
