"""How large a database is, of what, and how fast it grows: in bounded time whatever its size, and reading only.

Sizes are the catalog's, rows and bloat the planner's. The legacy system timed out on its own counts; here nothing is counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from asyncpg import Connection

from shared.adapters.postgres.catalog import Relation, grouped, read_relations, read_shares
from shared.adapters.postgres.growth import Basis, KnownGrowth, Samples, Source, of_plain_table, summed, written
from shared.adapters.postgres.legacy_columns import SCHEMA as LEGACY
from shared.adapters.postgres.legacy_tables import TIMEFRAMES, TRANSLATED
from shared.adapters.postgres.partitions import read_partitions
from shared.domain.retention import Dataset, Partition
from shared.domain.storage import GROWTH_OVER, TableSize

REST = "everything else"
_DATASETS = {
    "ohlc_data_1m": Dataset.OHLC_1M,
    "ohlc_data_15m": Dataset.OHLC_15M,
    "ohlc_data_1h": Dataset.OHLC_1H,
    "ml_features": Dataset.ML_FEATURES,
    "scan_history": Dataset.SCAN_HISTORY,
}
_LEGACY_DATASETS = {"ml_features": Dataset.ML_FEATURES, "scan_history": Dataset.SCAN_HISTORY}
_BY_TIMEFRAME = {"1m": Dataset.OHLC_1M, "15m": Dataset.OHLC_15M, "1h": Dataset.OHLC_1H}
# Below this share of the database, a table's growth may be unknown without making that of the whole unknown.
_NEGLIGIBLE = 0.01
# Whoever asks for sizes waits seconds. A lock is waited for where somebody rewrites a table.
_BOUNDS = "SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '5s'"
_FACTS = """
SELECT clock_timestamp() AS at, pg_database_size(current_database()) AS bytes,
    to_regclass('recovery.datasets') IS NOT NULL AS is_ours, to_regclass('recovery.adoption') IS NOT NULL AS adopts
