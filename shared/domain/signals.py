"""A rule signal and what was decided on it: the first link of every trade's chain of proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Side(StrEnum):
    """Direction of a signal, an order or a fill."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Refusal(StrEnum):
    """Why a signal was not taken. A limit that blocks always leaves one of these in the journal."""

    POSITION_OPEN = "position_open"
    COOLDOWN = "cooldown"
    MAX_POSITIONS = "max_positions"
    MAX_POSITIONS_PER_PAIR = "max_positions_per_pair"
    CAPITAL = "capital"
    KILL_SWITCH = "manual_kill_switch"
    STOPPING = "stopping"
    BELOW_MINIMUM_ORDER = "below_minimum_order"
    PRICE_UNAVAILABLE = "price_unavailable"
    LOW_CONFIDENCE = "low_confidence"
    SHORT_ON_SPOT = "short_on_spot"
    COOLDOWN_AFTER_STOP = "cooldown_after_stop"
    STOPS_IN_A_ROW = "stops_in_a_row"
    MAX_POSITIONS_PER_STRATEGY = "max_positions_per_strategy"
    EXPOSURE_PER_PAIR = "exposure_per_pair"
    EXPOSURE_PER_STRATEGY = "exposure_per_strategy"
    CRASH_GUARD = "crash_guard"
    CRASH_GUARD_BLIND = "crash_guard_blind"
    PHASE_CHANGED = "phase_changed"
    FEED_STALE = "feed_stale"
    FEED_DEGRADED = "feed_degraded"


@dataclass(frozen=True)
class Signal:
    """What a strategy saw in one closed candle.

    Attributes:
        signal_id: Deterministic: the same candle and controller always give the same id.
        controller_id: The controller instance that saw it.
        strategy: Name of the rule, e.g. "recovery_dca".
        pair: Trading pair, e.g. "BTC-USDT".
        side: Direction to open.
        candle_close_ms: UTC epoch milliseconds at which the deciding candle closed.
        price: Close of the deciding candle, quote per base.
        confidence: 0..1.
        thresholds: Parameters it was decided on, by name.
        values: Feature values it was decided on, by name.
        components: What the confidence is made of, each 0..1, by name.
    """

    signal_id: str
    controller_id: str
    strategy: str
    pair: str
    side: Side
    candle_close_ms: int
    price: float
    confidence: float
    thresholds: Mapping[str, float]
    values: Mapping[str, float]
    components: Mapping[str, float]


def signal_id(controller_id: str, side: Side, candle_close_ms: int) -> str:
    """Name a signal by who saw it and when, e.g. ``recovery_dca_BTC-USDT@2025-01-06T00:12:00Z/BUY``."""
    closed_at = datetime.fromtimestamp(candle_close_ms / 1000, tz=UTC)
    return f"{controller_id}@{closed_at:%Y-%m-%dT%H:%M:%SZ}/{side}"
