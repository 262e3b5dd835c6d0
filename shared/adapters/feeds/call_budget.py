"""How many calls a source is sent in a minute: never more than it allows, whoever asks for them."""

import asyncio
from collections import deque

# Longer than the minute sources count by: a call may reach them later than the next one does.
_WINDOW_S = 61.0


class CallBudget:
    """Calls of the last minute, by weight. Whoever finds none left waits in line.

    Args:
        per_minute: Weight to send within a minute, >= 1.
        ceiling: Weight the source allows this machine's address, all its programs together; None where it counts by key.
    """

    def __init__(self, per_minute: int, ceiling: int | None = None) -> None:
        if per_minute < 1 or (ceiling is not None and ceiling < per_minute):
            raise ValueError(f"per_minute = {per_minute}: must be at least 1 and at most the ceiling, {ceiling}")
        self._own = _Window(per_minute)
        self._address = None if ceiling is None else _Window(ceiling)
        self._line = asyncio.Lock()

    async def take(self, weight: int = 1) -> None:
        """Wait until a call of this weight may be sent, and count it.

        Raises:
            ValueError: It is more than a whole minute's.
        """
        if weight > self._own.limit:
            raise ValueError(f"weight = {weight}: must be at most {self._own.limit}, the budget of a minute")
        loop = asyncio.get_running_loop()
        async with self._line:
            while (wait_s := self._wait_s(weight, loop.time())) > 0:
                await asyncio.sleep(wait_s)
            for window in self._windows():
                window.add(weight, loop.time())

    def observe(self, used: int) -> None:
        """What the source says this address has used in its current minute: the rest is other programs'."""
        if self._address is None:
            return
        now_s = asyncio.get_running_loop().time()
        others = used - self._address.used(now_s)
        if others > 0:
            self._address.add(others, now_s)

    def _wait_s(self, weight: int, now_s: float) -> float:
        return max(window.wait_s(weight, now_s) for window in self._windows())

    def _windows(self) -> list["_Window"]:
        return [self._own] if self._address is None else [self._own, self._address]


class _Window:
    """What was sent within the last _WINDOW_S."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._sent: deque[tuple[float, int]] = deque()  # at, weight
        self._used = 0

    def used(self, now_s: float) -> int:
        while self._sent and self._sent[0][0] + _WINDOW_S <= now_s:
            self._used -= self._sent.popleft()[1]
        return self._used

    def wait_s(self, weight: int, now_s: float) -> float:
        """Until the oldest is forgotten; 0 where there is room."""
        if self.used(now_s) + weight <= self.limit:
            return 0.0
        return self._sent[0][0] + _WINDOW_S - now_s

    def add(self, weight: int, now_s: float) -> None:
        self._sent.append((now_s, weight))
        self._used += weight
