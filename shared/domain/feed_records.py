"""What the store keeps of the feeds beside candles: changes of source, and bars that could not be true."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from shared.domain.bars import Bar

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Times a store can hold and every client can read back. A source that names another one is quarantined for it.
_BOUNDS_MS = (0, 4_102_444_799_999)


@dataclass(frozen=True)
class FeedSwitch:
    """The source in use changed, for all pairs of a home.

    Attributes:
        home: The home whose bots it concerns.
        at: When, by this machine's clock.
        from_source: E.g. "polygon"; None where none was in use.
        to_source: None where none was fit.
        reason: One sentence.
    """

    home: str
    at: datetime
    from_source: str | None
    to_source: str | None
    reason: str


@dataclass(frozen=True)
class QuarantinedBar:
    """A bar that could not be true: kept for people to look at, never served.

    Of one bar that is reported again and again with the same defect the first is kept.

    Attributes:
        source: Who reported it.
        symbol: As the source names it, in its own quote.
        timeframe: As text: it may be what is wrong.
        opened_at: Its OPEN; where that is no time a store can hold, the nearest one.
        reason: The defect.
        seen_at: When it came, by this machine's clock.
        raw: What was reported, by name, as text.
    """

    source: str
    symbol: str
    timeframe: str
    opened_at: datetime
    reason: str
    seen_at: datetime
    raw: Mapping[str, str]

    @classmethod
    def of(cls, bar: Bar, reason: str, seen_ms: int) -> Self:
        """A reported bar with its defect.

        Args:
            bar: As it was reported.
            reason: Its defect.
            seen_ms: When it came, UTC epoch milliseconds.
        """
        prices = {"open": bar.open, "high": bar.high, "low": bar.low, "close": bar.close, "volume": bar.volume}
        return cls(
            source=bar.series.source,
            symbol=bar.series.symbol,
            timeframe=bar.series.timeframe.value,
            opened_at=_time(bar.open_ms),
            reason=reason,
            seen_at=_time(seen_ms),
            raw={"open_ms": str(bar.open_ms)} | {name: str(value) for name, value in prices.items()},
        )


def _time(at_ms: int) -> datetime:
    first, last = _BOUNDS_MS
    return _EPOCH + timedelta(milliseconds=min(max(at_ms, first), last))
