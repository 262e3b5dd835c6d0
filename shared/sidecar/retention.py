"""Keeps storage small: partitions made ahead, moved to the archive, exported and dropped, as their age says.

Each action is a transaction of its own, and what is left to do is read from the catalog. So a run may end anywhere, by a crash
too, and the next one goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Connection

from shared.adapters.postgres.connection import connected
from shared.adapters.postgres.partitions import read_partitions
from shared.adapters.postgres.retention_runs import Run, RunKind, exclusive, recorded
from shared.domain.emergency import emergency_plan
from shared.domain.retention import Action, Partition, RetentionPolicy, aggregate_cutoff, plan
from shared.domain.windows import Window
from shared.sidecar.retention_work import Outcome, Retention, Told, Work, archive_held, not_told


@dataclass(frozen=True)
class Plan:
    """What a run would do now, with the partitions it rests on."""

    actions: tuple[Action, ...]
    partitions: tuple[Partition, ...]


async def plan_now(retention: Retention, now: datetime) -> Plan:
    """What `enforce` would do. Nothing is changed.

    Raises:
        StoreError: The database cannot be asked.
    """
    async with connected(retention.address) as connection:
        found = tuple(await read_partitions(connection))
        return Plan(plan(found, retention.policies, now, retention.ahead), found)


async def plan_emergency(retention: Retention, keep: Window, now: datetime) -> Plan:
    """What `emergency` would do. Nothing is changed.

    Raises:
        StoreError: The database cannot be asked.
    """
    async with connected(retention.address) as connection:
        found = tuple(await read_partitions(connection))
        return Plan(emergency_plan(found, keep, now), found)


async def enforce(
    retention: Retention, now: datetime, told: Told = not_told, stopping: asyncio.Event | None = None
) -> Outcome:
    """Bring every partition where its age says it belongs, and end the oldest daily aggregates.

    Args:
        retention: What it rests on.
        now: UTC.
        told: Called at each stage of each action.
        stopping: Once set, no further action begins.

    Raises:
        RunInProgress: Another run is at work.
        StoreError: The run cannot go on. What was done stays done.
    """
    async with exclusive(retention.address) as connection:
        actions = plan(await read_partitions(connection), retention.policies, now, retention.ahead)
        async with _at_work(retention, connection, RunKind.ENFORCE) as run:
            work = Work(retention, run, export=True, told=told)
            await work.carry_out(actions, stopping)
            await _end_aggregates(run, retention.policies, now)
    return work.outcome()


async def emergency(
    retention: Retention,
    keep: Window,
    now: datetime,
    *,
    export: bool = True,
    told: Told = not_told,
    stopping: asyncio.Event | None = None,
) -> Outcome:
    """Drop what is missed least and older than `keep`: scans, then features, then one-minute candles, each oldest first.

    Args:
        retention: What it rests on; its policies are not asked.
        keep: What stays in any case.
        now: UTC.
        export: Write files first. Without, rows that are in no file yet are gone.
        told: Called at each stage of each action.
        stopping: Once set, no further action begins.

    Raises:
        RunInProgress: Another run is at work.
        StoreError: The run cannot go on. What was done stays done.
    """
    async with exclusive(retention.address) as connection:
        actions = emergency_plan(await read_partitions(connection), keep, now)
        async with _at_work(retention, connection, RunKind.EMERGENCY) as run:
            work = Work(retention, run, export=export, told=told)
            await work.carry_out(actions, stopping)
    return work.outcome()


@asynccontextmanager
async def _at_work(retention: Retention, connection: Connection, kind: RunKind) -> AsyncIterator[Run]:
    with archive_held(retention.archive):
        async with recorded(connection, retention.address, kind) as run:
            yield run


async def _end_aggregates(run: Run, policies: Sequence[RetentionPolicy], now: datetime) -> None:
    for policy in policies:
        cutoff = aggregate_cutoff(policy, now)
        if cutoff is not None:
            async with run.connection.transaction():
                status = await run.connection.execute("DELETE FROM scan_daily WHERE day < $1", cutoff.date())
                await run.add(aggregates_deleted=int(status.split()[-1]))
