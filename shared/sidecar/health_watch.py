"""Opens what health needs: looks, alerts, and the server that tells of both and of candles."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from shared.adapters.journal_activity import JournalActivity
from shared.adapters.machine import Machine
from shared.adapters.webhook import WEBHOOK, Webhook
from shared.sidecar.alert_service import AlertService
from shared.sidecar.care import LASTING
from shared.sidecar.config import SidecarConfig
from shared.sidecar.database import Database
from shared.sidecar.feeds.feeds import Feeds
from shared.sidecar.health_looks import Looks, database_space
from shared.sidecar.health_routes import health_routes
from shared.sidecar.health_service import HealthService
from shared.sidecar.http_server import HttpServer
from shared.sidecar.services import Service, Watched
from shared.wire.feed_messages import FeedAlert

_JOURNAL = "data/recovery_journal.sqlite"


@dataclass(frozen=True)
class HealthWatch:
    """Health with all that runs for it. `url`: of the sidecar's server."""

    service: HealthService
    services: tuple[Service | Watched, ...]
    url: str


@asynccontextmanager
async def watch_health(
    home: Path,
    config: SidecarConfig,
    database: Database | None,
    feeds: Feeds | None,
    said: Callable[[str], None],
) -> AsyncIterator[HealthWatch]:
    """Health, alerts and the server, not running yet.

    Raises:
        ConfigError: The server's address cannot be listened on, or the webhook's is none.
    """
    async with AsyncExitStack() as held:
        services: list[Service | Watched] = []
        told: list[Callable[[str], None]] = [said]
        url = os.environ.get(WEBHOOK)
        if url:
            alerts = AlertService(await held.enter_async_context(Webhook(url)))
            services.append(alerts)
            told.append(alerts.offer)
        if feeds is not None and config.alerts.notify_hummingbot:
            serving = feeds.serving
            told.append(lambda text: serving.tell_all(FeedAlert(text)))
        looks = Looks(
            None if feeds is None else feeds.status,
            config.feeds.stale_after_s,
            JournalActivity(home / _JOURNAL),
            Machine(home),
            None if database is None else database_space(database.address, int(config.storage.size_limit_gb * 10**9)),
        )
        health = HealthService(home.name, looks, config.alerts.period_s, told)

        def routes(token: str) -> Sequence[web.RouteDef]:
            return [*health_routes(health), *([] if feeds is None else feeds.server.routes(token))]

        server = HttpServer(home, config.server, routes)
        held.callback(server.close)
        services += [health, Watched(server, LASTING)]
        yield HealthWatch(health, tuple(services), server.address.url)
