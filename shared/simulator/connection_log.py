"""How often a source was connected to, and how many connections there were at once: what a vendor's limits are about."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_KEPT = 100_000
_MINUTE_S = 60.0


class ConnectionLog:
    """Connections to one source since the venue began.

    Attributes:
        open_now: Connections open.
        most_at_once: The most there ever were.
        asked_s: When each was asked for, those turned away included, UTC epoch seconds; the newest 100,000.
    """

    def __init__(self) -> None:
        self.open_now = 0
        self.most_at_once = 0
        self.asked_s: deque[float] = deque(maxlen=_KEPT)

    def turned_away(self) -> None:
        """Somebody wanted one and did not get it."""
        self.asked_s.append(time.time())

    @contextmanager
    def connection(self) -> Iterator[None]:
        """One connection, as long as it is open."""
        self.asked_s.append(time.time())
        self.open_now += 1
        self.most_at_once = max(self.most_at_once, self.open_now)
        try:
            yield
        finally:
            self.open_now -= 1

    def report(self) -> dict[str, Any]:
        """All of it, as JSON's types."""
        return {
            "open_now": self.open_now,
            "most_at_once": self.most_at_once,
            "asked": len(self.asked_s),
            "most_in_a_minute": most_in_a_minute(self.asked_s),
        }


def most_in_a_minute(moments_s: Iterable[float]) -> int:
    """The most of these moments, ascending, that lie within 60 s."""
    most, window = 0, deque[float]()
    for moment_s in moments_s:
        window.append(moment_s)
        while window[0] <= moment_s - _MINUTE_S:
            window.popleft()
        most = max(most, len(window))
    return most
