"""Compares the quarters and hours built here with the source's own."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.bar_building import differs
from shared.domain.bar_ledger import Outcome, Settled
from shared.domain.bars import Bar, Span
from shared.domain.stored import Timeframe
from shared.ports import BarHistory, UnknownSymbol
from shared.sidecar.feeds.source_book import SourceBook

# Late trades are in by then, here and there.
_COMPARE_AFTER_MS = 90_000
_OLDEST_MS = 3_600_000
_LOOK_EVERY_S = 5.0
_MOST_WAITING = 2000


class OwnBars:
    """One source's longer bars, compared as they are built.

    Where they differ the minutes are asked for anew, which may mend the built one; what differs then is counted.

    Attributes:
        mismatches: Bars that differ, by symbol.
    """

    def __init__(self, book: SourceBook, history: BarHistory) -> None:
        self.name = f"{book.source}_comparison"
        self.mismatches: dict[str, int] = {}
        self._book = book
        self._history = history
        self._waiting: deque[Bar] = deque(maxlen=_MOST_WAITING)
        self._compared = 0

    def take(self, settled: Sequence[Settled]) -> None:
        """Remember to compare what was just built."""
        oldest_ms = self._book.now_ms() - _OLDEST_MS
        for each in settled:
            bar = each.bar
            is_new = each.outcome is Outcome.NEW and bar.series.timeframe is not Timeframe.MINUTE
            if is_new and bar.close_ms > oldest_ms:
                self._waiting.append(bar)

    async def step(self) -> float:
        while self._waiting and self._waiting[0].close_ms + _COMPARE_AFTER_MS <= self._book.now_ms():
            bar = self._waiting[0]
            try:
                await self._compare(bar)
            except UnknownSymbol as error:
                self._book.refuse(bar.series.symbol, str(error))
            self._waiting.popleft()
        return _LOOK_EVERY_S

    async def _compare(self, bar: Bar) -> None:
        symbol, timeframe = bar.series.symbol, bar.series.timeframe
        span = Span(bar.open_ms, bar.close_ms)
        own = await self._history.bars(symbol, timeframe, span)
        if self._agrees(symbol, own):
            return
        minutes = await self._history.bars(symbol, Timeframe.MINUTE, span)
        self._book.filled(symbol, Timeframe.MINUTE, span, minutes)
        if not self._agrees(symbol, own):
            self.mismatches[symbol] = self.mismatches.get(symbol, 0) + 1

    def _agrees(self, symbol: str, own: Sequence[Bar]) -> bool:
        book = self._book.book(symbol)
        self._compared += 1
        if book is None:
            return True  # nobody wants it any more
        return not any(
            differs(built, bar)
            for bar in own
            for built in book.ledgers[bar.series.timeframe].window(book.kept)
            if built.open_ms == bar.open_ms
        )

    def detail(self) -> Mapping[str, Any]:
        return {"compared": self._compared, "mismatches": sum(self.mismatches.values())}
