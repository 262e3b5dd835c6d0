"""Asks a source's history for what its stream left out, until nothing is missing."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.bars import Bar, Span
from shared.domain.stored import Timeframe
from shared.ports import BarHistory, FeedClosed, FeedError, FeedUnavailable, UnknownSymbol
from shared.sidecar.feeds.source_book import SourceBook

_LOOK_EVERY_S = 1.0
# Answers on their way at once: enough to hide the round trip, too few to be a burst.
_AT_ONCE = 4
# So that a long outage comes back piece by piece, and a failure in between costs one piece.
_BARS_AT_ONCE = 5000
# An answer that left the stretch missing, e.g. with a bar that cannot be true: asked again, but not at once.
_ASK_AGAIN_S = 30.0
# An answer that took so long waited for the budget of calls.
_LONG_S = 20.0


@dataclass(frozen=True)
class _Request:
    symbol: str
    timeframe: Timeframe
    span: Span


class Backfill:
    """One source's history, asked for what is missing.

    Args:
        book: What is missing, and where the answers go.
        history: The source.
        ranked: Symbols, the most important first.
        left_out: Symbols whose minutes are not asked for now, because limits bite.
        fetched: Takes a symbol's minutes that came from history.
        limited: Called each time a limit was hit.
    """

    def __init__(
        self,
        book: SourceBook,
        history: BarHistory,
        ranked: Callable[[], Sequence[str]],
        left_out: Callable[[], frozenset[str]],
        fetched: Callable[[str, Sequence[Bar]], None],
        limited: Callable[[], None],
    ) -> None:
        self.name = f"{book.source}_history"
        self._book = book
        self._history = history
        self._ranked = ranked
        self._left_out = left_out
        self._fetched = fetched
        self._limited = limited
        self._asked_s: dict[_Request, float] = {}
        self._answers = 0

    async def step(self) -> float:
        requests = deque(self._due())
        troubles: list[FeedError] = []
        if requests:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(_AT_ONCE, len(requests))):
                    group.create_task(self._ask_all(requests, troubles))
        # Several requests may run into one limit.
        limit = next(filter(_is_limit, troubles), None)
        if limit is not None:
            self._limited()
        if troubles:
            raise limit or troubles[0]
        return _LOOK_EVERY_S

    def _due(self) -> list[_Request]:
        now_s = asyncio.get_running_loop().time()
        self._asked_s = {each: at_s for each, at_s in self._asked_s.items() if now_s - at_s < _ASK_AGAIN_S}
        missing = list(self._book.missing())
        if not missing:
            return []
        rank = {symbol: place for place, symbol in enumerate(self._ranked())}
        left_out = self._left_out()
        due = [
            _Request(symbol, timeframe, _beginning_of(span, timeframe))
            for symbol, timeframe, span in missing
            if not (timeframe is Timeframe.MINUTE and symbol in left_out)
        ]
        return sorted(
            (each for each in due if each not in self._asked_s), key=lambda each: rank.get(each.symbol, len(rank))
        )

    async def _ask_all(self, requests: deque[_Request], troubles: list[FeedError]) -> None:
        """Ask until nothing is left. Trouble that concerns one request alone is no other's; what concerns all ends it."""
        while requests:
            request = requests.popleft()
            try:
                await self._ask(request)
            except UnknownSymbol as error:
                self._book.refuse(request.symbol, str(error))
            except FeedError as error:
                troubles.append(error)
                if _is_limit(error) or isinstance(error, FeedClosed):
                    requests.clear()  # the others would only be told the same

    async def _ask(self, request: _Request) -> None:
        asked_s = self._asked_s[request] = asyncio.get_running_loop().time()
        bars = await self._history.bars(request.symbol, request.timeframe, request.span)
        if asyncio.get_running_loop().time() - asked_s > _LONG_S:
            self._limited()
        self._answers += 1
        if request.timeframe is Timeframe.MINUTE:
            self._fetched(request.symbol, bars)
        self._book.filled(request.symbol, request.timeframe, request.span, bars)

    def detail(self) -> Mapping[str, Any]:
        return {"answers": self._answers, "missing": sum(1 for _ in self._book.missing())}


def _is_limit(error: FeedError) -> bool:
    return isinstance(error, FeedUnavailable) and error.retry_after_s is not None


def _beginning_of(span: Span, timeframe: Timeframe) -> Span:
    longest_ms = _BARS_AT_ONCE * timeframe.seconds * 1000
    return Span(span.since_ms, min(span.until_ms, span.since_ms + longest_ms))
