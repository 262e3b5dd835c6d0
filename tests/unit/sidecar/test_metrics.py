"""Metrics: what Prometheus reads, pinned. After a change that is meant: python -m tests.unit.sidecar.test_metrics"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from shared.domain.health import HealthReport
from shared.domain.health_facts import Unknown
from shared.domain.health_rules import health_checks
from shared.sidecar.health_service import HealthService
from shared.sidecar.metrics import HealthMetrics
from tests.unit.domain.health_samples import FACTS
from tests.unit.sidecar.health_samples import Around

GOLDEN = Path(__file__).parent / "golden" / "metrics.txt"


class Still:
    """A health that has looked once."""

    def __init__(self, **changes: Any) -> None:
        self.facts = replace(FACTS, **changes)
        self.alerts_told = {level: number for number, level in enumerate(("OK", "WARN", "FAIL"))}

    def report(self) -> HealthReport:
        return HealthReport("home", 0, self.facts.uptime_s, health_checks(self.facts))


def shown(health: object) -> str:
    registry = CollectorRegistry()
    registry.register(HealthMetrics(cast(HealthService, health)))
    return generate_latest(registry).decode()


def test_there_are_none_before_the_first_look(tmp_path: Path) -> None:
    async def main() -> str:
        return shown(Around(tmp_path).health)

    assert asyncio.run(main()) == ""


def test_what_is_not_known_is_left_out() -> None:
    known = shown(Still())
    unknown = shown(Still(activity=Unknown("no"), database=None, feeds=None, lag=None, phase=None))
    assert "recovery_signals_24h" in known
    for name in (
        "signals_24h",
        "source_",
        "pair_",
        'of="database"',
        "\nrecovery_phase ",
        "\nrecovery_journal_waiting_events ",
    ):
        assert name in known
        assert name not in unknown


def test_what_prometheus_reads() -> None:
    assert shown(Still()) == GOLDEN.read_text()


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(shown(Still()))
