"""Health as a service: it tells of changes once, and a look too old is told from a new one."""

import asyncio
from dataclasses import replace
from pathlib import Path

from shared.domain.health import Level
from tests.conftest import VirtualRun
from tests.unit.domain.health_samples import BINANCE, COINGECKO, FEEDS, POLYGON, with_source
from tests.unit.sidecar.health_samples import Around

AWAY = replace(
    FEEDS,
    sources=(
        replace(POLYGON, link="backing_off", cause="closed with 1006", is_in_use=False, is_fit=False),
        replace(BINANCE, is_in_use=True),
        COINGECKO,
    ),
    switches=1,
)
NOTHING = replace(FEEDS, sources=tuple(replace(one, is_in_use=False, is_fit=False) for one in FEEDS.sources))


def test_a_failover_and_the_way_back_are_told_once_each(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        await around.run(200)
        assert [line for line in around.told if "feeds" in line or "source" in line] == []
        around.told.clear()
        around.feeds = AWAY
        await around.run(600)
        around.feeds = FEEDS
        await around.run(600)
        told = [line for line in around.told if "service" not in line]
        assert told == [
            "home: WARN feeds: binance in use in place of polygon (closed with 1006), 1 switch, 2 pairs. What to do: "
            "nothing, unless polygon stays away: it is returned to by itself",
            "home: WARN source polygon: backing_off: closed with 1006; 1 reconnection. What to do: nothing: it is retried",
            "home: OK feeds: back: polygon in use, 0 switches, 2 pairs",
            "home: OK source polygon: back: live; 1 reconnection",
        ]
        assert around.health.alerts_told[Level.FAIL] == 0

    run_virtual(main())


def test_while_it_starts_only_a_failure_is_told(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        around.feeds = AWAY
        await around.run(110)
        assert around.told == []
        await around.run(60)
        assert any("WARN feeds" in line for line in around.told)
        failing = Around(tmp_path)
        failing.feeds = with_source(clock_skew_ms=60_000.0)
        await failing.run(1)
        assert [line for line in failing.told if "clock" in line] != []

    run_virtual(main())


def test_ready_means_that_candles_can_be_served(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        assert around.health.report() is None
        assert around.health.not_ready() == "starting"
        await around.run(1)
        assert around.health.not_ready() is None
        await asyncio.sleep(200)
        around.feeds = NOTHING
        await around.run(1)
        assert around.health.not_ready() == "no source is fit: no new entries"
        around.feeds = with_source(link="refused", cause="the key is wrong")
        await around.run(1)
        assert around.health.not_ready() is None, "another source is fit"

    run_virtual(main())


def test_a_look_too_long_ago_is_a_failure(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        await around.run(1)
        await asyncio.sleep(54)
        report = around.health.report()
        assert report is not None
        assert report.checks[0].name == "phase"
        await asyncio.sleep(10)
        report = around.health.report()
        assert report is not None
        assert (report.checks[0].name, report.level) == ("health", Level.FAIL)
        assert around.health.not_ready() is not None

    run_virtual(main())
