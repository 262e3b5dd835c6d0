"""Bars for tests: one-minute ones of one series, told by the number of their minute."""

from decimal import Decimal

from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe

MINUTES = Series("polygon", "BTC-USD", Timeframe.MINUTE)
STEP_MS = 60_000
# A quarter and an hour begin here.
START_MS = 1_767_225_600_000


def at(minute: int) -> int:
    """Open of a minute, UTC epoch milliseconds."""
    return START_MS + minute * STEP_MS


def minute_of(bar: Bar) -> int:
    """The number of a bar's minute."""
    return (bar.open_ms - START_MS) // STEP_MS


def bar(minute: int, close: int | str = 100, *, is_closed: bool = True, series: Series = MINUTES) -> Bar:
    """A bar that falls from one above its close, with a volume as great."""
    last = Decimal(close)
    return Bar(series, at(minute), last + 1, last + 2, last, last, last, is_closed)


def span(first: int, after: int) -> Span:
    """The minutes from `first` up to, and without, `after`."""
    return Span(at(first), at(after))
