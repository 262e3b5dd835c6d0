"""What `recovery health` shows: each check with its reason, and under it what to do."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shared.domain.health import Check, HealthReport, Level

_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}
# More of one group are told in numbers, those apart that are not OK.
_MOST_OF_A_GROUP = 12


def health_view(report: HealthReport) -> RenderableType:
    """A report for a terminal."""
    at = datetime.fromtimestamp(report.at_ms / 1000, UTC)
    heading = Text.assemble(
        (report.home, "bold"), "  ", _shown(report.level), f"  {at:%Y-%m-%d %H:%M:%S} UTC, up {_span(report.uptime_s)}"
    )
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, level, reason, advice in _rows(report.checks):
        table.add_row(Text(name), _shown(level), Text(reason))
        if advice:
            table.add_row("", "", Text(f"→ {advice}", "italic"))
    return Group(heading, Text(), table)


def _rows(checks: Sequence[Check]) -> Iterator[tuple[str, Level, str, str]]:
    """Name, level, reason and advice of each line; advice once for those of a group that share it."""
    groups: dict[str, list[Check]] = {}
    for check in checks:
        groups.setdefault(check.cause, []).append(check)
    for name, those in groups.items():
        is_long = len(those) > _MOST_OF_A_GROUP
        shown = [check for check in those if not is_long or check.level is not Level.OK]
        if is_long:
            fine = len(those) - len(shown)
            yield name, Level.OK if fine else shown[0].level, f"{fine} of {len(those)} OK", ""
        for number, check in enumerate(shown[:_MOST_OF_A_GROUP], 1):
            follows = shown[number].advice if number < min(len(shown), _MOST_OF_A_GROUP) else ""
            yield check.name, check.level, check.reason, check.advice if check.advice != follows else ""
        beyond = len(shown) - _MOST_OF_A_GROUP
        if beyond > 0:
            yield "", max((check.level for check in shown), key=lambda level: level.severity), f"and {beyond} more", ""


def _shown(level: Level) -> Text:
    return Text(level, _COLOURS[level])


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours // 24} d {hours % 24} h" if hours >= 24 else f"{hours} h {minutes} min" if hours else f"{minutes} min"
    )
