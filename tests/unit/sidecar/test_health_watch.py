"""What health is opened with: its server, its routes with and without the token, and everyone who is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.adapters.feed_address import SERVER_FILE, find_address
from shared.adapters.settings_file import read_yaml
from shared.domain.health import Level
from shared.sidecar.config import SidecarConfig
from shared.sidecar.health_watch import HealthWatch, watch_health
from shared.sidecar.http_server import HttpServer
from shared.sidecar.services import Watched
from shared.wire.config_errors import ConfigError
from shared.wire.feed_messages import FeedAlert
from tests.conftest import CHECKOUT, VirtualRun
from tests.unit.sidecar.feeds.feeds_world import feeds_world
from tests.unit.sidecar.feeds.serving_samples import MINUTES, Ear

ALERT = "home: a test"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECOVERY_ALERT_WEBHOOK", "RECOVERY_SIDECAR_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def config(**alerts: Any) -> SidecarConfig:
    content = read_yaml(CHECKOUT / "conf" / "sidecar.yml")
    content["alerts"] |= alerts
    return SidecarConfig.model_validate(content)


def names(watch: HealthWatch) -> list[str]:
    return [(each.service if isinstance(each, Watched) else each).name for each in watch.services]


@asynccontextmanager
async def served(home: Path, watch: HealthWatch) -> AsyncIterator[None]:
    """With its server at work."""
    (server,) = (each.service for each in watch.services if isinstance(each, Watched))
    assert isinstance(server, HttpServer)
    step = asyncio.create_task(server.step())
    while not (home / SERVER_FILE).exists():
        await asyncio.sleep(0.1)
    yield
    step.cancel()
    await asyncio.wait((step,))


def test_health_is_open_and_candles_are_not(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def use() -> None:
        async with (
            feeds_world(tmp_path / "data") as world,
            watch_health(tmp_path, config(), None, world.feeds, world.said.append) as watch,
            served(tmp_path, watch),
            aiohttp.ClientSession() as session,
        ):
            assert names(watch) == ["health", "http"]
            address = find_address(tmp_path)
            assert watch.url == address.url
            found = {}
            for path in ("/health/live", "/metrics", "/candles?pair=BTC-USDT&interval=1m", "/stream"):
                async with session.get(watch.url + path) as answer:
                    found[path.partition("?")[0]] = answer.status
            assert found == {"/health/live": 200, "/metrics": 200, "/candles": 401, "/stream": 401}
            path = "/candles?pair=BTC-USDT&interval=1m"
            async with session.get(watch.url + path, headers=address.headers) as answer:
                assert answer.status == 200

    run_virtual(use())


@pytest.mark.parametrize("notify", [True, False])
def test_alerts_reach_bots_where_they_are_to(run_virtual: VirtualRun, tmp_path: Path, notify: bool) -> None:
    async def use() -> None:
        async with (
            feeds_world(tmp_path / "data") as world,
            watch_health(tmp_path, config(notify_hummingbot=notify), None, world.feeds, world.said.append) as watch,
        ):
            ear = Ear()
            world.feeds.serving.listen(ear, [MINUTES])
            ear.take()
            for tell in watch.service._told:
                tell(ALERT)
            assert (FeedAlert(ALERT) in ear.take()) is notify
            assert ALERT in world.said

    run_virtual(use())


def test_a_webhook_is_told_too_and_its_address_must_be_one(
    run_virtual: VirtualRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use() -> None:
        monkeypatch.setenv("RECOVERY_ALERT_WEBHOOK", "http://127.0.0.1:1/hook")
        async with watch_health(tmp_path, config(), None, None, lambda line: None) as watch:
            assert names(watch) == ["alerts", "health", "http"]
            assert len(watch.service._told) == 2
        monkeypatch.setenv("RECOVERY_ALERT_WEBHOOK", "nowhere")
        with pytest.raises(ConfigError, match="RECOVERY_ALERT_WEBHOOK"):
            async with watch_health(tmp_path, config(), None, None, lambda line: None):
                pytest.fail("there is no such address")

    run_virtual(use())


def test_without_feeds_there_are_no_candles_but_health(run_virtual: VirtualRun, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()

    async def use() -> None:
        async with (
            watch_health(tmp_path, config(), None, None, lambda line: None) as watch,
            served(tmp_path, watch),
            aiohttp.ClientSession(headers=find_address(tmp_path).headers) as session,
        ):
            await watch.service.step()
            report = watch.service.report()
            assert report is not None
            assert all(check.level is not Level.FAIL for check in report.checks if check.name == "feeds")
            async with session.get(watch.url + "/candles?pair=BTC-USDT&interval=1m") as answer:
                assert answer.status == 404

    run_virtual(use())
