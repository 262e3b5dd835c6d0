"""A report of health as JSON and back: what `/health` answers and `recovery health` reads."""

import json
import math
from datetime import UTC, datetime
from typing import Any

from shared.domain.health import Check, HealthReport, Level

LIVE_PATH, READY_PATH, HEALTH_PATH, METRICS_PATH = "/health/live", "/health/ready", "/health", "/metrics"


class HealthCodecError(ValueError):
    """What came is no report of health. The message is one sentence."""


def report_as_json(report: HealthReport) -> dict[str, Any]:
    """A report as a JSON object."""
    return {
        "home": report.home,
        "at": datetime.fromtimestamp(report.at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "uptime_s": round(report.uptime_s, 1),
        "level": report.level,
        "checks": [
            {"name": check.name, "level": check.level, "reason": check.reason, "advice": check.advice}
            | ({"group": check.group} if check.group else {})
            for check in report.checks
        ],
    }


def read_report(text: str | bytes) -> HealthReport:
    """The report in a text.

    Raises:
        HealthCodecError: There is none in it.
    """
    try:
        content = _typed(json.loads(text), dict)
        at = datetime.fromisoformat(_typed(content["at"], str))
        if at.tzinfo is None:
            raise ValueError("at: must have a time zone")
        return HealthReport(
            home=_typed(content["home"], str),
            at_ms=round(at.timestamp() * 1000),
            uptime_s=_finite(content["uptime_s"]),
            checks=tuple(map(_check, _typed(content["checks"], list))),
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        raise HealthCodecError(f"no report of health: {type(error).__name__}: {str(error)[:100]}") from None


def _check(given: Any) -> Check:
    _typed(given, dict)
    texts = {name: _typed(given.get(name, ""), str) for name in ("name", "reason", "advice", "group")}
    return Check(level=Level(given["level"]), **texts)


def _finite(value: Any) -> float:
    number = float(_typed(value, (int, float)))
    if not math.isfinite(number):
        raise ValueError(f"{number}: is no number of seconds")
    return number


def _typed(value: Any, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{str(value)[:40]!r}: is of the wrong kind")
    return value
