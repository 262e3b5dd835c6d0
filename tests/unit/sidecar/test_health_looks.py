"""What health looks at: costly things less often, trouble kept as trouble, lag counted from when nothing waited."""

import asyncio
from dataclasses import replace
from pathlib import Path

from shared.domain.health_facts import JournalLag, Space, Unknown
from shared.domain.stored import ServiceState
from shared.ports import StoreUnavailable
from tests.conftest import VirtualRun
from tests.unit.domain.health_samples import BINANCE, FEEDS, PAIR, POLYGON
from tests.unit.sidecar.health_samples import Around


def test_facts_of_services(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        shipping = around.watched[1]
        shipping.state, shipping.trouble, shipping.defects = ServiceState.DEGRADED, "no", 2
        await asyncio.sleep(100)
        facts = await around.looks.facts(around.watched)
        assert round(facts.uptime_s) == 100
        assert facts.phase == 1
        found = facts.services[1]
        assert (found.name, found.state, found.trouble, found.defects) == ("shipping", ServiceState.DEGRADED, "no", 2)
        assert round(found.since_s) == 100
        assert facts.feeds is FEEDS

    run_virtual(main())


def test_the_database_is_asked_every_five_minutes_and_its_trouble_is_kept(
    run_virtual: VirtualRun, tmp_path: Path
) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        for _ in range(60):
            facts = await around.looks.facts(around.watched)
            assert facts.database == Space(10**9, 8 * 10**9)
            await asyncio.sleep(5)
        assert around.database_asked == 1
        around.database = StoreUnavailable("db: cannot be reached")
        assert (await around.looks.facts(around.watched)).database == Unknown("db: cannot be reached")

    run_virtual(main())


def test_a_journal_that_cannot_be_read_is_unknown(run_virtual: VirtualRun, tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_text("not a database, " * 100)

    async def main() -> None:
        around = Around(tmp_path)
        activity = (await around.looks.facts(around.watched)).activity
        assert isinstance(activity, Unknown)
        assert "cannot read the journal" in activity.reason

    run_virtual(main())


def test_lag_is_counted_from_when_nothing_waited(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)

        async def lag_after(seconds: float) -> tuple[int, int]:
            await asyncio.sleep(seconds)
            lag = (await around.looks.facts(around.watched)).lag
            assert isinstance(lag, JournalLag)
            return lag.waiting, round(lag.behind_s)

        assert await lag_after(0) == (0, 0)
        assert await lag_after(50) == (0, 0)
        around.shipping.figures["waiting"] = 20
        assert await lag_after(30) == (20, 30)
        around.shipping.figures["waiting"] = 0
        around.watched[1].trouble = "gone"
        assert await lag_after(30) == (0, 60), "what waits is not known while the store is away"
        around.watched[1].trouble = None
        assert await lag_after(30) == (0, 0)
        assert (await around.looks.facts(around.watched[:1])).lag is None

    run_virtual(main())


def test_errors_of_the_last_hour(run_virtual: VirtualRun, tmp_path: Path) -> None:
    async def main() -> None:
        around = Around(tmp_path)
        assert (await around.looks.facts(around.watched)).errors == {}
        around.feeds = replace(
            FEEDS,
            sources=(replace(POLYGON, malformed=2), replace(BINANCE, quarantined=1)),
            pairs=(replace(PAIR, mismatches=1), replace(PAIR, mismatches=3)),
        )
        around.shipping.figures["dead_letters"] = 5
        around.watched[1].defects = 1
        await asyncio.sleep(1800)
        assert (await around.looks.facts(around.watched)).errors == {
            "malformed of polygon": 2,
            "quarantined of binance": 1,
            "mismatches of built candles": 4,
            "dead letters": 5,
            "defects of shipping": 1,
        }
        await asyncio.sleep(3700)
        assert (await around.looks.facts(around.watched)).errors == {}

    run_virtual(main())
