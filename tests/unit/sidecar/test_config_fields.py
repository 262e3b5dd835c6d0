"""Every field of conf/sidecar.yml is read: another value of it, and something else is done."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from shared.adapters.memory_leases import MemoryLeases
from shared.adapters.memory_store import MemoryStore
from shared.adapters.postgres.address import Address
from shared.adapters.settings_file import read_yaml
from shared.adapters.sqlite_journal import SqliteJournal
from shared.adapters.supabase_leases import SupabaseLeases
from shared.adapters.supabase_store import SupabaseStore
from shared.cli.storage_report import judged
from shared.domain import events as ev
from shared.domain.retention import Dataset, Partition, Place, aggregate_cutoff, plan
from shared.domain.windows import PartitionStep
from shared.sidecar import database, sidecar
from shared.sidecar.config import RetentionConfig, Services, SidecarConfig
from shared.sidecar.database import Database, OpenStore
from shared.sidecar.retention_service import last_due
from shared.sidecar.services import Watched
from tests.unit.cli.test_storage_sizes import SIZES
from tests.unit.sidecar.feeds_watched import feeds_doings, watch_feeds

SHIPPED = Path(__file__).resolve().parents[3] / "conf" / "sidecar.yml"
NOW = datetime(2026, 11, 23, 12, 40, tzinfo=UTC)
ADDRESS = Address("postgresql://nobody@127.0.0.1:1/none", "a test")

OTHER_VALUES: dict[str, Any] = {
    "services.shipping": False,
    "services.retention": False,
    "services.feeds": False,
    "shipping.backend": "rest",
    "shipping.direct_batch_events": 100,
    "shipping.rest_batch_events": 500,
    "shipping.poll_s": 7.0,
    "retention.windows.ohlc_1m.keep": "20d",
    "retention.windows.ohlc_1m.archive_until": "60d",
    "retention.windows.ohlc_15m.keep": "5mo",
    "retention.windows.ohlc_15m.archive_until": "9mo",
    "retention.windows.ohlc_1h.keep": "9mo",
    "retention.windows.ohlc_1h.archive_until": "18mo",
    "retention.windows.ml_features.keep": "2mo",
    "retention.windows.scan_history.keep": "20d",
    "retention.windows.scan_history.aggregate_until": "60d",
    "retention.partitions_ahead.daily": 3,
    "retention.partitions_ahead.monthly": 5,
    "retention.archive_folder": "data/elsewhere",
    "retention.run_at_utc": "04:15",
    "storage.price_usd_per_gb_month": 0.2,
    "storage.size_limit_gb": 20,
    "feeds.sources": ["binance", "polygon", "coingecko"],
    "feeds.pairs": ["SOL-USDT"],
    "feeds.canary": "ETH-USDT",
    "feeds.max_pairs": 2,
    "feeds.shed_to_pairs": 1,
    "feeds.stale_after_s": 240,
    "feeds.polygon.rest_url": "https://127.0.0.1:2",
    "feeds.polygon.stream_url": "wss://127.0.0.1:2",
    "feeds.polygon.calls_per_minute": 5,
    "feeds.binance.rest_url": "https://127.0.0.1:3",
    "feeds.binance.stream_url": "wss://127.0.0.1:3",
    "feeds.binance.weight_per_minute": 1000,
    "feeds.coingecko.rest_url": "https://127.0.0.1:4",
    "feeds.coingecko.calls_per_minute": 10,
    "feeds.coingecko.poll_s": 120,
    "server.host": "127.0.0.2",
    "server.port": 8766,
    "alerts.period_s": 600,
    "alerts.notify_hummingbot": False,
}


def changed(**changes: Any) -> SidecarConfig:
    content = read_yaml(SHIPPED)
    for field, value in changes.items():
        *parents, name = field.split(".")
        part = content
        for parent in parents:
            part = part[parent]
        part[name] = value
    return SidecarConfig.model_validate(content)


def doings(config: SidecarConfig, home: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, ...]:
    """Everything others can see of what the sidecar and the storage commands do under a configuration."""
    return (
        _services(config, home, monkeypatch),
        _stores(config, monkeypatch),
        _storage(config),
    )


def _services(config: SidecarConfig, home: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The services it runs and what the feeds and the server do; how long shipping rests; what retention would do, where to,
    and when it was due.
    """
    seen: list[Any] = watch_feeds(monkeypatch)

    @asynccontextmanager
    async def open_store(*_: Any) -> AsyncIterator[OpenStore]:
        yield OpenStore(MemoryStore(), MemoryLeases(), Database(ADDRESS))

    class Supervision:
        watched = ()

        def __init__(self, services: list[Any], said: Any) -> None:
            self.services = services

        async def run(self) -> None:
            for given in self.services:
                service = given.service if isinstance(given, Watched) else given
                seen.append(service.name)
                if service.name in ("shipping", "coingecko_prices"):
                    seen.append(await service.step())
                if service.name == "feeds":
                    seen.append(feeds_doings(service))

        def stop(self) -> None:
            pass

    def retention_service(retention: Any, run_at: Any, stopping: Any) -> Any:
        cutoffs = [aggregate_cutoff(policy, NOW) for policy in retention.policies]
        actions = plan(_partitions(), retention.policies, NOW, retention.ahead)
        seen.append((actions, cutoffs, retention.archive, last_due(run_at, NOW)))
        return SimpleNamespace(name="retention")

    for name, fake in (
        ("open_store", open_store),
        ("Supervision", Supervision),
        ("RetentionService", retention_service),
    ):
        monkeypatch.setattr(sidecar, name, fake)
    with closing(SqliteJournal(home / sidecar.JOURNAL, run_id="run")) as journal:
        journal.append(ev.ConfigRefused(at_ms=1, reason="a test"))
    asyncio.run(sidecar.run(home, config, asyncio.Event(), lambda line: None))
    return seen


