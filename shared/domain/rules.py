"""What every strategy's rule has in common: features computed from closed candles, and a judgement of one candle's features.

A rule has two forms of use that must agree: over a whole series (tests, replays, backtests) and on the newest candle alone
(the bot). Both go through the same two functions, so a signal is the same number live, in tests and in replay. The value of
a feature at a candle depends on that candle and those before it only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.domain.signals import Side

Features = Mapping[str, NDArray[np.float64]]
"""Feature values by name, each float64 of shape (n,), aligned with the candles; NaN where the candles do not suffice."""


class Exit(StrEnum):
    """Why a position is closed before a barrier is touched: its rule wants out, or its entry was never filled."""

    ENTRY_UNFILLED = "entry_unfilled"
    CHANNEL_BROKEN = "channel_broken"
    OPPOSITE_LINE = "opposite_line"


@dataclass(frozen=True)
class Opportunity:
    """A reason to open a position.

    Attributes:
        side: Direction to open.
        confidence: 0..1, made of `components`.
        components: Each 0..1, by name.
        stop_price: Where the rule is wrong, quote per base; None leaves it to the configured fraction.
        target_price: Where it wants to be out, quote per base; None leaves it to the configured fraction.
    """

    side: Side
    confidence: float
    components: Mapping[str, float]
    stop_price: float | None = None
    target_price: float | None = None


class Rule(Protocol):
    """A strategy's rule: its thresholds, what it computes, what it makes of it. Immutable and without state."""

    @property
    def thresholds(self) -> Mapping[str, float]:
        """The parameters it decides against, by name."""
        ...

    def candles_needed(self, interval_s: int) -> int:
        """Closed candles of `interval_s` seconds from which the newest one's features are right (to 1e-6, relative)."""
        ...

    def features(self, candles: CandleSeries) -> Features:
        """Features of every candle of a series."""
        ...

    def judge(self, values: Mapping[str, float]) -> Opportunity | None:
        """What one candle's features, none of them NaN, come to; None for no signal."""
        ...

    def exit_reason(self, values: Mapping[str, float], side: Side) -> Exit | None:
        """Why an open position of `side` should be closed now; None to leave it to its barriers."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """What a rule saw in one closed candle.

    Attributes:
        candle_close_ms: UTC epoch milliseconds at which the candle closed.
        price: Its close, quote per base.
        values: The features, by name.
        opportunity: What they came to; None for no signal.
    """

    candle_close_ms: int
    price: float
    values: Mapping[str, float] = field(default_factory=dict)
    opportunity: Opportunity | None = None


def evaluate_last(rule: Rule, candles: CandleSeries) -> Evaluation | None:
    """Look at the newest candle alone, as the bot does.

    Args:
        rule: The rule.
        candles: Closed candles; those before what the rule needs are ignored.

    Returns:
        What it saw; None while there are too few candles.
    """
    needed = rule.candles_needed(candles.interval_s)
    if len(candles) < needed:
        return None
    window = candles.last(needed)
    return _evaluate(rule, window, rule.features(window), len(window) - 1)


def evaluate_series(rule: Rule, candles: CandleSeries) -> Iterator[Evaluation]:
    """Look at every candle that has enough before it, oldest first, the features computed over the whole series at once."""
    features = rule.features(candles)
    for place in range(rule.candles_needed(candles.interval_s) - 1, len(candles)):
        yield _evaluate(rule, candles, features, place)


def _evaluate(rule: Rule, candles: CandleSeries, features: Features, place: int) -> Evaluation:
    values = {name: float(column[place]) for name, column in features.items()}
    return Evaluation(
        candle_close_ms=(int(candles.open_time_s[place]) + candles.interval_s) * 1000,
        price=float(candles.close[place]),
        values=values,
        # A feature that cannot be computed (no volume has no ratio to its mean) is no reason to trade.
        opportunity=rule.judge(values) if np.isfinite(list(values.values())).all() else None,
    )
