"""Puts the sidecar together: which services run, on which store. The feeds are put together in `feed_following`."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

from shared.adapters.postgres.embedded import EmbeddedPostgres
from shared.domain.stored import StoredCounts
from shared.ports import Store, StoreError
from shared.sidecar.config import SidecarConfig
from shared.sidecar.database import Database, open_store
from shared.sidecar.feed_following import follow_feeds
from shared.sidecar.health_watch import watch_health
from shared.sidecar.phase_service import PhaseService
from shared.sidecar.retention_service import RetentionService
from shared.sidecar.retention_work import Retention
from shared.sidecar.services import Heartbeats, Service, Supervision, Watched
from shared.sidecar.shipping import Shipments, Shipping, Told, not_told
from shared.sidecar.size_samples import SizeSamples

JOURNAL = "data/recovery_journal.sqlite"
_HEARTBEAT_EVERY_S = 10.0
_PROGRESS_EVERY_S = 10.0
_LOOK_AFTER_DATABASE_EVERY_S = 5.0


async def run(home: Path, config: SidecarConfig, stopping: asyncio.Event, said: Callable[[str], None]) -> None:
    """Run the configured services until `stopping` is set, each in the phases it runs in.

    Raises:
        SidecarConfigError: An address cannot be listened on, or a webhook's is none.
        StoreError: The store cannot be opened at all.
    """
    async with AsyncExitStack() as held:
        opened = await held.enter_async_context(open_store(home, config.shipping))
        store = opened.store
        heartbeats = Heartbeats(home.name, store, _HEARTBEAT_EVERY_S)
        # It tells the supervision that is made of it and the others.
        phase = PhaseService(home / JOURNAL, lambda number: supervision.enter_phase(number), said)
        services: list[Service | Watched] = [phase, heartbeats]
        if opened.database is not None and opened.database.embedded is not None:
            services.append(EmbeddedDatabase(opened.database.embedded))
        if config.services.shipping:
            services.append(ShippingService(home, store, config.shipping.poll_s, said))
        if config.services.retention:
            services += _storage_services(home, config, opened.database, stopping)
        feeds = None
        if config.services.feeds:
            following = await held.enter_async_context(follow_feeds(home, config.feeds, opened, said))
            feeds = following.feeds
            services += following.services
        health = await held.enter_async_context(watch_health(home, config, opened.database, feeds, said))
        services += health.services
        supervision = Supervision(services, said)
        heartbeats.watch(supervision.watched)
        health.service.watch(supervision.watched)
        said(f"candles, health and metrics at {health.url}")
        running = asyncio.create_task(supervision.run())
        waiting = asyncio.create_task(stopping.wait())
        await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        supervision.stop()
        waiting.cancel()
        await running
        await heartbeats.step()


def _storage_services(
    home: Path, config: SidecarConfig, database: Database | None, stopping: asyncio.Event
) -> list[Service]:
    if database is None:
        raise StoreError(
            "services.retention = true: needs the database itself, in SUPABASE_DB_URL, beside its API; name it or set false"
        )
    retention = Retention(
        database.address, config.retention.archive_in(home), config.retention.policies, config.retention.ahead
    )
    return [
        RetentionService(retention, config.retention.run_at_utc, stopping),
        SizeSamples(database.address),
    ]


async def ship_once(home: Path, config: SidecarConfig, told: Told = not_told) -> Shipments:
    """Ship what is in a home's journal. `told` is called after each batch.

    Raises:
        JournalError: There is no journal.
        StoreError: The store does not take it.
    """
    async with open_store(home, config.shipping) as opened:
        with closing(Shipping(home / JOURNAL, home.name, opened.store, told)) as shipping:
            await shipping.catch_up()
            return shipping.shipments


async def stored_counts(home: Path, config: SidecarConfig, run_id: str) -> StoredCounts:
    """What the store of a home holds of one run.

    Raises:
        StoreError: It cannot be asked.
    """
    async with open_store(home, config.shipping) as opened:
        return await opened.store.counts(run_id)


class ShippingService:
    """Shipping, again and again. Its heartbeat says how much waits: that is where back-pressure shows."""

    name = "shipping"

    def __init__(self, home: Path, store: Store, poll_s: float, said: Callable[[str], None]) -> None:
        self._journal = home / JOURNAL
        self._has_begun = False
        self._shipping = Shipping(self._journal, home.name, store, self._tell)
        self._poll_s = poll_s
        self._said = said
        self._told_at_s = time.monotonic()

    def _tell(self, shipments: Shipments) -> None:
        # Only of a catch-up that takes its time.
        if time.monotonic() - self._told_at_s >= _PROGRESS_EVERY_S:
            self._told_at_s = time.monotonic()
            self._said(f"shipping: {shipments.events:,} events shipped, {shipments.waiting:,} wait")

    async def step(self) -> float:
        # A bot that has not run yet is no trouble. A journal that was there and is gone is one.
        self._has_begun = self._has_begun or self._journal.exists()
        if not self._has_begun:
            return self._poll_s
        self._told_at_s = time.monotonic()
        await self._shipping.catch_up()
        return self._poll_s

    def detail(self) -> Mapping[str, Any]:
        shipments = self._shipping.shipments
        return {"events": shipments.events, "dead_letters": shipments.dead, "waiting": shipments.waiting}


class EmbeddedDatabase:
    """Sees to it that the home's own Postgres runs: nobody else starts it again after a crash."""

    name = "database"

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres

    async def step(self) -> float:
        await asyncio.to_thread(self._postgres.start)
        return _LOOK_AFTER_DATABASE_EVERY_S

    def detail(self) -> Mapping[str, Any]:
        return {}
