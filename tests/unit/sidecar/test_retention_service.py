"""When the daily run of retention is due. That it runs: tests/integration/test_retention.py."""

from datetime import UTC, datetime, time

import pytest

from shared.sidecar.retention_service import last_due


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-06-15T12:00", "2026-06-15T03:30"),
        ("2026-06-15T03:30", "2026-06-15T03:30"),
        ("2026-06-15T03:29", "2026-06-14T03:30"),
        ("2026-03-01T00:00", "2026-02-28T03:30"),
    ],
)
def test_the_last_run_was_due_at_its_time_of_day(now: str, due: str) -> None:
    at, expected = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, due))
    assert last_due(time(3, 30), at) == expected


def test_the_time_of_day_is_utc() -> None:
    assert last_due(time(3, 30), datetime.fromisoformat("2026-06-15T04:00+02:00")) == datetime(
        2026, 6, 14, 3, 30, tzinfo=UTC
    )
