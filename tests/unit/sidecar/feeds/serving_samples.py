"""A serving on real books, and a bot that remembers what it is told."""

import time

from shared.domain.feed_status import Mode
from shared.domain.feed_symbols import symbol_at
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.serving import Serving, Standing
from shared.sidecar.feeds.source_book import SourceBook
from shared.wire.feed_messages import FeedClose, FeedMessage, FeedWindow, ModeChange, Subscription
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, bar

MINUTES = Subscription("BTC-USDT", Timeframe.MINUTE, 60)


class Ear:
    """A bot."""

    def __init__(self) -> None:
        self.heard: list[FeedMessage] = []

    def tell(self, message: FeedMessage) -> None:
        self.heard.append(message)

    def take(self) -> list[FeedMessage]:
        """What it heard since the last time."""
        heard, self.heard = self.heard, []
        return heard


class Served:
    """Two sources' books of BTC, with a serving on them.

    Attributes:
        in_use: Where all pairs come from.
        standing: Of all pairs.
    """

    def __init__(self, in_use: str | None = "binance", wanted: int = 60) -> None:
        self.in_use = in_use
        self.standing = Standing(Mode.LIVE)
        self.books = {
            source: SourceBook(
                source,
                told=lambda symbol, settled, source=source: self.serving.settled(source, symbol, settled),
                quarantined=lambda *_: None,
                last_good=lambda *_: {},
                now_ms=lambda: time.time() * 1000,
            )
            for source in ("polygon", "binance")
        }
        self.serving = Serving(self.books, lambda _: self.in_use, symbol_at, lambda _: self.standing, 180)
        for source, book in self.books.items():
            book.want({symbol_at(source, "BTC-USDT"): wanted})

    def fill(self, source: str, price: str = "100") -> None:
        """Let the source's history answer for all that is missing."""
        book = self.books[source]
        for symbol, timeframe, span in list(book.missing()):
            opens = range(span.since_ms, span.until_ms, timeframe.seconds * 1000)
            bars = [
                bar((at_ms - START_MS) // MINUTE_MS, price, source=source, symbol=symbol, timeframe=timeframe)
                for at_ms in opens
            ]
            book.filled(symbol, timeframe, span, bars)

    def stream(self, source: str, *minutes: int, price: str = "100") -> None:
        """Let the source's stream report minutes."""
        symbol = symbol_at(source, "BTC-USDT")
        self.books[source].reported([bar(minute, price, source=source, symbol=symbol) for minute in minutes])


def told(messages: list[FeedMessage]) -> list[object]:
    """In short: a window as source, generation, first and last minute; a candle as minute, price and revision."""
    short: list[object] = []
    for message in messages:
        match message:
            case FeedWindow():
                opens = [(candle.open_ms - START_MS) // MINUTE_MS for candle in message.candles]
                short.append((message.source, message.generation, *opens[:1], *opens[-1:]))
            case FeedClose():
                minute = (message.candle.open_ms - START_MS) // MINUTE_MS
                short.append((minute, str(message.candle.close), message.revision))
            case ModeChange():
                short.append((message.mode.value, message.reason))
    return short
