"""Gathers what health is judged by: from the services, the feeds, the journal, the database and this machine."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from shared.adapters.journal_activity import JournalActivity
from shared.adapters.machine import Machine
from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connected
from shared.domain.feed_status import FeedStatus
from shared.domain.health_facts import Activity, Facts, JournalLag, ServiceFacts, Space, Unknown
from shared.domain.recent_errors import RecentErrors
from shared.ports import JournalError, StoreError
from shared.sidecar.services import Watched

# Both read more than a few rows.
_ACTIVITY_EVERY_S = 60.0
_DATABASE_EVERY_S = 300.0
_ERRORS_WITHIN_S = 3600.0
_SIZE = "SELECT pg_database_size(current_database())"
_SHIPPING, _PHASE = "shipping", "phase"


def database_space(address: Address, limit_bytes: int) -> Callable[[], Awaitable[Space]]:
    """Asks a database how large it is.

    Args:
        address: Where it is.
        limit_bytes: The size at which it is full.
    """

    async def ask() -> Space:
        async with connected(address) as connection:
            return Space(await connection.fetchval(_SIZE), limit_bytes)

    return ask


class Looks:
    """Looks at everything, at what is costly less often.

    Args:
        feeds: How the feeds are; None where this home fetches no prices.
        stale_after_s: Age at which a pair's newest candle is stale.
        activity: The journal's.
        machine: This one.
        database: Asks for the database's size; None where nothing but an API is known of it.
    """

    def __init__(
        self,
        feeds: Callable[[], FeedStatus] | None,
        stale_after_s: float,
        activity: JournalActivity,
        machine: Machine,
        database: Callable[[], Awaitable[Space]] | None,
    ) -> None:
        self._feeds = feeds
        self._stale_after_s = stale_after_s
        self._journal = activity
        self._machine = machine
        self._ask_database = database
        self._errors = RecentErrors(_ERRORS_WITHIN_S)
        self._activity: Activity | Unknown | None = None
        self._database: Space | Unknown | None = None
        self._activity_due_s = self._database_due_s = 0.0
        self._caught_up_at_s: float | None = None

    async def facts(self, watched: Sequence[Watched]) -> Facts:
        """Everything as it is now.

        Args:
            watched: The sidecar's services.
        """
        await self._look_again()
        now_s, at_s = asyncio.get_running_loop().time(), time.time()
        details = {each.service.name: dict(each.service.detail()) for each in watched}
        feeds = None if self._feeds is None else self._feeds()
        return Facts(
            uptime_s=max((at_s - each.started_at.timestamp() for each in watched), default=0.0),
            phase=details.get(_PHASE, {}).get("phase"),
            services=tuple(_service(each, at_s) for each in watched),
            feeds=feeds,
            stale_after_s=self._stale_after_s,
            lag=self._lag(details.get(_SHIPPING), watched, now_s),
            activity=self._activity,
            database=self._database,
            disk=self._machine.disk(),
            process=self._machine.process(),
            errors=self._errors.look(_totals(watched, details, feeds), now_s),
        )

    async def _look_again(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._activity_due_s:
            self._activity_due_s = now_s + _ACTIVITY_EVERY_S
            try:
                # It may have to read all of a large file.
                self._activity = await asyncio.to_thread(self._journal.until, round(time.time() * 1000))
            except JournalError as error:
                self._activity = Unknown(str(error))
        if self._ask_database is not None and now_s >= self._database_due_s:
            self._database_due_s = now_s + _DATABASE_EVERY_S
            try:
                self._database = await self._ask_database()
            except StoreError as error:
                self._database = Unknown(str(error))

    def _lag(self, detail: dict[str, Any] | None, watched: Sequence[Watched], now_s: float) -> JournalLag | None:
        if detail is None:
            return None
        waiting = int(detail.get("waiting", 0))
        is_troubled = any(each.service.name == _SHIPPING and each.trouble is not None for each in watched)
        if self._caught_up_at_s is None or not (waiting or is_troubled):
            self._caught_up_at_s = now_s
        return JournalLag(waiting, now_s - self._caught_up_at_s)


def _service(watched: Watched, at_s: float) -> ServiceFacts:
    return ServiceFacts(
        name=watched.service.name,
        state=watched.state,
        trouble=watched.trouble,
        since_s=max(at_s - watched.changed_at.timestamp(), 0.0),
        stopped_in_phase=watched.stopped_in_phase,
        defects=watched.defects,
    )


def _totals(watched: Sequence[Watched], details: dict[str, dict[str, Any]], feeds: FeedStatus | None) -> dict[str, int]:
    """Errors since the sidecar began, by kind."""
    totals = {f"defects of {each.service.name}": each.defects for each in watched}
    totals["dead letters"] = int(details.get(_SHIPPING, {}).get("dead_letters", 0))
    if feeds is not None:
        for source in feeds.sources:
            totals[f"malformed of {source.source}"] = source.malformed
            totals[f"quarantined of {source.source}"] = source.quarantined
        totals["mismatches of built candles"] = sum(pair.mismatches for pair in feeds.pairs)
    return totals
