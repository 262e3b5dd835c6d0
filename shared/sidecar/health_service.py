"""Health as a service of the sidecar: looks, judges, and tells of changes."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.domain.alerts import Alerts
from shared.domain.feed_health import STARTING_S
from shared.domain.health import Check, HealthReport, Level
from shared.domain.health_facts import Facts
from shared.domain.health_rules import health_checks
from shared.sidecar.health_looks import Looks
from shared.sidecar.services import Watched

_LOOK_EVERY_S = 5.0
# A look waits for a database for 10 s at most.
_TOO_OLD_S = 60.0
# What a bot could not be served without.
_NEEDED = "feeds"


class HealthService:
    """Looks every few seconds.

    Args:
        home: The home's name.
        looks: What to look at.
        period_s: No cause is told of twice within it.
        told: Each takes an alert's line: the log, a webhook's queue, the bot. None of them may block.
    """

    name = "health"

    def __init__(self, home: str, looks: Looks, period_s: float, told: Sequence[Callable[[str], None]]) -> None:
        self._home = home
        self._looks = looks
        self._alerts = Alerts(period_s)
        self._told = told
        self._watched: Sequence[Watched] = ()
        self._report: HealthReport | None = None
        self._looked_at_s = 0.0
        self.facts: Facts | None = None
        self.alerts_told: dict[Level, int] = dict.fromkeys(Level, 0)

    def watch(self, watched: Sequence[Watched]) -> None:
        """Name the services to look at."""
        self._watched = watched

    async def step(self) -> float:
        facts = await self._looks.facts(self._watched)
        report = HealthReport(self._home, round(time.time() * 1000), facts.uptime_s, health_checks(facts))
        self.facts, self._report = facts, report
        self._looked_at_s = asyncio.get_running_loop().time()
        # Whoever starts a sidecar looks at it; what is not well once it has started is told then.
        is_starting = facts.uptime_s < STARTING_S
        checks = [check for check in report.checks if check.level is Level.FAIL or not is_starting]
        for alert in self._alerts.due(checks, self._looked_at_s):
            self.alerts_told[alert.level] += 1
            for tell in self._told:
                tell(f"{self._home}: {alert.text}")
        return _LOOK_EVERY_S

    def report(self) -> HealthReport | None:
        """What the last look came to; a look too long ago is a failure of its own. None before the first."""
        if self._report is None:
            return None
        age_s = asyncio.get_running_loop().time() - self._looked_at_s
        if age_s < _TOO_OLD_S:
            return self._report
        said = Check(
            self.name, Level.FAIL, f"not looked at for {age_s:,.0f} s: what follows is old", "look into the log"
        )
        return replace(self._report, checks=(said, *self._report.checks))

    def not_ready(self) -> str | None:
        """Why the bot cannot be served; None where it can."""
        report = self.report()
        if report is None:
            return "starting"
        for check in report.checks:
            if check.name in (_NEEDED, self.name) and check.level is Level.FAIL:
                return check.reason
        return None

    def detail(self) -> Mapping[str, Any]:
        return {} if self._report is None else {"level": self._report.level}
