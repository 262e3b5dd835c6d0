"""Bars, books and histories as the feeds' tests use them."""

import asyncio
import time
from collections.abc import Collection, Sequence
from decimal import Decimal

from shared.domain.bar_checks import Defect
from shared.domain.bar_ledger import Settled
from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedError
from shared.sidecar.feeds.source_book import SourceBook
from tests.conftest import START_S

START_MS = int(START_S * 1000)
MINUTE_MS = 60_000


def bar(
    minute: int,
    price: str = "100",
    *,
    source: str = "binance",
    symbol: str = "BTC-USDT",
    timeframe: Timeframe = Timeframe.MINUTE,
    is_closed: bool = True,
) -> Bar:
    """A bar that opens so many minutes after the tests' clock began; negative: before."""
    series = Series(source, symbol, timeframe)
    each = Decimal(price)
    return Bar(series, START_MS + minute * MINUTE_MS, each, each, each, each, Decimal(1), is_closed)


class Books:
    """One source's book with what it told. Its clock is ahead of ours by `skew_ms`."""

    def __init__(self, source: str = "binance", last_good: dict[Timeframe, int] | None = None) -> None:
        self.settled: list[Settled] = []
        self.quarantined: list[tuple[Bar, Defect]] = []
        self.skew_ms = 0.0
        self.book = SourceBook(
            source,
            told=lambda _, settled: self.settled.extend(settled),
            quarantined=lambda each, defect: self.quarantined.append((each, defect)),
            last_good=lambda *_: last_good or {},
            now_ms=lambda: time.time() * 1000 + self.skew_ms,
        )

    def fill_all(self, but: Collection[str] = ()) -> None:
        """Let the source have had one bar in each minute, quarter and hour that is missing, but of these symbols."""
        for symbol, timeframe, span in [each for each in self.book.missing() if each[0] not in but]:
            step_ms = timeframe.seconds * 1000
            opens = range(span.since_ms, span.until_ms, step_ms)
            bars = [
                bar((open_ms - START_MS) // MINUTE_MS, source=self.book.source, symbol=symbol, timeframe=timeframe)
                for open_ms in opens
            ]
            self.book.filled(symbol, timeframe, span, bars)


class History:
    """A source's history that has these bars.

    Attributes:
        asked: Every question.
        trouble: Raised instead of an answer, by symbol.
        takes_s: How long an answer takes.
    """

    source = "binance"

    def __init__(self, bars: Sequence[Bar] = ()) -> None:
        self.bars_there = list(bars)
        self.asked: list[tuple[str, Timeframe, Span]] = []
        self.trouble: dict[str, FeedError] = {}
        self.takes_s = 0.01
        self.skew_ms = 0.0

    async def bars(self, symbol: str, timeframe: Timeframe, span: Span) -> list[Bar]:
        self.asked.append((symbol, timeframe, span))
        await asyncio.sleep(self.takes_s)
        if symbol in self.trouble:
            raise self.trouble[symbol]
        series = Series(self.source, symbol, timeframe)
        return [
            each for each in self.bars_there if each.series == series and span.since_ms <= each.open_ms < span.until_ms
        ]

    async def server_time_ms(self) -> int:
        await asyncio.sleep(self.takes_s)
        return int(time.time() * 1000 + self.skew_ms)

    async def close(self) -> None:
        pass
