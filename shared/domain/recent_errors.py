"""Errors of the last while, from counters that only ever grow."""

from collections import deque
from collections.abc import Mapping

# Looks are kept this far apart, so that many of them take no more room.
_APART = 60


class RecentErrors:
    """How much each counter grew within a span. What it stood at when the first look was taken counts as recent.

    Args:
        span_s: The span.
    """

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._looks: deque[tuple[float, Mapping[str, int]]] = deque()

    def look(self, totals: Mapping[str, int], now_s: float) -> dict[str, int]:
        """What each counter grew by within the span, those that did not left out.

        Args:
            totals: Counters by kind.
            now_s: By a monotonic clock.
        """
        if not self._looks:
            self._looks.append((now_s, {}))
        # The newest look that is a span old, or the first of all, is what others are compared with.
        while len(self._looks) > 1 and self._looks[1][0] <= now_s - self._span_s:
            self._looks.popleft()
        before = self._looks[0][1]
        if now_s - self._looks[-1][0] >= self._span_s / _APART:
            self._looks.append((now_s, dict(totals)))
        grown = {kind: total - before.get(kind, 0) for kind, total in totals.items()}
        return {kind: count for kind, count in grown.items() if count > 0}
