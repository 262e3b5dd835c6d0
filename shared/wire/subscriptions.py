"""What a connection is subscribed to, what it should be, and the requests that lie between the two.

Requests are worked out when they may be sent, not when they become necessary. So a symbol that was dropped and asked for again
costs nothing, and what waits is never more than the symbols wanted.
"""

from collections.abc import Iterator

from shared.wire.budget import Budget
from shared.wire.dialect import Dialect


class Subscriptions:
    """Those of one connection after the other.

    Args:
        dialect: Words the requests.
        budget: How often a request may be sent.
    """

    def __init__(self, dialect: Dialect, budget: Budget) -> None:
        self._dialect = dialect
        self._budget = budget
        self._wanted: frozenset[str] = frozenset()
        self._asked: set[str] = set()
        self._renewed: set[str] = set()
        self._is_open = False

    @property
    def wanted(self) -> frozenset[str]:
        """Symbols to be subscribed to."""
        return self._wanted

    def want(self, symbols: frozenset[str]) -> None:
        """Be subscribed to these and to no others."""
        self._wanted = symbols

    def renew(self, symbols: frozenset[str]) -> None:
        """End the subscriptions to these symbols and ask for them again."""
        self._renewed |= symbols & self._asked

    def begin(self) -> None:
        """A connection takes requests; whatever another one was subscribed to, this one is subscribed to nothing."""
        self._asked.clear()
        self._renewed.clear()
        self._is_open = True

    def end(self) -> None:
        """It takes none any more."""
        self._is_open = False

    @property
    def due_s(self) -> float | None:
        """When the next request may be sent; None where there is none."""
        if not self._is_open or (self._asked == self._wanted and not self._renewed):
            return None
        return self._budget.free_s()

    def requests(self, now_s: float) -> Iterator[str]:
        """Those that may be sent now. Each counts as sent."""
        while (due_s := self.due_s) is not None and due_s <= now_s:
            self._budget.spend(now_s)
            yield self._next()

    def _next(self) -> str:
        most = self._dialect.symbols_a_request
        if unwanted := sorted((self._asked - self._wanted) | self._renewed)[:most]:
            self._asked.difference_update(unwanted)
            self._renewed.difference_update(unwanted)
            return self._dialect.unsubscribe(unwanted)
        missing = sorted(self._wanted - self._asked)[:most]
        self._asked.update(missing)
        return self._dialect.subscribe(missing)
