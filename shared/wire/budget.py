"""How often something may be done: so many times within any stretch of time of a given length."""

from collections import deque
from math import inf


class Budget:
    """At most `limit` times within `window_s` seconds."""

    def __init__(self, limit: int, window_s: float) -> None:
        if limit < 1 or window_s <= 0:
            raise ValueError(f"a budget of {limit} in {window_s} s: at least 1 in more than 0 s")
        self._window_s = window_s
        self._spent_s: deque[float] = deque(maxlen=limit)

    def free_s(self) -> float:
        """When it may be done next; in the past where at once."""
        if len(self._spent_s) < (self._spent_s.maxlen or 0):
            return -inf
        return self._spent_s[0] + self._window_s

    def spend(self, now_s: float) -> None:
        """It is done now."""
        self._spent_s.append(now_s)