def _partitions() -> Iterator[Partition]:
    """A hundred days, or thirty months, all in the working tables."""
    for dataset in Dataset:
        first = NOW - timedelta(days=100 if dataset.step is PartitionStep.DAILY else 900)
        for span in dataset.step.between(first, NOW):
            yield Partition(dataset, span.start, span.end, Place.LIVE, 1, 1)


def _stores(config: SidecarConfig, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The stores that are opened where only the API is named, and where a database is."""

    @contextmanager
    def open_database(_: Path) -> Iterator[Database]:
        yield Database(ADDRESS)

    async def connect(url: str, key: str, batch_limit: int) -> Any:
        return SimpleNamespace(batch_limit=batch_limit, close=lambda: asyncio.sleep(0))

    async def opened() -> tuple[str, int]:
        async with database.open_store(Path(), config.shipping) as found:
            return type(found.store).__name__, found.store.batch_limit

    monkeypatch.setattr(database, "open_database", open_database)

    async def connect_leases(url: str, key: str) -> MemoryLeases:
        return MemoryLeases()

    monkeypatch.setattr(SupabaseStore, "connect", connect)
    monkeypatch.setattr(SupabaseLeases, "connect", connect_leases)
    monkeypatch.setenv("SUPABASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SUPABASE_SECRET_KEY", "none")
    found = []
    for url in ("", ADDRESS.url):
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.delenv("SUPABASE_DB_URL", raising=False)
        found.append(asyncio.run(opened()))
    return found


def _storage(config: SidecarConfig) -> tuple[Any, ...]:
    """What `recovery storage analyze` says of a database."""
    report = judged("a database", replace(SIZES, retained=tuple(_partitions())), config, days=7)
    return report.days_until_full, report.cost_usd(10**9), report.savings, report.projections


def fields_of(model: type[BaseModel], parent: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields_of(field.annotation, f"{parent}{name}.")
        else:
            yield f"{parent}{name}"


def test_every_field_has_another_value() -> None:
    assert set(fields_of(SidecarConfig)) == set(OTHER_VALUES)


class GrownServices(Services):
    unread: bool


class Grown(SidecarConfig):
    """Settings with fields nobody reads, one of them in a part."""

    services: GrownServices
    retention: RetentionConfig
    unread: int


def test_a_field_nobody_reads_is_found() -> None:
    assert set(fields_of(Grown)) - set(OTHER_VALUES) == {"unread", "services.unread"}


@pytest.mark.parametrize("field", OTHER_VALUES)
def test_every_field_is_read(field: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = doings(changed(), tmp_path, monkeypatch)
    assert doings(changed(**{field: OTHER_VALUES[field]}), tmp_path, monkeypatch) != before


def test_the_same_configuration_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every field would seem to be read."""
    assert doings(changed(), tmp_path, monkeypatch) == doings(changed(), tmp_path, monkeypatch)
