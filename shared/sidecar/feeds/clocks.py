"""Each source's clock, measured again and again: bars are judged by it."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from shared.domain.clock_skew import ClockSample, ClockSkew
from shared.ports import BarHistory

_MEASURE_EVERY_S = 60.0
_LOOK_EVERY_S = 1.0


def here_ms() -> float:
    """This machine's clock, UTC epoch milliseconds."""
    return time.time() * 1000


class SourceClock:
    """One source's clock as a service.

    Args:
        history: Who is asked for the time.
        skew: What is learnt; others read it.
        is_needed: Whether anything is judged by it now: a source that nothing is wanted of is left in peace.
    """

    def __init__(self, history: BarHistory, skew: ClockSkew, is_needed: Callable[[], bool]) -> None:
        self.name = f"{history.source}_clock"
        self._history = history
        self._skew = skew
        self._is_needed = is_needed

    async def step(self) -> float:
        if not self._is_needed():
            return _LOOK_EVERY_S
        sent_ms = here_ms()
        began_s = asyncio.get_running_loop().time()
        server_ms = await self._history.server_time_ms()
        # A call may have waited for its turn: what was measured then tells nothing.
        if asyncio.get_running_loop().time() - began_s < 1.0:
            self._skew.add(ClockSample(sent_ms, server_ms, here_ms(), _resolution_ms(server_ms)))
        return _MEASURE_EVERY_S

    def detail(self) -> Mapping[str, Any]:
        offset_ms = self._skew.offset_ms
        return {} if offset_ms is None else {"skew_ms": round(offset_ms, 1)}


def _resolution_ms(server_ms: int) -> int:
    """Polygon tells whole seconds. Of a finer clock one sample in a thousand looks like that, and allows a little more."""
    return 1000 if server_ms % 1000 == 0 else 1
