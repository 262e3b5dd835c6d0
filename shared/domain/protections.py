"""What keeps one controller from trading: its own limits, its last losses, a crash of the market.

A refusal is an event of the journal; nothing here blocks in silence.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from shared.domain.candles import CandleSeries
from shared.domain.signals import Refusal

STOP_LOSS = "STOP_LOSS"


@dataclass(frozen=True)
class Protections:
    """One controller's bounds. None switches one off.

    Attributes:
        max_positions: Positions it may have open at once.
        cooldown_s: Seconds between two positions.
        cooldown_after_stop_s: Seconds after a stop loss.
        stops_in_a_row: So many stop losses without another end between them ban it.
        ban_s: Seconds a ban lasts.
    """

    max_positions: int
    cooldown_s: int
    cooldown_after_stop_s: int | None = None
    stops_in_a_row: int | None = None
    ban_s: int = 0


@dataclass(frozen=True)
class TradeHistory:
    """What a controller's bounds are held against. Times are UTC epoch milliseconds, None where there was none."""

    last_taken_ms: int | None = None
    last_stop_ms: int | None = None
    stops_in_a_row: int = 0

    def taken(self, at_ms: int) -> "TradeHistory":
        """After a signal was taken."""
        return replace(self, last_taken_ms=at_ms)

    def closed(self, close_type: str, at_ms: int) -> "TradeHistory":
        """After a trade has closed."""
        if close_type != STOP_LOSS:
            return replace(self, stops_in_a_row=0)
        return replace(self, last_stop_ms=at_ms, stops_in_a_row=self.stops_in_a_row + 1)


def refuse_by_history(
    protections: Protections, open_positions: int, history: TradeHistory, now_ms: int
) -> Refusal | None:
    """Name the bound that forbids a controller one more position, or None where none does."""
    if open_positions >= protections.max_positions:
        return Refusal.POSITION_OPEN
    stopped_ms = history.last_stop_ms
    if (
        protections.stops_in_a_row is not None
        and history.stops_in_a_row >= protections.stops_in_a_row
        and _within(stopped_ms, protections.ban_s, now_ms)
    ):
        return Refusal.STOPS_IN_A_ROW
    if protections.cooldown_after_stop_s is not None and _within(stopped_ms, protections.cooldown_after_stop_s, now_ms):
        return Refusal.COOLDOWN_AFTER_STOP
    return Refusal.COOLDOWN if _within(history.last_taken_ms, protections.cooldown_s, now_ms) else None


def _within(since_ms: int | None, span_s: int, now_ms: int) -> bool:
    return since_ms is not None and now_ms - since_ms < span_s * 1000


@dataclass(frozen=True)
class CrashGuard:
    """Falls of the leading market at which nothing new is opened.

    Attributes:
        drops: Fraction the price must have fallen, by the span in seconds it fell over.
    """

    drops: Mapping[int, float]

    @property
    def longest_s(self) -> int:
        """The longest span looked back on, seconds."""
        return max(self.drops, default=0)


def price_change(candles: CandleSeries, span_s: int) -> float | None:
    """Change of the close over a span of real time, as a fraction (-0.05 is a fall of 5 %).

    It is taken against the candle that closed exactly `span_s` before the last one did, not against whatever candle is the
    oldest at hand.

    Args:
        candles: Closed candles.
        span_s: A multiple of their length.

    Returns:
        The change; None where the candles do not reach back so far, or hold no number there.
    """
    wanted_s = int(candles.open_time_s[-1]) - span_s
    place = int(np.searchsorted(candles.open_time_s, wanted_s))
    if candles.open_time_s[place] != wanted_s:
        return None
    change = float(candles.close[-1] / candles.close[place] - 1)
    return change if math.isfinite(change) else None


def refuse_by_crash(guard: CrashGuard, candles: CandleSeries | None, now_ms: int) -> Refusal | None:
    """Whether the leading market has fallen too far too fast.

    Args:
        guard: The bounds.
        candles: Closed candles of the leading market; None where its feed has none to rely on.
        now_ms: UTC epoch milliseconds.

    Returns:
        CRASH_GUARD in a crash; CRASH_GUARD_BLIND where that cannot be told: candles are missing, do not reach back far enough,
        or their newest closed longer ago than two candles last. None otherwise.
    """
    if candles is None or len(candles) == 0 or now_ms - candles.last_close_ms > 2 * candles.interval_s * 1000:
        return Refusal.CRASH_GUARD_BLIND
    refusal: Refusal | None = None
    for span_s, drop in guard.drops.items():
        change = price_change(candles, span_s)
        if change is None:
            refusal = Refusal.CRASH_GUARD_BLIND
        elif change <= -drop:
            return Refusal.CRASH_GUARD
    return refusal
