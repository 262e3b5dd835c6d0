"""One case on a virtual clock: the feeds live for some minutes, the fault comes and goes, and they are watched until it is mended."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.simulator.connection_log import most_in_a_minute
from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Injection
from shared.wire.feed_messages import Subscription
from shared.wire.stream import Link
from tests.faults.cases import Case
from tests.faults.intruder import intrude
from tests.faults.signs import defects, first_sign, is_as_before, is_whole, signs
from tests.faults.truth import Difference, differences
from tests.feed_world import World, world
from tests.virtual import in_virtual_time

PAIRS = ("BTC-USDT", "ETH-USDT")
# Four minutes before an hour: the fault is there when a quarter and an hour close.
START_S = 1_736_121_600.0 - 240
_QUIET_S = 140.0
_LOOK_S = 0.5
# Watched so long after it is mended: a canary's minute and what follows from it.
_STAYS_S = 75.0
_MENDED_WITHIN_S = 900.0
_REFUSAL_MENDED_WITHIN_S = 2400.0
_NEVER_HIT_S = 900.0
# These are in force without being taken.
_PEEKED = frozenset({Kind.DOWN, Kind.CLOCK_SKEW, Kind.UNKNOWN_SYMBOL})

MOST_A_MINUTE = {Where.POLYGON: 12, Where.BINANCE: 60}
"""Connections. Binance allows an address 300 in five minutes; Polygon says nothing, and closes what it finds too much."""


@dataclass
class Outcome:
    """What came of a case. Times are virtual seconds.

    Attributes:
        feed, name: The case.
        sign: What was seen of it first; empty: nothing.
        noticed_s: From the first thing it hit.
        whole_s: From its end until no bar was missing and bots might decide again, from whichever source.
        mended_s: From its end until everything was as before, the preferred source in use.
        blocked_s: Time in which a bot's canary pair allowed no new entry.
        sources: Where candles came from, in order.
        difference: Of store and bot from the sources.
        a_minute, at_once: Connections to the source concerned; None: it has none.
        took_s: Real seconds.
        problems: Why it failed; empty: it passed.
    """

    feed: str
    name: str
    sign: str = ""
    noticed_s: float | None = None
    whole_s: float | None = None
    mended_s: float | None = None
    blocked_s: float = 0.0
    sources: list[str] = field(default_factory=list)
    difference: Difference = Difference()
    a_minute: int | None = None
    at_once: int | None = None
    took_s: float = 0.0
    problems: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def measure(case: Case) -> Outcome:
    """Run one case."""
    logging.disable(logging.CRITICAL)  # what goes wrong is meant to
    began_s = time.perf_counter()
    outcome = Outcome(case.feed, case.name)

    async def work() -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with world(Path(folder), PAIRS) as feeds_beside_venue:
                try:
                    await _Trial(case, feeds_beside_venue, outcome).run()
                finally:
                    outcome.said = list(feeds_beside_venue.said)

    in_virtual_time(work, START_S)
    outcome.took_s = time.perf_counter() - began_s
    return outcome


class _Trial:
    """One case while it runs."""

    def __init__(self, case: Case, tried: World, outcome: Outcome) -> None:
        self._case = case
        self._world = tried
        self._outcome = outcome
        self._links: set[Link] = set()
        self._before: Mapping[tuple[str, str], Hashable] = {}

    async def run(self) -> None:
        outcome = self._outcome
        ear = self._world.listen(*(Subscription(pair, each, 100) for pair in PAIRS for each in Timeframe))
        await self._world.until(lambda: is_as_before(self._world), _QUIET_S)
        await asyncio.sleep(START_S + _QUIET_S - time.time())
        assert is_as_before(self._world), "the feeds were not whole and live before the fault"
        self._before = signs(self._world)
        injection = self._world.server.faults.add(self._case.fault)
        for helper in self._case.helpers:
            self._world.server.faults.add(helper)
        if self._case.variant.intruder_s:
            async with asyncio.TaskGroup() as group:
                group.create_task(intrude(self._world.server.base_url, self._case.variant.intruder_s))
                ended_s = await self._until_over(injection)
        else:
            ended_s = await self._until_over(injection)
        await self._until_mended(injection, ended_s)
        now_ms = int(time.time() * 1000)
        outcome.difference = await differences(self._world, ear.heard, int(START_S * 1000) - 7_200_000, now_ms)
        self._count_connections()
        self._judge(injection)

    async def _until_over(self, injection: Injection) -> float:
        """Watch until the fault is over; when that was, UTC epoch seconds."""
        began_s = time.time()
        ends_s = injection.ends_s or (began_s + self._case.variant.intruder_s)
        while (
            not (
                injection.is_spent if injection.ends_s else injection.is_spent or injection.fault.kind is Kind.EVICTION
            )
            or time.time() < ends_s
        ):
            if time.time() - began_s > _NEVER_HIT_S:
                injection.lift()
                break
            await self._look(injection)
        return time.time()

    async def _until_mended(self, injection: Injection, ended_s: float) -> None:
        """Watch until all is as before and has stayed so."""
        outcome = self._outcome
        limit_s = _REFUSAL_MENDED_WITHIN_S if self._case.variant.is_refusal else _MENDED_WITHIN_S
        whole_s: float | None = None
        mended_s: float | None = None
        while mended_s is None or time.time() - mended_s < _STAYS_S:
            now_s = time.time()
            whole_s = (whole_s or now_s) if is_whole(self._world) else None
            mended_s = (mended_s or now_s) if is_as_before(self._world) else None
            if now_s - ended_s > limit_s and mended_s is None:
                outcome.problems.append(f"not as before {limit_s:g} s after its end")
                break
            await self._look(injection)
        outcome.whole_s = None if whole_s is None else whole_s - ended_s
        outcome.mended_s = None if mended_s is None else mended_s - ended_s

    async def _look(self, injection: Injection) -> None:
        outcome = self._outcome
        await asyncio.sleep(_LOOK_S)
        now = signs(self._world)
        if outcome.noticed_s is None and (sign := first_sign(self._before, now)):
            first_s = injection.begins_s if injection.fault.kind in _PEEKED else injection.first_s
            if first_s is not None:
                outcome.sign, outcome.noticed_s = sign, time.time() - first_s
        status = self._world.feeds.status()
        self._links |= {each.link for each in status.sources if each.source == self._case.fault.where}
        canary = next(each for each in status.pairs if each.pair == PAIRS[0])
        outcome.blocked_s += _LOOK_S * (canary.mode is not Mode.LIVE)
        in_use = canary.source or "none"
        if outcome.sources[-1:] != [in_use]:
            outcome.sources.append(in_use)

    def _count_connections(self) -> None:
        server, where = self._world.server, self._case.fault.where
        if where is not Where.COINGECKO:
            log = server.polygon.log if where is Where.POLYGON else server.binance.log
            self._outcome.a_minute, self._outcome.at_once = most_in_a_minute(log.asked_s), log.most_at_once

    def _judge(self, injection: Injection) -> None:
        outcome, case = self._outcome, self._case
        problems = outcome.problems
        if not injection.used and injection.fault.kind not in _PEEKED:
            problems.append("it hit nothing")
        if outcome.noticed_s is None and not case.variant.is_silent:
            problems.append("it was not noticed")
        if (
            case.variant.is_refusal
            and case.fault.part is not None
            and case.fault.part == "stream"
            and Link.REFUSED not in self._links
        ):
            problems.append("the link did not stand refused")
        difference = outcome.difference
        if difference.missing or difference.wrong or difference.again:
            problems.append(difference.example)
        if outcome.a_minute is not None and outcome.a_minute > MOST_A_MINUTE[case.fault.where]:
            problems.append("too many connections in a minute")
        if outcome.at_once is not None and outcome.at_once > 1 + case.variant.others_at_once:
            problems.append("more than one connection at once")
        problems += defects(self._world)
