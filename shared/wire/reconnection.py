"""When a connection may be opened again: ever later while it comes to nothing, and never more often than a budget allows.

That a socket opened, or that a key was accepted, proves nothing: a source that has no connection left for the account accepts
both and closes a moment later. Only a connection that lived for a while and brought data makes the next wait short again.
"""

import random

from shared.wire.budget import Budget

# Beyond this many doublings every wait is the longest one anyway.
_MOST_DOUBLINGS = 16


class Reconnection:
    """The waits between the connections of one stream.

    Args:
        rng: Spreads the waits, so that many sidecars do not come back at one moment.
        first_s: Longest wait after a connection that was worth it.
        last_s: Longest wait of all.
        connections: How many may be opened within a minute.
        proof_s: Life of a connection, data included, that makes the waits short again.
    """

    def __init__(
        self,
        rng: random.Random,
        *,
        first_s: float = 1.0,
        last_s: float = 60.0,
        connections: int = 6,
        proof_s: float = 10.0,
    ) -> None:
        self._rng = rng
        self._first_s = first_s
        self._last_s = last_s
        self._proof_s = proof_s
        self._budget = Budget(connections, 60.0)
        self._failures = 0
        self._opened_s: float | None = None
        self._is_fed = False

    @property
    def failures(self) -> int:
        """Connections in a row that came to nothing."""
        return self._failures

    def earliest_s(self) -> float:
        """When the budget allows the next connection; in the past where at once."""
        return self._budget.free_s()

    def spread(self, wait_s: float) -> float:
        """A wait that must not be shortened, made a little longer, different each time."""
        return wait_s * self._rng.uniform(1.0, 1.25)

    def connecting(self, now_s: float) -> None:
        """A connection is being opened."""
        self._budget.spend(now_s)
        self._opened_s = None
        self._is_fed = False

    def opened(self, now_s: float) -> None:
        """It is open."""
        self._opened_s = now_s

    def fed(self) -> None:
        """It brought data."""
        self._is_fed = True

    def lost(self, now_s: float) -> float:
        """It is over, and not by our will; when to open the next one."""
        return self._after(now_s, self._judge(now_s))

    def left(self, now_s: float) -> float:
        """We end it to open a better one; when to: at once, unless it came to nothing."""
        is_proven = self._judge(now_s)
        return max(now_s, self.earliest_s()) if is_proven else self._after(now_s, is_proven)

    def _judge(self, now_s: float) -> bool:
        """Count it as proof or as a failure."""
        is_proven = self._is_fed and self._opened_s is not None and now_s - self._opened_s >= self._proof_s
        self._failures = 0 if is_proven else self._failures + 1
        self._opened_s, self._is_fed = None, False
        return is_proven

    def _after(self, now_s: float, is_proven: bool) -> float:
        doublings = 0 if is_proven else min(self._failures, _MOST_DOUBLINGS)
        longest_s = min(self._last_s, self._first_s * 2.0**doublings)
        return max(now_s + longest_s * self._rng.uniform(0.5, 1.0), self.earliest_s())
