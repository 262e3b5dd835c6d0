"""Retention, once a day, as a service of the sidecar."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from shared.adapters.postgres.connection import connected
from shared.ports import StoreError, StoreUnavailable
from shared.sidecar.retention import enforce
from shared.sidecar.retention_work import Outcome, Retention

_DAY = timedelta(days=1)
_NEVER = datetime.min.replace(tzinfo=UTC)
# A disk stays full and a schema missing until somebody comes; each try leaves a record.
_TRY_AGAIN_AFTER = timedelta(minutes=15)
_LOOK_EVERY_S = 60.0
_LAST = "SELECT max(started_at) FROM retention_runs WHERE kind = 'enforce' AND state = 'done'"


def last_due(run_at: time, now: datetime) -> datetime:
    """When the last run was due: today at `run_at`, or yesterday where that is still ahead. UTC."""
    today = now.astimezone(UTC).replace(hour=run_at.hour, minute=run_at.minute, second=0, microsecond=0)
    return today if today <= now else today - _DAY


class RetentionService:
    """Enforces retention at its time of day; what was missed while no sidecar ran is done at once.

    Args:
        retention: What a run rests on.
        run_at: Time of day, UTC.
        stopping: Once set, a run at work ends after the action it is at.
        clock: The time now, UTC.
    """

    name = "retention"

    def __init__(
        self,
        retention: Retention,
        run_at: time,
        stopping: asyncio.Event,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._retention = retention
        self._run_at = run_at
        self._stopping = stopping
        self._clock = clock
        self._last_outcome: Outcome | None = None
        self._trouble: StoreError | None = None
        self._not_before = _NEVER

    async def step(self) -> float:
        now = self._clock()
        if now < self._not_before:
            if self._trouble is not None:
                raise self._trouble  # it is not over because nobody tries
            return _LOOK_EVERY_S
        if await self._last_done() >= last_due(self._run_at, now):
            return _LOOK_EVERY_S
        try:
            self._last_outcome = await enforce(self._retention, now, stopping=self._stopping)
        except StoreUnavailable:
            raise
        except StoreError as error:
            self._trouble, self._not_before = error, now + _TRY_AGAIN_AFTER
            raise
        # What a partition refused is for the next run: most of it would be refused again at once.
        self._trouble, self._not_before = None, last_due(self._run_at, now) + _DAY
        return _LOOK_EVERY_S

    async def _last_done(self) -> datetime:
        async with connected(self._retention.address) as connection:
            last: datetime | None = await connection.fetchval(_LAST)
            return last or _NEVER

    def detail(self) -> Mapping[str, Any]:
        if self._last_outcome is None:
            return {}
        outcome = self._last_outcome
        return {
            "last_run": outcome.record.id,
            "bytes_freed": outcome.record.bytes_freed,
            "rows_dropped": outcome.record.rows_dropped,
            "refused": [refused.reason for refused in outcome.refused],
        }
