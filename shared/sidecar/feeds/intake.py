"""Settled bars and bars in quarantine on their way out: never lost, never waited for by a stream."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.adapters.candle_outbox import CandleOutbox
from shared.domain.bar_checks import Defect
from shared.domain.bar_ledger import Outcome, Settled
from shared.domain.bars import Bar
from shared.domain.feed_records import QuarantinedBar
from shared.domain.stored import StoredCandle
from shared.ports import Store

_FLUSH_EVERY_S = 0.25
# Some ten minutes of a hundred symbols with all that is built from them, or the history of a few.
_MOST_HELD = 200_000
# A source that says nothing true fills no memory: what it said then is in the log's count alone.
_MOST_QUARANTINED = 10_000
_QUARANTINE_BATCH = 500
_QUARANTINE_EVERY_S = 1.0


class Intake:
    """Puts settled bars into the outbox, many at a time.

    While the outbox cannot be written they are held. What comes beyond `_MOST_HELD` is let go; once it can be written again,
    every book begins anew where the outbox then ends, so that it is fetched again.

    Args:
        outbox: Where they go.
        begin_anew: Begins every book anew.
    """

    name = "intake"

    def __init__(self, outbox: CandleOutbox, begin_anew: Callable[[], None]) -> None:
        self._outbox = outbox
        self._begin_anew = begin_anew
        self._held: list[StoredCandle] = []
        self._is_full = False

    def take(self, settled: Sequence[Settled]) -> None:
        """Take what settled. An empty minute is nobody's candle."""
        if not self._is_full:
            self._held += (each.bar.stored() for each in settled if each.outcome is not Outcome.EMPTY)
            self._is_full = len(self._held) > _MOST_HELD

    async def step(self) -> float:
        self.flush()
        if self._is_full:
            self._begin_anew()
            self._is_full = False
        return _FLUSH_EVERY_S

    def flush(self) -> None:
        """Put what is held into the outbox.

        Raises:
            OutboxError: It cannot be written; what is held stays.
        """
        if self._held:
            self._outbox.append(self._held)
            self._held = []

    def detail(self) -> Mapping[str, Any]:
        return {"held": len(self._held)}


class Quarantine:
    """Writes bars that cannot be true to the store, for people to look at."""

    name = "quarantine"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: list[QuarantinedBar] = []

    def take(self, bar: Bar, defect: Defect) -> None:
        """Take a bar with what is wrong with it."""
        if len(self._held) < _MOST_QUARANTINED:
            self._held.append(QuarantinedBar.of(bar, defect, int(time.time() * 1000)))

    async def step(self) -> float:
        batch = self._held[:_QUARANTINE_BATCH]
        if batch:
            await self._store.quarantine(batch)
            del self._held[: len(batch)]
        return _QUARANTINE_EVERY_S

    def detail(self) -> Mapping[str, Any]:
        return {"held": len(self._held)}
