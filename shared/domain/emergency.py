"""What goes first when storage runs out: what is missed least, oldest first."""

from collections.abc import Iterable
from datetime import datetime

from shared.domain.retention import Dataset, ExportAndDrop, Partition
from shared.domain.windows import Window

# Scans leave their aggregates behind, features can be computed again; the longer candles stay in any case.
ORDER = (Dataset.SCAN_HISTORY, Dataset.ML_FEATURES, Dataset.OHLC_1M)


def emergency_plan(partitions: Iterable[Partition], keep: Window, now: datetime) -> tuple[ExportAndDrop, ...]:
    """The partitions that end before the window begins, dataset by dataset, each oldest first; none that is held.

    Args:
        partitions: All there are, live and archived.
        keep: Counted back from now; it may be shorter than any policy's.
        now: UTC.
    """
    cutoff = keep.before(now)
    leaving = [p for p in partitions if p.dataset in ORDER and p.end <= cutoff and not p.is_held(now)]
    leaving.sort(key=lambda p: (ORDER.index(p.dataset), p.start, p.place))
    return tuple(ExportAndDrop(p.dataset, p.start, p.end, p.place) for p in leaving)
