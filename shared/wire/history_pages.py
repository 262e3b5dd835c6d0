"""Pages of a source's history as bars: what every source's pages have in common."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from shared.domain.bars import Bar, Series, Span
from shared.ports import FeedUnavailable

# A price of more digits than this before or after its point is no price, and would take gigabytes to write down.
_MOST_DIGITS = 40

Prices = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]


class BadRow(ValueError):
    """A row of a page is no bar. The whole page is of no use then: without it, its time would pass for time without trades."""


def closed_bar(series: Series, open_ms: int, prices: Prices) -> Bar:
    """A row as a bar.

    Args:
        prices: Open, high, low, close, volume.

    Raises:
        BadRow: One of them is no number to reckon with.
    """
    for value in prices:
        checked(value, f"the bar opened at {open_ms}")
    return Bar(series, open_ms, *prices, is_closed=True)


def checked(value: Decimal, of: str) -> Decimal:
    """A number to reckon with.

    Raises:
        BadRow: It is none.
    """
    if not value.is_finite() or (value and abs(value.adjusted()) > _MOST_DIGITS):
        raise BadRow(f"{of} holds {str(value)[:_MOST_DIGITS]}")
    return value


def parts(span: Span, longest_ms: int) -> Iterator[Span]:
    """A span in pieces that one request can answer, oldest first."""
    for since_ms in range(span.since_ms, span.until_ms, longest_ms):
        yield Span(since_ms, min(since_ms + longest_ms, span.until_ms))


def check_span(series: Series, span: Span) -> None:
    """Refuse a span that no whole number of bars fills.

    Raises:
        ValueError: It is none.
    """
    if span.since_ms % series.step_ms or span.until_ms % series.step_ms:
        raise ValueError(f"a span from {span.since_ms} to {span.until_ms}: must begin and end where a bar does")


def check_over(source: str, span: Span, now_s: float, delay_s: float = 0.0) -> None:
    """Refuse an answer given before its span was over: its newest bar may be open still, or not there yet.

    Args:
        now_s: When it was given, by the source's clock, in whole seconds at worst.
        delay_s: How far behind that clock its bars are.

    Raises:
        FeedUnavailable: It was.
    """
    wait_s = span.until_ms / 1000 + delay_s - (now_s + 1)
    if wait_s > 0:
        behind = f", and its plan's bars come {delay_s:.0f} s late" if delay_s else ""
        raise FeedUnavailable(f"{source}: the newest bar asked for is not over for {wait_s:.0f} s by its clock{behind}")


def ascending(bars: Iterable[Bar]) -> list[Bar]:
    """Each once, in order: the later one where two pages hold the same."""
    latest = {bar.open_ms: bar for bar in bars}
    return [latest[open_ms] for open_ms in sorted(latest)]
