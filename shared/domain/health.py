"""What is well and what is not, as a person is told: checks, each with its reason and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check came out."""

    OK = "OK"
    WARN = "WARN"  # works, but not as it should, or not for long
    FAIL = "FAIL"  # does not do what it is there for

    @property
    def severity(self) -> int:
        """0 for OK; the worse, the higher."""
        return _SEVERITY[self]


_SEVERITY = {Level.OK: 0, Level.WARN: 1, Level.FAIL: 2}


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What was looked at, e.g. "source polygon".
        level: How it is.
        reason: Why it is said to be so, without a full stop.
        advice: What to do, without a full stop; empty where nothing is to be done.
        group: What it is told of together with, e.g. "pairs": a hundred of them fail for one cause. Empty: by itself.
    """

    name: str
    level: Level
    reason: str
    advice: str = ""
    group: str = ""

    @property
    def cause(self) -> str:
        """What alerts call it."""
        return self.group or self.name


@dataclass(frozen=True)
class HealthReport:
    """A home at one moment.

    Attributes:
        home: Its name.
        at_ms: When it was looked at, UTC epoch milliseconds.
        uptime_s: Since the sidecar began.
        checks: In the order in which they are shown.
    """

    home: str
    at_ms: int
    uptime_s: float
    checks: tuple[Check, ...]

    @property
    def level(self) -> Level:
        """That of the worst check."""
        return worst(self.checks)


def worst(checks: Iterable[Check]) -> Level:
    """The worst level among checks; OK where there are none."""
    return max((check.level for check in checks), key=lambda level: level.severity, default=Level.OK)