"""
# What was brought in, brought back or thrown out at once says nothing of growth: measuring begins anew after it.
_SAMPLES = """
SELECT at, database_bytes, relation_bytes FROM public.storage_samples
WHERE at >= $1 AND at > coalesce((
    SELECT max(finished_at) FROM public.retention_runs WHERE kind IN ('adopt', 'restore', 'emergency')
), '-infinity')
"""


@dataclass(frozen=True)
class DatabaseSizes:
    """A database as it is.

    Attributes:
        at: When, by the database's clock.
        database_bytes: All of it, as a provider counts it.
        tables: Ours and the legacy system's, the largest first; at the end, as one, what else there is.
        partitions: By table, its partitions in the order of their names.
        growth: By table, net of what was dropped where it was measured.
        database_growth: Of the whole.
        retained: What retention looks at. A legacy table without partitions is described as if it had them.
        written_per_day: Bytes a day of each dataset, drops not counted; None is unknown.
        other_per_day: Of what retention leaves alone; None is unknown.
        growth_ignored: Tables of unknown growth that are too small to matter.
        unanalyzed: Tables the planner has no statistics of.
        legacy_in_public: Legacy tables where ours would be: no migration has run.
        adopted: Legacy tables of which every row is in ours: they wait to be dropped.
    """

    at: datetime
    database_bytes: int
    tables: tuple[TableSize, ...]
    partitions: Mapping[str, tuple[TableSize, ...]]
    growth: Mapping[str, KnownGrowth]
    database_growth: KnownGrowth
    retained: tuple[Partition, ...]
    written_per_day: Mapping[Dataset, float | None]
    other_per_day: float | None
    growth_ignored: tuple[str, ...]
    unanalyzed: tuple[str, ...]
    legacy_in_public: tuple[str, ...]
    adopted: tuple[str, ...]


async def read_sizes(connection: Connection) -> DatabaseSizes:
    """Look at a database: ours, or a legacy one that no migration has touched. Nothing is changed.

    Raises:
        StoreError: It cannot be asked, or not within half a minute.
    """
    async with connection.transaction(readonly=True):
        await connection.execute(_BOUNDS)
        facts = await connection.fetchrow(_FACTS)
        relations = await read_relations(connection)
        adoptions = await _read_adoptions(connection) if facts["adopts"] else {}
        sources = await _read_sources(connection, relations, adoptions)
        partitions = await read_partitions(connection) if facts["is_ours"] else []
        samples = await _read_samples(connection, facts["at"]) if facts["is_ours"] else Samples()
    now, groups = facts["at"], grouped(relations)
    tables = _tables(groups, facts["bytes"])
    samples.add(now, facts["bytes"], {table.name: table.total_bytes for table in tables})
    retained = _merged([*partitions, *(p for source in sources if not source.is_partition for p in source.described())])
    by_dataset = {dataset: written(dataset, retained, sources, now) for dataset in Dataset}
    estimated = {table.name: _estimated(table, groups, by_dataset) for table in tables}
    others, ignored = _others(estimated, tables, sources, facts["bytes"])
    return DatabaseSizes(
        at=now,
        database_bytes=facts["bytes"],
        tables=tables,
        partitions={name: tuple(r.size for r in group) for name, group in groups.items() if group[0].parent},
        growth={name: samples.growth(name, now) or known for name, known in estimated.items()},
        database_growth=samples.growth("", now) or summed([*by_dataset.values(), *others]),
        retained=retained,
        written_per_day={dataset: known.bytes_per_day for dataset, known in by_dataset.items()},
        other_per_day=summed(others).bytes_per_day,
        growth_ignored=ignored,
        unanalyzed=tuple(name for name, group in groups.items() if not all(r.is_analyzed for r in group)),
        legacy_in_public=tuple(
            source.relation.size.name
            for source in sources
            if not source.is_partition and source.relation.schema == "public"
        ),
        adopted=tuple(
            r.size.name
            for r in relations
            if r.schema == LEGACY and r.table in adoptions and adoptions[r.table].is_droppable
        ),
    )


async def record_sample(connection: Connection) -> None:
    """Store today's sizes, for growth to be measured from.

    Raises:
        StoreError: The database cannot be asked, or has no schema of ours.
    """
    sizes = await read_sizes(connection)
    await connection.execute(
        "INSERT INTO public.storage_samples (at, database_bytes, relation_bytes) VALUES ($1, $2, $3)",
        sizes.at,
        sizes.database_bytes,
        {table.name: table.total_bytes for table in sizes.tables},
    )


async def _read_sources(
    connection: Connection, relations: Iterable[Relation], adoptions: Mapping[str, "_Adoption"]
) -> list[Source]:
    """The relations that hold rows of datasets."""
    sources = []
    for relation in relations:
        if relation.parent in _DATASETS:
            sources.append(Source(relation, {_DATASETS[relation.parent]: 1.0}))
        elif relation.parent is None and relation.table in TRANSLATED and relation.schema in ("public", LEGACY):
            left = 1.0
            if relation.schema == LEGACY and relation.table in adoptions:
                left = adoptions[relation.table].share_left(relation)
            shares = await _shares(connection, relation)
            sources.append(Source(relation, {dataset: share * left for dataset, share in shares.items()}))
    return sources


async def _shares(connection: Connection, relation: Relation) -> Mapping[Dataset, float]:
    """What share of a legacy table's rows belongs to which dataset."""
    if relation.table in _LEGACY_DATASETS:
        return {_LEGACY_DATASETS[relation.table]: 1.0}
    found = await read_shares(connection, relation, "timeframe")
    return {
        dataset: sum(found.get(name, 0.0) for name in TIMEFRAMES[timeframe])
        for timeframe, dataset in _BY_TIMEFRAME.items()
    }


@dataclass(frozen=True)
class _Adoption:
    """How far the adoption of a legacy table is.

    Attributes:
        pages_done: Pages whose rows are in our table too.
        is_verified: Whether all are.
        refused: Rows that are nowhere else.
    """

    pages_done: int
    is_verified: bool
    refused: int

    @property
    def is_droppable(self) -> bool:
        return self.is_verified and not self.refused

    def share_left(self, relation: Relation) -> float:
        if self.is_verified or not relation.pages:
            return 0.0
        return max(0.0, 1 - self.pages_done / relation.pages)


