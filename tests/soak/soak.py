"""The run on a clock that jumps, and the look at what it left in the store."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil

from shared.adapters.postgres.address import Address
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.wanted import RECORDED_BARS
from shared.simulator.bar_book import BarBook
from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, real_time, virtual_time
from tests.soak.random_faults import HOUR_S
from tests.soak.report import Soak
from tests.soak.running import START_S, Plan, Running, running
from tests.soak.truth import compare

# For what is built of the last minutes, and for the quarter's comparison with the source's own.
_LAST_S = 120.0
_MB = 1024 * 1024


def soak(plan: Plan, folder: Path, address: Address, told: Callable[[str], None]) -> Soak:
    """Run it and look at what is in the store.

    Args:
        folder: For the outbox.
        address: An empty database; its migrations have run.
        told: Takes a line for each hour.
    """
    began_s = real_time()
    clock = VirtualClock(START_S, None)

    async def run() -> tuple[Soak, BarBook]:
        async with running(plan, folder, address) as parts:
            return await _hours(plan, parts, told), parts.server.polygon.bars

    with virtual_time(clock):
        soaked, bars = asyncio.run(run(), loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))
    found = asyncio.run(compare(address, bars, _beginnings_ms(), _ms(plan.end_s), _ms(clock.time())))
    return replace(soaked, found=found, real_s=real_time() - began_s)


async def _hours(plan: Plan, parts: Running, told: Callable[[str], None]) -> Soak:
    began_s = real_time()
    rss_mb: list[float] = []
    for hour in range(1, plan.hours):
        await _sleep_until(START_S + hour * HOUR_S)
        rss_mb.append(_rss_mb())
        told(_progress(plan, hour, parts, rss_mb[-1], real_time() - began_s))
    await _sleep_until(plan.calm_s)
    parts.server.faults.lift_all()
    whole_after_s = await parts.all_stored()
    await _sleep_until(plan.end_s + _LAST_S)
    rss_mb.append(_rss_mb())
    if await parts.all_stored() is None:
        whole_after_s = None
    return _observed(plan, parts, rss_mb, whole_after_s)


def _observed(plan: Plan, parts: Running, rss_mb: list[float], whole_after_s: float | None) -> Soak:
    line = parts.feeds.lines["polygon"]
    faults, hits = Counter[str](), Counter[str]()
    for injection in parts.server.faults.listed():
        faults[injection.fault.kind] += 1
        hits[injection.fault.kind] += injection.used
    return Soak(
        hours=plan.hours,
        symbols=plan.symbols,
        seed=plan.seed,
        faults=dict(faults),
        hits=dict(hits),
        connections=parts.server.polygon.log.report(),
        rss_mb=rss_mb,
        whole_after_s=whole_after_s,
        put=parts.store.put,
        quarantined=line.book.quarantined_bars.total(),
        malformed=line.book.malformed,
        mismatches=sum(line.own_bars.mismatches.values()),
        switches=parts.feeds.selection.switches,
        defects=sum(watched.defects for watched in parts.supervision.watched),
    )


def _beginnings_ms() -> dict[Timeframe, int]:
    """OPEN of the first bar of each timeframe that the feeds want: so many back, from a whole hour on."""
    back_s = {timeframe: RECORDED_BARS * timeframe.seconds for timeframe in Timeframe}
    return {timeframe: _ms((START_S - seconds) // HOUR_S * HOUR_S) for timeframe, seconds in back_s.items()}


def _progress(plan: Plan, hour: int, parts: Running, rss_mb: float, real_s: float) -> str:
    connections = len(parts.server.polygon.log.asked_s)
    return (
        f"hour {hour} of {plan.hours}: {parts.store.put:,} candles sent, {parts.missing_minutes:,} minutes missing, "
        f"{connections} connections, {rss_mb:.0f} MB, {real_s:.0f} s"
    )


def _rss_mb() -> float:
    return psutil.Process().memory_info().rss / _MB


def _ms(moment_s: float) -> int:
    return int(moment_s * 1000)


async def _sleep_until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - time.time()))
