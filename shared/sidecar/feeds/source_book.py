"""All that one source reported: checked, put in order, counted; what settles is told on."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from shared.domain.bar_checks import Defect, defect_of
from shared.domain.bar_ledger import Settled
from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.clocks import here_ms
from shared.sidecar.feeds.symbol_book import SymbolBook

# Time a minute may take to come by the stream, before the source's history is asked for it.
GRACE_MS = 5_000
# Answers with the same bar that cannot be true, after which its stretch counts as empty and the bars after it go on.
_IN_VAIN = 3
# A symbol the source says it does not have is asked for again: it may be listed later, or that was a moment's error.
_REFUSED_FOR_MS = 900_000
_MINUTE_MS = Timeframe.MINUTE.seconds * 1000


class LastGood(Protocol):
    """Where earlier books ended."""

    def __call__(self, source: str, symbol: str) -> dict[Timeframe, int]:
        """OPEN of the last bar handed over, by timeframe, UTC epoch milliseconds."""
        ...


class SourceBook:
    """The books of one source's symbols.

    Args:
        source: Its name.
        told: Takes what settles, in order, of one symbol at a time.
        quarantined: Takes a bar that cannot be true.
        last_good: Where to go on.
        now_ms: The source's clock, UTC epoch milliseconds.

    Attributes:
        refused: Symbols the source says it does not have, with its reason, until it answers for them after all.
        newest_close_ms: End of the newest bar that settled.
        malformed: Records that could not be read.
        quarantined_bars: Bars that could not be true, by defect.
        heard_ms: OPEN of the newest closed minute that came by the stream, by symbol.
    """

    def __init__(
        self,
        source: str,
        told: Callable[[str, Sequence[Settled]], None],
        quarantined: Callable[[Bar, Defect], None],
        last_good: LastGood,
        now_ms: Callable[[], float],
    ) -> None:
        self.source = source
        self.now_ms = now_ms
        self.refused: dict[str, str] = {}
        self.newest_close_ms: int | None = None
        self.malformed = 0
        self.quarantined_bars: Counter[Defect] = Counter()
        self.heard_ms: dict[str, int] = {}
        self._told = told
        self._quarantined = quarantined
        self._last_good = last_good
        self._books: dict[str, SymbolBook] = {}
        self._refused_until_ms: dict[str, float] = {}
        self._in_vain: Counter[tuple[Series, int]] = Counter()

    @property
    def symbols(self) -> frozenset[str]:
        """What it has a book of."""
        return frozenset(self._books)

    def book(self, symbol: str) -> SymbolBook | None:
        """The book of a symbol; None where none is wanted."""
        return self._books.get(symbol)

    def lacks(self, symbol: str) -> bool:
        """The source does not have a symbol: it said so, or had no bar of it for as long as its book goes back."""
        book = self._books.get(symbol)
        if symbol in self.refused or book is None:
            return symbol in self.refused
        minutes = book.ledgers[Timeframe.MINUTE]
        return not minutes.window(1) and not minutes.missing(self.over_ms(), GRACE_MS)

    def want(self, wanted: Mapping[str, int]) -> None:
        """Have books of these symbols, with so many bars each at least, and of no others.

        A book that is too short is begun anew: what it had is fetched again.
        """
        for symbol in self._books.keys() - wanted.keys():
            del self._books[symbol]
            self.refused.pop(symbol, None)
        for symbol, kept in wanted.items():
            book = self._books.get(symbol)
            if book is None or book.kept < kept:
                now_ms = int(self.now_ms())
                self._books[symbol] = SymbolBook(
                    self.source, symbol, kept, now_ms, self._last_good(self.source, symbol)
                )

    def reported(self, bars: Sequence[Bar]) -> None:
        """Take what the stream reported."""
        for bar in bars:
            book = self._books.get(bar.series.symbol)
            # A symbol that was given up a moment ago may still be on its way.
            if book is None or not self._is_sound(bar):
                continue
            if bar.is_closed:
                before_ms = self.heard_ms.get(book.symbol, 0)
                self.heard_ms[book.symbol] = max(before_ms, bar.open_ms)
            self._tell(book.symbol, book.offer(bar))

    def refuse(self, symbol: str, reason: str) -> None:
        """The source says that it does not have a symbol: nothing of it is missing for a while."""
        self.refused[symbol] = reason
        self._refused_until_ms[symbol] = self.now_ms() + _REFUSED_FOR_MS

    def filled(self, symbol: str, timeframe: Timeframe, span: Span, bars: Sequence[Bar]) -> None:
        """Take the whole answer of the source's history for a span."""
        book = self._books.get(symbol)
        if book is None:
            return
        self.refused.pop(symbol, None)
        sound = [bar for bar in bars if self._is_sound(bar)]
        if len(sound) == len(bars):
            self._tell(symbol, book.fill(timeframe, span, sound))
            return
        # What is not in a whole answer never was; a bar that cannot be true is no proof of that.
        settled = [each for bar in sound for each in book.fill(timeframe, _span_of(bar), [bar])]
        for bar in bars:
            if bar not in sound and self._is_hopeless(bar):
                settled += book.fill(timeframe, _span_of(bar), [])
        self._tell(symbol, settled)

    def _is_hopeless(self, bar: Bar) -> bool:
        """Whether the source repeated an untruth often enough to go on without that bar: it lies in quarantine."""
        key = (bar.series, bar.open_ms)
        # Of a bar that is only said to be too early the clock may be wrong.
        if defect_of(bar, math.inf) is None or bar.open_ms % bar.series.step_ms:
            return False
        self._in_vain[key] += 1
        if self._in_vain[key] < _IN_VAIN:
            return False
        del self._in_vain[key]
        return True

    def interrupted(self) -> None:
        """The stream broke off."""
        for book in self._books.values():
            book.interrupted()

    def over_ms(self) -> float:
        """Up to when time has passed beyond doubt: by both clocks, or by a bar that has come; UTC epoch milliseconds.

        By a source's clock that is wrongly ahead, history would be asked for minutes that go on: a part of one would pass for
        all of it, and one that has not begun for one without a trade.
        """
        heard_ms = max(self.heard_ms.values(), default=0) + _MINUTE_MS
        return min(self.now_ms(), max(here_ms(), heard_ms))

    def missing(self) -> Iterator[tuple[str, Timeframe, Span]]:
        """What must be asked of the source's history."""
        now_ms = self.over_ms()
        for symbol, book in self._books.items():
            if symbol not in self.refused or now_ms >= self._refused_until_ms[symbol]:
                for timeframe, span in book.missing(now_ms, GRACE_MS):
                    yield symbol, timeframe, span

    @property
    def is_whole(self) -> bool:
        """Nothing is missing of any symbol the source has."""
        return self.is_whole_but_for(frozenset())

    def is_whole_but_for(self, shed: frozenset[str]) -> bool:
        """Nothing is missing but minutes of symbols whose minutes are not asked for now."""
        return all(timeframe is Timeframe.MINUTE and symbol in shed for symbol, timeframe, _ in self.missing())

    def is_whole_of(self, symbol: str) -> bool:
        """Nothing is missing of one symbol."""
        return not any(each == symbol for each, _, _ in self.missing())

    def _is_sound(self, bar: Bar) -> bool:
        defect = defect_of(bar, self.now_ms())
        if defect is not None:
            self.quarantined_bars[defect] += 1
            self._quarantined(bar, defect)
        return defect is None

    def _tell(self, symbol: str, settled: Sequence[Settled]) -> None:
        if not settled:
            return
        self.newest_close_ms = max(self.newest_close_ms or 0, *(each.bar.close_ms for each in settled))
        self._told(symbol, settled)


def _span_of(bar: Bar) -> Span:
    return Span(bar.open_ms, bar.close_ms)
