"""Decides, minute by minute, which source the pairs come from."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from shared.domain.feed_records import FeedSwitch
from shared.domain.feed_symbols import symbol_at
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.source_book import SourceBook
from shared.wire.failover import Decision, Failover, Standing

_MINUTE_MS = Timeframe.MINUTE.seconds * 1000
# Time the canary's minute may take to come: Polygon sends a minute about two seconds after it is over.
CANARY_GRACE_MS = 10_000
_LOOK_EVERY_S = 1.0
# While none is in use, pairs that could be served wait so long for one whose hole stays: then it is that pair's trouble alone.
_PATIENCE_S = 60.0


class Selection:
    """The sources, best first, and the one in use.

    Args:
        home: For the record of switches.
        books: By source, the preferred one first; at least one.
        canary: The pair that is watched.
        dead: Sources that said themselves that nothing will come, with the reason.
        shed: Symbols of a source whose minutes are not asked for now, because limits bite.
        record: Takes each change of source.
        switched: Called after the source in use has changed.
        said: Takes a line for people.

    Attributes:
        switches: Changes of source so far, the first choice not counted.
    """

    name = "selection"

    def __init__(
        self,
        home: str,
        books: Mapping[str, SourceBook],
        canary: str,
        dead: Callable[[], Mapping[str, str]],
        shed: Callable[[str], frozenset[str]],
        record: Callable[[FeedSwitch], None],
        switched: Callable[[], None],
        said: Callable[[str], None],
    ) -> None:
        self.switches = 0
        self._home = home
        self._books = books
        self._canary = {source: symbol_at(source, canary) for source in books}
        self._dead = dead
        self._told_dead: set[str] = set()
        self._shed = shed
        self._record = record
        self._switched = switched
        self._said = said
        self._failover = Failover(tuple(books))
        self._judged_ms: int | None = None
        self._none_since_s: float | None = None
        self._before: str | None = None

    @property
    def in_use(self) -> str | None:
        """The source all pairs come from that it has."""
        return self._failover.in_use

    def is_fit(self, source: str) -> bool:
        """Its canary is on time."""
        return self._failover.standing(source) in (Standing.ON_TIME, Standing.PROVEN)

    def source_of(self, pair: str) -> str | None:
        """Where a pair comes from: the source in use, or the next that is fit where that one does not have the pair."""
        in_use = self.in_use
        if in_use is None or not self._lacks(in_use, pair):
            return in_use
        others = (source for source in self._books if source != in_use and self.is_fit(source))
        return next((source for source in others if not self._lacks(source, pair)), None)

    def _lacks(self, source: str, pair: str) -> bool:
        return self._books[source].lacks(symbol_at(source, pair))

    async def step(self) -> float:
        if any(book.symbols for book in self._books.values()):
            self._judge()
        return _LOOK_EVERY_S

    def _judge(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self.in_use is not None or self._none_since_s is None:
            self._none_since_s = now_s
        dead = self._dead()
        for source in dead.keys() - self._told_dead:
            self._act(self._failover.failed(source, dead[source], now_s))
        self._told_dead = set(dead)
        open_ms = (int(time.time() * 1000) - CANARY_GRACE_MS) // _MINUTE_MS * _MINUTE_MS - _MINUTE_MS
        if self._judged_ms is None:
            self._judged_ms = open_ms  # of the minute they began in they heard a part
        elif open_ms > self._judged_ms:
            self._judged_ms = open_ms
            on_time = {source: self._heard_ms(source) >= open_ms for source in self._books}
            self._act(self._failover.minute_over(open_ms, on_time, now_s))
        for source in self._failover.due.prepare:
            book = self._books[source]
            is_late = self.in_use is None and now_s - self._none_since_s >= _PATIENCE_S
            if book.is_whole_of(self._canary[source]) if is_late else book.is_whole_but_for(self._shed(source)):
                self._act(self._failover.backfilled(source, now_s))

    def _heard_ms(self, source: str) -> int:
        return self._books[source].heard_ms.get(self._canary[source], 0)

    def _act(self, decision: Decision) -> None:
        if not decision.switched:
            return
        before, self._before = self._before, decision.in_use
        at = datetime.fromtimestamp(time.time(), UTC)
        self._record(FeedSwitch(self._home, at, before, decision.in_use, decision.reason))
        self.switches += before is not None
        self._said(f"candles now come from {decision.in_use or 'no source'}: {decision.reason}")
        self._switched()

    def detail(self) -> Mapping[str, Any]:
        return {"in_use": self.in_use, "switches": self.switches}
