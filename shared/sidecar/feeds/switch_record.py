"""Writes changes of source to the store. A service of its own: which source is in use never waits for the store."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from shared.domain.feed_records import FeedSwitch
from shared.ports import Store

_WRITE_EVERY_S = 1.0
# Beyond so many the oldest is let go: the log has it.
_MOST_HELD = 1000


class SwitchRecord:
    """Holds changes of source until the store has them."""

    name = "switches"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: deque[FeedSwitch] = deque(maxlen=_MOST_HELD)

    def take(self, switch: FeedSwitch) -> None:
        """Take a change of source."""
        self._held.append(switch)

    async def step(self) -> float:
        while self._held:
            oldest = self._held[0]
            await self._store.record_switch(oldest)
            if self._held[0] is oldest:
                self._held.popleft()
        return _WRITE_EVERY_S

    def detail(self) -> Mapping[str, Any]:
        return {"held": len(self._held)}
