"""How fast tables grow: as measured by samples, else by what the partitions of the last days hold, else by statistics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from shared.adapters.postgres.catalog import Relation
from shared.domain.projection import written_per_day
from shared.domain.retention import Dataset, Partition
from shared.domain.storage import SizeSample, TableSize, growth
from shared.domain.unpartitioned import as_partitions, recent_per_day


class Basis(StrEnum):
    """What a growth is known from."""

    SAMPLES = "measured"
    PARTITIONS = "by partitions"
    STATISTICS = "by statistics"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class KnownGrowth:
    """How fast something grows.

    Attributes:
        bytes_per_day: None where that is not known.
        basis: What it is known from.
    """

    bytes_per_day: float | None
    basis: Basis


@dataclass(frozen=True)
class Source:
    """A relation that holds rows of datasets.

    Attributes:
        relation: A partition, or a legacy table without any.
        shares: Of its rows, 0 to 1, by dataset. What adoption took is not among them: it is elsewhere too.
    """

    relation: Relation
    shares: Mapping[Dataset, float]

    @property
    def is_partition(self) -> bool:
        return self.relation.parent is not None

    def bytes_of(self, dataset: Dataset) -> float:
        return self.relation.size.total_bytes * self.shares.get(dataset, 0.0)

    def described(self) -> list[Partition]:
        """A table without partitions, as if it had them."""
        rows, times = self.relation.size.rows, self.relation.times
        return [
            partition
            for dataset, share in self.shares.items()
            for partition in as_partitions(
                dataset, self.bytes_of(dataset), None if rows is None else rows * share, times
            )
        ]


@dataclass
class Samples:
    """Sizes measured before, by table; the whole database under its own name, "".

    Attributes:
        sizes: By table, in any order.
    """

    sizes: dict[str, list[SizeSample]] = field(default_factory=dict)

    def add(self, at: datetime, database_bytes: int, tables: Mapping[str, int]) -> None:
        """Add one measurement of everything."""
        for name, size_bytes in {"": database_bytes, **tables}.items():
            self.sizes.setdefault(name, []).append(SizeSample(at, size_bytes))

    def growth(self, name: str, now: datetime) -> KnownGrowth | None:
        """Net growth of a table; None where no two measurements are a day apart."""
        grown = growth(self.sizes.get(name, ()), now)
        return None if grown is None else KnownGrowth(grown.bytes_per_day, Basis.SAMPLES)


def written(dataset: Dataset, partitions: Sequence[Partition], sources: Iterable[Source], now: datetime) -> KnownGrowth:
    """Bytes a dataset gains a day, drops not counted.

    Args:
        dataset: Which.
        partitions: Of all datasets, described ones included.
        sources: What holds rows of any dataset.
        now: UTC.
    """
    per_day = written_per_day(partitions, dataset, now)
    if per_day is not None:
        return KnownGrowth(per_day, Basis.PARTITIONS)
    filled = [source for source in sources if source.bytes_of(dataset) and source.relation.size.table_bytes]
    # The newest partition tells of all; it may be the only one there is.
    newest = sorted((source for source in filled if source.is_partition), key=lambda source: source.relation.table)[-1:]
    rates = [
        recent_per_day(source.bytes_of(dataset), source.relation.times, source.relation.seen_at)
        for source in (*newest, *(source for source in filled if not source.is_partition))
    ]
    known = [rate for rate in rates if rate is not None]
    if len(known) < len(rates):
        return KnownGrowth(None, Basis.UNKNOWN)
    return KnownGrowth(sum(known), Basis.STATISTICS)


def of_plain_table(table: TableSize, relation: Relation) -> KnownGrowth:
    """Growth of a table without partitions."""
    if not table.table_bytes:
        return KnownGrowth(0.0, Basis.STATISTICS)
    per_day = recent_per_day(table.total_bytes, relation.times, relation.seen_at)
    return KnownGrowth(per_day, Basis.UNKNOWN if per_day is None else Basis.STATISTICS)


def summed(parts: Iterable[KnownGrowth]) -> KnownGrowth:
    """Growth of a whole, known no better than the worst known of its parts."""
    total, basis = 0.0, Basis.SAMPLES
    order = list(Basis)
    for part in parts:
        if part.bytes_per_day is None:
            return part
        total += part.bytes_per_day
        basis = max(basis, part.basis, key=order.index)
    return KnownGrowth(total, basis)
