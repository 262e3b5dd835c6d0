"""Trades walked along a series with nothing but a rule: no order, no cost, no limit.

Whoever opens and closes at closes of a market without drift earns nothing on average, whatever the rule, as long as it knows
no more than the candles so far. So decisions AND prices are those of closes. A walker that fills at a barrier inside a candle
has to guess which barrier came first, and the guess itself earns or loses.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.domain.rules import Evaluation, Opportunity, Rule, evaluate_series
from shared.domain.signals import Side

_QUANTILE_99 = 2.576


@dataclass(frozen=True)
class Barriers:
    """Where a trade ends. The fractions are for rules that name no prices; the time limit is in candles."""

    stop_loss: float = 0.03
    take_profit: float = 0.03
    time_limit: int = 100


@dataclass(frozen=True)
class _Trade:
    side: Side
    entry: float
    stop: float
    target: float
    closes_at_ms: int

    @classmethod
    def opened(cls, opportunity: Opportunity, seen: Evaluation, barriers: Barriers, interval_s: int) -> "_Trade":
        sign = 1 if opportunity.side is Side.BUY else -1
        return cls(
            opportunity.side,
            seen.price,
            opportunity.stop_price or seen.price * (1 - sign * barriers.stop_loss),
            opportunity.target_price or seen.price * (1 + sign * barriers.take_profit),
            seen.candle_close_ms + barriers.time_limit * interval_s * 1000,
        )

    def gain(self, price: float) -> float:
        """Fraction of the entry earned at a price."""
        return (price / self.entry - 1) * (1 if self.side is Side.BUY else -1)

    def is_over(self, rule: Rule, seen: Evaluation) -> bool:
        gain = self.gain(seen.price)
        return (
            gain <= self.gain(self.stop)
            or gain >= self.gain(self.target)
            or seen.candle_close_ms >= self.closes_at_ms
            or rule.exit_reason(seen.values, self.side) is not None
        )


def walk_trades(rule: Rule, candles: CandleSeries, barriers: Barriers) -> list[float]:
    """Open at each signal's close, one position at a time, and close at the first close at or beyond a barrier.

    Returns:
        What each trade earned, as a fraction of its entry. The last close ends a trade still open: left out, it would take
        with it those that took long to win or lose.
    """
    gains: list[float] = []
    trade: _Trade | None = None
    for seen in evaluate_series(rule, candles):
        if trade is not None and trade.is_over(rule, seen):
            gains.append(trade.gain(seen.price))
            trade = None
        elif trade is None and seen.opportunity is not None:
            trade = _Trade.opened(seen.opportunity, seen, barriers, candles.interval_s)
    return gains if trade is None else [*gains, trade.gain(float(candles.close[-1]))]


def confidence_interval(gains: NDArray[np.float64]) -> tuple[float, float]:
    """The 99 % interval of the mean of trades that follow each other."""
    half = _QUANTILE_99 * float(gains.std(ddof=1)) / float(np.sqrt(len(gains)))
    return float(gains.mean()) - half, float(gains.mean()) + half
