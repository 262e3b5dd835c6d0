"""Health over HTTP: what each route answers while starting, well and not well."""

import asyncio
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from shared.domain.health import Level
from shared.sidecar.health_routes import health_routes
from shared.wire.health_codec import read_report
from tests.unit.sidecar.health_samples import Around
from tests.unit.sidecar.test_health_service import NOTHING

ROUTES = ("/health/live", "/health/ready", "/health", "/metrics")


async def asked(client: TestClient[web.Request, web.Application]) -> dict[str, int]:
    found = {}
    for path in ROUTES:
        async with client.get(path) as answer:
            found[path] = answer.status
    return found


def test_what_each_answers(tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        application = web.Application()
        application.add_routes(health_routes(around.health))
        async with TestClient(TestServer(application)) as client:
            assert list((await asked(client)).values()) == [200, 503, 503, 200]
            await around.health.step()
            assert list((await asked(client)).values()) == [200, 200, 200, 200]
            async with client.get("/health") as answer:
                found, report = read_report(await answer.read()), around.health.report()
                assert report is not None
                assert (found.at_ms, found.checks) == (report.at_ms, report.checks)
            for each in around.watched:
                each.started_at = each.started_at.replace(year=2020)
            around.feeds = NOTHING
            await around.health.step()
            assert list((await asked(client)).values()) == [200, 503, 503, 200]
            async with client.get("/health/ready") as answer:
                assert await answer.json() == {"ready": False, "reason": "no source is fit: no new entries"}
            async with client.get("/health") as answer:
                assert read_report(await answer.read()).level is Level.FAIL

    asyncio.run(main())


def test_metrics_are_read_by_prometheus(tmp_path: Path) -> None:
    async def main() -> str:
        around = Around(tmp_path)
        application = web.Application()
        application.add_routes(health_routes(around.health))
        async with TestClient(TestServer(application)) as client:
            await around.health.step()
            async with client.get("/metrics") as answer:
                assert answer.content_type == "text/plain"
                return await answer.text()

    families = {family.name: family for family in text_string_to_metric_families(asyncio.run(main()))}
    assert all(name.startswith("recovery_") for name in families)
    ages = {sample.labels["pair"]: sample.value for sample in families["recovery_pair_age_seconds"].samples}
    assert ages == {"BTC-USDT": 41.0, "ETH-USDT": 41.0}
    assert {s.labels["check"] for s in families["recovery_check_level"].samples} >= {"feeds", "pair BTC-USDT", "disk"}
    skew = {sample.labels["source"]: sample.value for sample in families["recovery_source_clock_skew_seconds"].samples}
    assert skew == {"polygon": -0.012, "binance": -0.012}, "what is not known is left out"
    assert [s.value for s in families["recovery_source_reconnections"].samples] == [1.0, 0.0, 0.0]
