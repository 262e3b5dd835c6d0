"""SWING: buy the close that breaks out above the recent highs, leave at a target, below a stop, or with time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from shared.domain.candles import CandleSeries
from shared.domain.indicators import Smoothing, atr, ema, highest, lowest, mean, prior, ratio, rsi, settled_after
from shared.domain.rules import Exit, Features, Opportunity
from shared.domain.signals import Side

# Breakout and RSI together stay below the least `min_confidence` in use, 0.4: without volume and trend there is no trade.
WEIGHTS: Mapping[str, float] = {"breakout": 0.25, "volume": 0.35, "rsi": 0.10, "trend": 0.30}


class SwingError(ValueError):
    """Parameters of the rule that contradict each other."""


@dataclass(frozen=True)
class SwingRule:
    """When a breakout is worth following.

    There is a signal when the close lies `breakout_threshold` or more above the highest high of the candles before it.

    Features: `close`; `prior_high`, that high; `breakout`, the fraction by which the close lies above it; `volume_ratio`, the
    volume over its mean in the candles before; `rsi`, 0..100; `ema_fast`, `ema_slow` and `atr`, quote per base;
    `structure_low`, the lowest low of the candles before. Where those candles had no volume there is no `volume_ratio`, and so
    no signal.

    Confidence is the sum of four components, each linear between its ends, times their `WEIGHTS`:

    - `breakout` (0.25): 0.5 at the threshold, 1 from twice the threshold.
    - `volume` (0.35): 0 up to the mean of the candles before, 1 from `volume_full` times it.
    - `rsi` (0.10): strong but not exhausted: 0 up to 50, 1 from 60 to 75, 0 from 90.
    - `trend` (0.30): the fast EMA over the slow one or the close over the fast one, whichever is less, in ATR: 0 up to none, 1
      from one ATR.

    So a breakout with neither volume nor trend comes to 0.35 at most, one that lacks one of them to 0.7 at most, and one just
    at the threshold with all else to 0.875.

    The stop lies at the structure's low, but at least one ATR below the close, where ordinary movement does not reach it, and
    at most `atr_stop` ATR, where being wrong gets expensive. The target lies `reward_to_risk` times as far above the close.
    Where one ATR is the whole price no stop makes sense, and there is no signal.

    Attributes:
        breakout_threshold: Fraction above the prior high the close must reach, above 0 (0.03 is 3 %).
        breakout_candles: Candles before the deciding one whose highest high counts.
        volume_candles: Candles before the deciding one whose mean volume counts.
        volume_full: Multiple of that mean at which volume says no more, above 1.
        rsi_length: Length of the RSI in candles.
        ema_fast: Length of the fast EMA in candles.
        ema_slow: Length of the slow EMA in candles, above `ema_fast`.
        atr_length: Length of the ATR in candles.
        atr_stop: Farthest the stop may lie below the close, in ATR, at least 1.
        structure_candles: Candles before the deciding one whose lowest low is the structure.
        reward_to_risk: Distance of the target as a multiple of the stop's, above 0.
    """

    breakout_threshold: float
    breakout_candles: int = 20
    volume_candles: int = 20
    volume_full: float = 3.0
    rsi_length: int = 14
    ema_fast: int = 12
    ema_slow: int = 26
    atr_length: int = 14
    atr_stop: float = 3.0
    structure_candles: int = 5
    reward_to_risk: float = 1.5

    def __post_init__(self) -> None:
        if self.ema_fast >= self.ema_slow:
            raise SwingError(
                f"ema_fast = {self.ema_fast}: must be below ema_slow = {self.ema_slow}, or a rise counts as a fall"
            )
        if self.atr_stop < 1:
            raise SwingError(f"atr_stop = {self.atr_stop}: must be at least 1, the nearest the stop may lie")

    @property
    def thresholds(self) -> Mapping[str, float]:
        return {name: float(value) for name, value in asdict(self).items()}

    def candles_needed(self, interval_s: int) -> int:  # noqa: ARG002 - its lengths are in candles
        """As many as the slowest indicator takes to settle: 296 as the lengths stand."""
        return max(
            1 + self.breakout_candles,
            1 + self.volume_candles,
            1 + self.structure_candles,
            settled_after(self.rsi_length, Smoothing.WILDER),
            settled_after(self.atr_length, Smoothing.WILDER),
            settled_after(self.ema_fast, Smoothing.EXPONENTIAL),
            settled_after(self.ema_slow, Smoothing.EXPONENTIAL),
        )

    def features(self, candles: CandleSeries) -> Features:
        high, low, close = candles.high, candles.low, candles.close
        prior_high = prior(highest(high, self.breakout_candles))
        return {
            "close": close,
            "prior_high": prior_high,
            "breakout": ratio(close, prior_high) - 1,
            "volume_ratio": ratio(candles.volume, prior(mean(candles.volume, self.volume_candles))),
            "rsi": rsi(close, self.rsi_length),
            "ema_fast": ema(close, self.ema_fast),
            "ema_slow": ema(close, self.ema_slow),
            "atr": atr(high, low, close, self.atr_length),
            "structure_low": prior(lowest(low, self.structure_candles)),
        }

    def judge(self, values: Mapping[str, float]) -> Opportunity | None:
        close, stop = values["close"], self._stop(values)
        if values["breakout"] < self.breakout_threshold or stop <= 0:
            return None
        components = self._components(values)
        return Opportunity(
            side=Side.BUY,
            confidence=sum(weight * components[name] for name, weight in WEIGHTS.items()),
            components=components,
            stop_price=stop,
            target_price=close + self.reward_to_risk * (close - stop),
        )

    def exit_reason(self, values: Mapping[str, float], side: Side) -> Exit | None:  # noqa: ARG002 - its barriers suffice
        return None

    def _components(self, values: Mapping[str, float]) -> Mapping[str, float]:
        close, fast, slow = values["close"], values["ema_fast"], values["ema_slow"]
        # No division by zero: a close above every recent high lies above the close before, and so within the ATR.
        trend = min(fast - slow, close - fast) / values["atr"]
        return {
            "breakout": min(1.0, 0.5 * values["breakout"] / self.breakout_threshold),
            "volume": _clip((values["volume_ratio"] - 1) / (self.volume_full - 1)),
            "rsi": float(np.interp(values["rsi"], (50, 60, 75, 90), (0, 1, 1, 0))),
            "trend": _clip(trend),
        }

    def _stop(self, values: Mapping[str, float]) -> float:
        close, mean_range = values["close"], values["atr"]
        return max(min(values["structure_low"], close - mean_range), close - self.atr_stop * mean_range)


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