async def _read_adoptions(connection: Connection) -> dict[str, _Adoption]:
    rows = await connection.fetch(
        """SELECT relation, next_block, verified_at IS NOT NULL AS is_verified, refused FROM recovery.adoption
        WHERE dropped_at IS NULL"""
    )
    return {row["relation"]: _Adoption(row["next_block"], row["is_verified"], row["refused"]) for row in rows}


async def _read_samples(connection: Connection, now: datetime) -> Samples:
    samples = Samples()
    for row in await connection.fetch(_SAMPLES, now - GROWTH_OVER):
        samples.add(row["at"], row["database_bytes"], row["relation_bytes"])
    return samples


def _tables(groups: Mapping[str, Sequence[Relation]], database_bytes: int) -> tuple[TableSize, ...]:
    tables = [_table(name, [relation.size for relation in group], group[0].parent) for name, group in groups.items()]
    tables.sort(key=lambda table: (-table.total_bytes, table.name))
    rest = database_bytes - sum(table.total_bytes for table in tables)
    # Its rows are nobody's concern.
    return (*tables, TableSize(REST, 0, max(0, rest), 0, 0, 0, 0))


def _table(name: str, sizes: Sequence[TableSize], parent: str | None) -> TableSize:
    if parent is None:
        return sizes[0]
    rows = [size.rows for size in sizes if size.rows is not None]
    bloat = [size.bloat_bytes for size in sizes if size.bloat_bytes is not None]
    return TableSize(
        name=name,
        rows=sum(rows) if len(rows) == len(sizes) else None,
        table_bytes=sum(size.table_bytes for size in sizes),
        index_bytes=sum(size.index_bytes for size in sizes),
        toast_bytes=sum(size.toast_bytes for size in sizes),
        bloat_bytes=sum(bloat) if len(bloat) == len(sizes) else None,
        partitions=len(sizes),
    )


def _merged(partitions: Iterable[Partition]) -> tuple[Partition, ...]:
    """One for each dataset, step and place: rows not adopted yet lie beside those that are."""
    merged: dict[tuple[Dataset, datetime, str], Partition] = {}
    for partition in partitions:
        key = (partition.dataset, partition.start, partition.place)
        if key in merged:
            other = merged[key]
            rows = None if other.rows is None or partition.rows is None else other.rows + partition.rows
            partition = replace(other, rows=rows, bytes=other.bytes + partition.bytes)
        merged[key] = partition
    return tuple(merged[key] for key in sorted(merged))


def _estimated(
    table: TableSize, groups: Mapping[str, Sequence[Relation]], by_dataset: Mapping[Dataset, KnownGrowth]
) -> KnownGrowth:
    """Growth of a table of which no samples tell."""
    if table.name == REST or table.name.startswith(f"{LEGACY}."):
        return KnownGrowth(0.0, Basis.STATISTICS)  # nobody writes there who is known here
    if not table.partitions:
        return of_plain_table(table, groups[table.name][0])
    if table.name in _DATASETS:
        return by_dataset[_DATASETS[table.name]]
    # What comes into the archive comes from the live tables.
    return KnownGrowth(None, Basis.UNKNOWN) if table.table_bytes else KnownGrowth(0.0, Basis.STATISTICS)


def _others(
    estimated: Mapping[str, KnownGrowth], tables: Sequence[TableSize], sources: Iterable[Source], database_bytes: int
) -> tuple[list[KnownGrowth], tuple[str, ...]]:
    """Growth of what retention leaves alone, and the tables whose growth is not known and too small to matter."""
    dated = {source.relation.parent or source.relation.size.name for source in sources}
    others, ignored = [], []
    for table in tables:
        if table.name in dated or table.name.startswith("archive.") or table.name in _DATASETS:
            continue
        known = estimated[table.name]
        if known.bytes_per_day is None and table.total_bytes < _NEGLIGIBLE * database_bytes:
            ignored.append(table.name)
        else:
            others.append(known)
    return others, tuple(ignored)
