"""Health over HTTP: `/health/live`, `/health/ready`, `/health` and `/metrics`, to be mounted on the sidecar's server."""

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from shared.domain.health import Level
from shared.sidecar.health_service import HealthService
from shared.sidecar.metrics import HealthMetrics
from shared.wire.health_codec import HEALTH_PATH, LIVE_PATH, METRICS_PATH, READY_PATH, report_as_json

_UNAVAILABLE = 503


def health_routes(health: HealthService) -> list[web.RouteDef]:
    """The routes.

    `live` answers 200 as long as the sidecar answers at all. `ready` answers 503 with the reason until candles can be served,
    and whenever they cannot. `/health` answers every check as JSON, 503 where one is FAIL.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HealthMetrics(health))

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def ready(_: web.Request) -> web.Response:
        reason = health.not_ready()
        body = {"ready": reason is None} | ({} if reason is None else {"reason": reason})
        return web.json_response(body, status=200 if reason is None else _UNAVAILABLE)

    async def report(_: web.Request) -> web.Response:
        found = health.report()
        if found is None:
            return web.json_response({"error": "starting: nothing was looked at yet"}, status=_UNAVAILABLE)
        return web.json_response(report_as_json(found), status=_UNAVAILABLE if found.level is Level.FAIL else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [
        web.get(LIVE_PATH, live),
        web.get(READY_PATH, ready),
        web.get(HEALTH_PATH, report),
        web.get(METRICS_PATH, metrics),
    ]
