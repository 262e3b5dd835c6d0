"""Bars as sources report them, before anything is decided on them: who says what of which stretch of time.

A bar is of one source and in that source's own quote: Polygon's BTC-USD and Binance's BTC-USDT are two series, and a series is
never continued with bars of another one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from shared.domain.stored import StoredCandle, Timeframe


@dataclass(frozen=True, slots=True)
class Series:
    """What is deduplicated and ordered by itself.

    Attributes:
        source: Who reports it, e.g. "polygon".
        symbol: Pair in the source's own quote, e.g. "BTC-USD".
        timeframe: Length of its bars.
    """

    source: str
    symbol: str
    timeframe: Timeframe

    @property
    def quote(self) -> str:
        """What its prices are in."""
        return self.symbol.rpartition("-")[2]

    @property
    def step_ms(self) -> int:
        """Milliseconds from one open to the next."""
        return self.timeframe.seconds * 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar as a source reported it.

    Attributes:
        series: Whose it is.
        open_ms: Its OPEN, UTC epoch milliseconds.
        open: Quote per base, as are high, low and close.
        volume: In base.
        is_closed: The source says that it is over. It may still revise it.
    """

    series: Series
    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    is_closed: bool

    @property
    def close_ms(self) -> int:
        """When it is over, UTC epoch milliseconds: the open of the next one."""
        return self.open_ms + self.series.step_ms

    @property
    def prices(self) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
        """What a revision changes: open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume

    def stored(self) -> StoredCandle:
        """As the store has it. Revisions are counted there."""
        return StoredCandle(
            symbol=self.series.symbol,
            timeframe=self.series.timeframe,
            opened_at=datetime.fromtimestamp(self.open_ms / 1000, UTC),
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            source=self.series.source,
            quote_currency=self.series.quote,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, [since_ms, until_ms), UTC epoch milliseconds."""

    since_ms: int
    until_ms: int

    def __post_init__(self) -> None:
        if self.since_ms >= self.until_ms:
            raise ValueError(f"a span from {self.since_ms} to {self.until_ms}: must end after it begins")
