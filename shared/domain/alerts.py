"""Which changes of health somebody is told of, and when: each change for the worse, each way back, none too often."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.health import Check, Level

# A connection that is back at once, and one that is gone again, are no news. A failure is, however short.
_TOLD_AFTER_S = {Level.OK: 30.0, Level.WARN: 15.0, Level.FAIL: 0.0}


@dataclass(frozen=True)
class Alert:
    """One thing to tell.

    Attributes:
        cause: The check, or the group of checks, that changed.
        level: What it is now.
        text: In one line.
    """

    cause: str
    level: Level
    text: str


@dataclass
class _Known:
    """What is known of one cause. `told`: the level people believe it has. `sent_at_s`: by level, when it was told of last."""

    told: Level = Level.OK
    now: Level = Level.OK
    since_s: float = 0.0
    changes: int = 0
    sent_at_s: dict[Level, float] = field(default_factory=dict)


class Alerts:
    """Compares each look with what was told before.

    No cause is told of at the same level twice in a period; what it is when the period ends is told then, with how often it
    changed meanwhile. A failure is told at once, a warning and a way back once they have lasted for some seconds. What is bad
    at the first look is told.

    Args:
        period_s: The period.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._known: dict[str, _Known] = {}

    def due(self, checks: Sequence[Check], now_s: float) -> list[Alert]:
        """What to tell now.

        Args:
            checks: All there are. A cause that is not among them any more is forgotten.
            now_s: By a monotonic clock.
        """
        found = _by_cause(checks)
        self._forget(found, now_s)
        alerts = []
        for cause, those in found.items():
            known = self._known.setdefault(cause, _Known(since_s=now_s))
            check = max(those, key=lambda one: one.level.severity)
            if check.level is not known.now:
                known.now, known.since_s, known.changes = check.level, now_s, known.changes + 1
            if self._is_due(known, now_s):
                alerts.append(Alert(cause, check.level, _text(cause, check, _others(those, check), known)))
                known.told, known.changes = check.level, 0
                known.sent_at_s[check.level] = now_s
        return alerts

    def _is_due(self, known: _Known, now_s: float) -> bool:
        if known.now is known.told:
            return False
        if now_s - known.since_s < _TOLD_AFTER_S[known.now]:
            return False
        sent_at_s = known.sent_at_s.get(known.now)
        return sent_at_s is None or now_s - sent_at_s >= self._period_s

    def _forget(self, found: Mapping[str, object], now_s: float) -> None:
        """Let go of what is not looked at any more, but not so early that its coming back would be told too soon."""
        for cause in [cause for cause in self._known if cause not in found]:
            sent_at_s = self._known[cause].sent_at_s.values()
            if not sent_at_s or now_s - max(sent_at_s) >= self._period_s:
                del self._known[cause]


def _by_cause(checks: Iterable[Check]) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(check.cause, []).append(check)
    return found


def _others(those: Sequence[Check], check: Check) -> int:
    """How many more of a group are as bad as the worst one."""
    return sum(1 for one in those if one.level is check.level) - 1 if check.level is not Level.OK else 0


def _text(cause: str, check: Check, others: int, known: _Known) -> str:
    if check.level is Level.OK:
        said = f"{check.level} {cause}: back" + (f": {check.reason}" if check.reason and not check.group else "")
    else:
        name = cause if not check.group else check.name + (f" and {others} more" if others else "")
        said = f"{check.level} {name}: {check.reason}"
    if known.changes > 1:
        said += f"; it changed {known.changes} times since it was last told of"
    return said + (f". What to do: {check.advice}" if check.advice else "")
