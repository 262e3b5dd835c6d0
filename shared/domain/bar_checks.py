"""Whether a bar can be true: what fails here is set aside and asked for anew, never served and never stored as a candle."""

from decimal import Decimal
from enum import StrEnum

from shared.domain.bars import Bar

# Clocks are compared over a network: a bar that was over when it was sent may arrive a moment before our idea of that time.
FUTURE_TOLERANCE_MS = 5_000
# Beyond any market; sixty of them are still a number that bots are told (`shared.wire.feed_messages`).
_BOUND = Decimal("1e28")


class Defect(StrEnum):
    """Why a bar cannot be true."""

    NOT_FINITE = "not finite"
    NOT_POSITIVE = "price not positive"
    NEGATIVE_VOLUME = "negative volume"
    INCONSISTENT = "outside its own high and low"
    UNDATED = "without a date"
    MISALIGNED = "opens off its timeframe"
    FUTURE = "in the future"


def defect_of(bar: Bar, now_ms: float, tolerance_ms: float = FUTURE_TOLERANCE_MS) -> Defect | None:
    """Name what is wrong with a bar.

    Args:
        bar: As the source reported it.
        now_ms: The SOURCE's clock, UTC epoch milliseconds (`clock_skew`).
        tolerance_ms: How far ahead of that clock a bar may be.

    Returns:
        The first defect found; None where there is none. A closed bar is in the future until it is over, another one until it
        has opened.
    """
    return _defect_of_values(bar) or _defect_of_time(bar, now_ms + tolerance_ms)


def _defect_of_values(bar: Bar) -> Defect | None:
    if not all(_is_number(value) for value in bar.prices):
        return Defect.NOT_FINITE
    # As floats, for that is what indicators make of them: the least Decimals are zero there.
    if min(float(bar.open), float(bar.high), float(bar.low), float(bar.close)) <= 0:
        return Defect.NOT_POSITIVE
    if bar.volume < 0:
        return Defect.NEGATIVE_VOLUME
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        return Defect.INCONSISTENT
    return None


def _is_number(value: Decimal) -> bool:
    return value.is_finite() and abs(value) < _BOUND


def _defect_of_time(bar: Bar, latest_ms: float) -> Defect | None:
    # 1970 is what a missing time is read as.
    if bar.open_ms <= 0:
        return Defect.UNDATED
    if bar.open_ms % bar.series.step_ms:
        return Defect.MISALIGNED
    if (bar.close_ms if bar.is_closed else bar.open_ms) > latest_ms:
        return Defect.FUTURE
    return None
