"""One case on a virtual clock: the feeds live quietly, the fault comes and goes, and they are watched until it is mended."""

import asyncio
import logging
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.domain.feed_status import Mode
from shared.domain.stored import ServiceState, Timeframe
from shared.simulator.connection_log import most_in_a_minute
from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Injection
from shared.wire.feed_messages import Subscription
from shared.wire.stream import Link
from tests.faults.cases import Case
from tests.faults.intruder import intrude
from tests.faults.outcome import Outcome, judge
from tests.faults.signs import Signs, defects, first_sign, is_as_before, is_whole, signs
from tests.faults.truth import differences
from tests.feed_world import World, world
from tests.virtual import on_virtual_clock

PAIRS = ("BTC-USDT", "ETH-USDT")
# Four minutes before an hour: the fault is there when a quarter and an hour close.
START_S = 1_736_121_600.0 - 240
HISTORY_MS = 2 * 3_600_000
"""What is compared with the sources reaches back so far before the hour."""
QUIET_S = 140.0
_LOOK_S = 0.5
# Watched so long after it is mended: a canary's minute and what follows from it.
_STAYS_S = 75.0
_GIVEN_UP_S = 1500.0
# These are in force without being used up.
_PEEKED = frozenset({Kind.DOWN, Kind.CLOCK_SKEW, Kind.UNKNOWN_SYMBOL})


def measure(case: Case) -> Outcome:
    """Run one case."""
    began_s = time.perf_counter()
    outcome = Outcome(case.feed, case.name)

    async def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with world(Path(folder), PAIRS, sources=case.sources) as tried:
                await _Trial(case, tried, outcome).run()
                outcome.said = list(tried.said)

    with _quiet_and_repeatable():
        on_virtual_clock(work(), START_S)
    outcome.problems += judge(case, outcome)
    outcome.took_s = time.perf_counter() - began_s
    return outcome


@contextmanager
def _quiet_and_repeatable() -> Iterator[None]:
    """Without the log, for what goes wrong is meant to, and with the same waits each time."""
    disabled, state = logging.root.manager.disable, random.getstate()
    logging.disable(logging.CRITICAL)
    random.seed(1)
    try:
        yield
    finally:
        random.setstate(state)
        logging.disable(disabled)


class _Trial:
    """One case while it runs."""

    def __init__(self, case: Case, tried: World, outcome: Outcome) -> None:
        self._case = case
        self._world = tried
        self._outcome = outcome
        self._before: Signs = {}

    async def run(self) -> None:
        """Live quietly, bear the fault, get over it, and count."""
        tried, outcome = self._world, self._outcome
        ear = tried.listen(*(Subscription(pair, each, 100) for pair in PAIRS for each in Timeframe))
        await tried.until(lambda: is_as_before(tried), QUIET_S)
        await asyncio.sleep(START_S + QUIET_S - time.time())
        assert is_as_before(tried), f"the feeds are not well before any fault; said: {tried.said}"
        self._before = signs(tried)
        injection = tried.server.faults.add(self._case.fault)
        for fault in self._case.beside:
            tried.server.faults.add(fault)
        async with asyncio.TaskGroup() as group:
            if self._case.variant.intruder_s:
                group.create_task(intrude(tried.server.base_url, self._case.variant.intruder_s))
            await self._until_over(injection)
        await self._until_mended(injection)
        hour_ms = int(START_S * 1000) // 3_600_000 * 3_600_000
        outcome.difference = await differences(tried, ear.heard, hour_ms - HISTORY_MS, int(time.time() * 1000))
        outcome.is_hit = injection.used > 0 or injection.fault.kind in _PEEKED
        outcome.defects = defects(tried)
        self._count_connections()

    async def _until_over(self, injection: Injection) -> None:
        """Watch until the fault can hit nothing more."""
        began_s = time.time()
        while not injection.is_spent and time.time() - began_s < _GIVEN_UP_S:
            await self._look(injection)

    async def _until_mended(self, injection: Injection) -> None:
        """Watch until all is as before and has stayed so."""
        outcome, tried = self._outcome, self._world
        ended_s = time.time()
        stays_s = _STAYS_S + (injection.fault.delay_s or 0.0)  # what it holds back still comes
        whole_s = mended_s = None
        while mended_s is None or time.time() - mended_s < stays_s:
            now_s = time.time()
            whole_s = (whole_s or now_s) if is_whole(tried) else None
            mended_s = (mended_s or now_s) if is_as_before(tried) else None
            if mended_s is None and now_s - ended_s > _GIVEN_UP_S:
                break
            await self._look(injection)
        outcome.whole_s = None if whole_s is None else whole_s - ended_s
        outcome.mended_s = None if mended_s is None else mended_s - ended_s

    async def _look(self, injection: Injection) -> None:
        await asyncio.sleep(_LOOK_S)
        outcome = self._outcome
        if outcome.noticed_s is None and (sign := first_sign(self._before, signs(self._world))) is not None:
            hit_s = injection.begins_s if injection.fault.kind in _PEEKED else injection.first_s
            if hit_s is not None:
                outcome.sign, outcome.noticed_s = sign, time.time() - hit_s
        status = self._world.feeds.status()
        where = self._case.fault.where
        outcome.was_refused |= any(one.source == where and one.link is Link.REFUSED for one in status.sources)
        outcome.was_refused |= any(
            watched.state is ServiceState.DEGRADED and watched.service.name.startswith(where)
            for watched in self._world.supervision.watched
        )
        canary = next(pair for pair in status.pairs if pair.pair == PAIRS[0])
        outcome.blocked_s += _LOOK_S * (canary.mode is not Mode.LIVE)
        if outcome.sources[-1:] != [canary.source or "none"]:
            outcome.sources.append(canary.source or "none")

    def _count_connections(self) -> None:
        where = self._case.fault.where
        if where is not Where.COINGECKO:
            log = self._world.server.polygon.log if where is Where.POLYGON else self._world.server.binance.log
            self._outcome.a_minute, self._outcome.at_once = most_in_a_minute(log.asked_s), log.most_at_once
