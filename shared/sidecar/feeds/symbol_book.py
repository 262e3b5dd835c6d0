"""One symbol's bars of one source: minutes as they are reported, quarters and hours built from them."""

from collections.abc import Iterator, Sequence

from shared.domain.bar_building import BarBuilder
from shared.domain.bar_ledger import BarLedger, Outcome, Settled
from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe

LONGER = (Timeframe.QUARTER, Timeframe.HOUR)
_LONGEST_FIRST = tuple(reversed(Timeframe))
_HOUR_MS = Timeframe.HOUR.seconds * 1000
# After a longer absence minutes are past their window in the store anyway.
_LONGEST_ABSENCE_MS = 30 * 24 * _HOUR_MS


class SymbolBook:
    """Three ledgers that agree with each other.

    Where a quarter or an hour cannot be built, because its minutes lie before those that are kept, the source's own stands.

    Args:
        source: Who reports it.
        symbol: In the source's own quote.
        kept: Bars of each timeframe to have, counted back from now.
        now_ms: The present, UTC epoch milliseconds.
        last_good_ms: OPEN of the last bar handed over before this book began, by timeframe: it goes on from there.
    """

    def __init__(self, source: str, symbol: str, kept: int, now_ms: int, last_good_ms: dict[Timeframe, int]) -> None:
        self.symbol = symbol
        self.kept = kept
        self.ledgers: dict[Timeframe, BarLedger] = {}
        for timeframe in Timeframe:
            series = Series(source, symbol, timeframe)
            gone_on_ms = max(last_good_ms.get(timeframe, now_ms), now_ms - _LONGEST_ABSENCE_MS)
            since_ms = min(now_ms - kept * series.step_ms, gone_on_ms)
            # From a whole hour on, so that what is built from it is whole too.
            self.ledgers[timeframe] = BarLedger(series, since_ms - since_ms % _HOUR_MS, kept=kept)
        minutes = self.ledgers[Timeframe.MINUTE].series
        self._builders = {timeframe: BarBuilder(minutes, timeframe, kept=kept) for timeframe in LONGER}

    def offer(self, bar: Bar) -> list[Settled]:
        """Take a minute the source reported; what is settled by it, in every timeframe."""
        return self._with_longer(self.ledgers[Timeframe.MINUTE].offer(bar))

    def fill(self, timeframe: Timeframe, span: Span, bars: Sequence[Bar]) -> list[Settled]:
        """Take the source's whole answer for a span; what is settled by it, in every timeframe."""
        settled = self.ledgers[timeframe].fill(span, bars)
        return self._with_longer(settled) if timeframe is Timeframe.MINUTE else settled

    def _with_longer(self, minutes: list[Settled]) -> list[Settled]:
        return [*minutes, *(longer for minute in minutes for longer in self._built_by(minute))]

    def _built_by(self, minute: Settled) -> Iterator[Settled]:
        for timeframe, builder in self._builders.items():
            ledger = self.ledgers[timeframe]
            for built in builder.add(minute):
                bar = built.bar
                if built.outcome is Outcome.EMPTY:
                    yield from ledger.fill(Span(bar.open_ms, bar.close_ms), [])
                else:
                    yield from ledger.offer(bar)

    def interrupted(self) -> None:
        """The stream broke off."""
        self.ledgers[Timeframe.MINUTE].interrupted()

    def missing(self, now_ms: float, grace_ms: float) -> Iterator[tuple[Timeframe, Span]]:
        """What must be asked of the source, the longest first: what can be built meanwhile is not asked for.

        Args:
            now_ms: By the source's clock, UTC epoch milliseconds.
            grace_ms: Time that a minute may take to come; the longer ones have twice as long to be built.
        """
        for timeframe in _LONGEST_FIRST:
            grace = grace_ms if timeframe is Timeframe.MINUTE else 2 * grace_ms
            for span in self.ledgers[timeframe].missing(now_ms, grace):
                yield timeframe, span
