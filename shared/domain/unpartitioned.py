"""A table without partitions, described as if it had them, and how fast it grows: by its rows' distribution in time."""

from datetime import datetime, timedelta

from shared.domain.retention import Dataset, Partition, Place
from shared.domain.table_statistics import TimeDistribution

_DAY = timedelta(days=1)
_RECENT = timedelta(days=7)
# Of a shorter history the rate would say when it began, not how fast it grows.
_SHORTEST = timedelta(hours=6)


def as_partitions(
    dataset: Dataset, size_bytes: float, rows: float | None, times: TimeDistribution
) -> tuple[Partition, ...]:
    """The table by the dataset's steps, each with its share of rows and bytes. Rows without a time are in none."""
    if times.first is None or times.last is None:
        return ()
    spans = ((span, times.share(span.start, span.end)) for span in dataset.step.between(times.first, times.last))
    return tuple(
        Partition(
            dataset,
            span.start,
            span.end,
            Place.LIVE,
            None if rows is None else round(rows * share),
            round(size_bytes * share),
        )
        for span, share in spans
        if share > 0
    )


def recent_per_day(size_bytes: float, times: TimeDistribution, seen_at: datetime) -> float | None:
    """Bytes the table gained a day, over its newest 7 days; 0 where nothing came in the 7 days before it was looked at.

    Args:
        size_bytes: Of the table, indexes included.
        times: See `TimeDistribution`; rows stamped later than `seen_at` are no growth.
        seen_at: When the statistics were taken.

    Returns:
        None where the history is too short to tell.
    """
    if times.first is None or times.last is None:
        return None
    end = min(times.last, seen_at)
    if end < seen_at - _RECENT:
        return 0.0
    start = max(end - _RECENT, times.first)
    return size_bytes * times.share(start, end) / ((end - start) / _DAY) if end - start >= _SHORTEST else None
