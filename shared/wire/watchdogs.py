"""What notices that an open connection is of no use: a transport that answers no ping, a source that sends no bars.

Both are needed. A half-open connection looks open for many minutes; a source that has stalled goes on answering pings.
"""

from collections.abc import Iterable
from enum import StrEnum

# Looked at this much too late, it was this process that stood still: its socket has not been read meanwhile.
_LATE_S = 5.0


class Verdict(StrEnum):
    """What to do."""

    FINE = "fine"
    PING = "ping"
    RENEW = "renew"  # the canary alone is silent: subscribe to it anew
    DEAD = "dead"  # hang up


class TransportWatchdog:
    """Pings a transport that says nothing, and gives it up when there is no answer.

    Args:
        every_s: Silence after which it is pinged.
        answer_s: Time for the answer; any message is one.
    """

    def __init__(self, every_s: float = 10.0, answer_s: float = 10.0) -> None:
        self._every_s = every_s
        self._answer_s = answer_s
        self._heard_s: float | None = None
        self._pinged_s: float | None = None

    @property
    def due_s(self) -> float | None:
        """When to look; None while there is nothing to watch."""
        if self._pinged_s is not None:
            return self._pinged_s + self._answer_s
        return None if self._heard_s is None else self._heard_s + self._every_s

    def begin(self, now_s: float) -> None:
        """The transport is open."""
        self._heard_s, self._pinged_s = now_s, None

    def end(self) -> None:
        """It is closed."""
        self._heard_s = self._pinged_s = None

    def heard(self, now_s: float) -> None:
        """It gave a sign of life."""
        if self._heard_s is not None:
            self.begin(now_s)

    def look(self, now_s: float) -> Verdict:
        """PING, DEAD, or FINE before it is due."""
        due_s = self.due_s
        if due_s is None or now_s < due_s:
            return Verdict.FINE
        if self._pinged_s is not None and now_s < due_s + _LATE_S:
            return Verdict.DEAD
        self._pinged_s = now_s
        return Verdict.PING


class SilenceWatchdog:
    """Expects bars of the canary, a symbol that has some in each minute; of any symbol where the canary is not subscribed to.

    Args:
        limit_s: Silence that is too long. Polygon sends a minute's bar a moment after the minute.
        canary: In the source's own quote; None: any symbol will do.
    """

    def __init__(self, limit_s: float, canary: str | None) -> None:
        self._limit_s = limit_s
        self._canary = canary
        self._heard_s: float | None = None
        self._others_heard_s: float | None = None
        self._is_renewed = False

    @property
    def due_s(self) -> float | None:
        """When to look; None while there is nothing to watch."""
        return None if self._heard_s is None else self._heard_s + self._limit_s

    @property
    def canaries(self) -> frozenset[str]:
        """The canary, if any."""
        return frozenset() if self._canary is None else frozenset({self._canary})

    def begin(self, now_s: float) -> None:
        """Subscriptions were sent."""
        self._heard_s = now_s
        self._others_heard_s = None
        self._is_renewed = False

    def end(self) -> None:
        """There are none any more."""
        self._heard_s = None

    def heard(self, symbols: Iterable[str], subscribed: frozenset[str], now_s: float) -> None:
        """Bars of these symbols came."""
        if self._heard_s is None:
            return
        if self._canary is None or self._canary not in subscribed or self._canary in symbols:
            self._heard_s, self._is_renewed = now_s, False
        self._others_heard_s = now_s

    def look(self, now_s: float) -> Verdict:
        """DEAD, RENEW once where others than the canary go on, or FINE before it is due."""
        due_s = self.due_s
        if due_s is None or now_s < due_s:
            return Verdict.FINE
        if now_s >= due_s + _LATE_S:
            self._heard_s = now_s
            return Verdict.FINE
        others_go_on = self._others_heard_s is not None and now_s - self._others_heard_s < self._limit_s
        if not others_go_on or self._is_renewed:
            return Verdict.DEAD
        self._heard_s, self._is_renewed = now_s, True
        return Verdict.RENEW
