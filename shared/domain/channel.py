"""CHANNEL: buy near the lower of two parallel lines, sell near the upper, leave at the other line or when price breaks out."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from shared.domain.candles import CandleSeries
from shared.domain.channel_fit import fit_channels
from shared.domain.indicators import Values
from shared.domain.rules import Exit, Features, Opportunity
from shared.domain.signals import Side

WEIGHTS: Mapping[str, float] = {"strength": 0.4, "nearness": 0.2, "room": 0.2, "slope": 0.2}

# Touches of the weaker line at which it has been confirmed: any two points make a line, the third is evidence.
_CONFIRMING_TOUCHES = 3
# Half of the closes lie inside a channel that says nothing.
_NO_CONTAINMENT = 0.5
# Root mean square distance from their line, in widths, at which pivots lie along no line.
_NO_FIT = 0.35
# Rise over the channel's candles, in widths, at which its direction counts in full.
_STEEP = 2.0


class ChannelError(ValueError):
    """Parameters of the rule that contradict each other."""


@dataclass(frozen=True)
class ChannelRule:
    """When to trade from one line of a channel towards the other.

    Features: those of `fit_channels` in `shared/domain/channel_fit.py` (the channel of the candles before the deciding one,
    projected onto it), `strength` and `close`. All but `close` are NaN where there is no channel.

    Strength is the geometric mean of three components, so that none can stand in for a missing one, times a fourth. Each is
    0 to 1, and cut off there:

        touches     = touches of the line that has fewer / 3
        containment = (share of closes inside - 0.5) / 0.5
        fit         = 1 - residual / 0.35
        width       = width / round_trip_cost - 1

        strength    = (touches x containment x fit)^(1/3) x width

    There is a signal where strength is at least `strength_threshold` and the close is near a line: no further than `entry_zone`
    inside of it, no further than `line_tolerance` beyond it. Near the lower line it is BUY, near the upper SELL. The target is
    the other line, the stop lies `stop_distance` beyond the near one, both at the deciding candle.

    Confidence is the sum of four components, each 0 to 1, times their `WEIGHTS`:

    - `strength` (0.4): as above.
    - `nearness` (0.2): 1 at the near line or beyond it, 0 at the inner end of the entry zone.
    - `room` (0.2): the share of the way to the other line that is left after `round_trip_cost`.
    - `slope` (0.2): 0.5 where the lines are flat, 1 where they go 2 widths in the side's favour over `channel_candles`, 0 where
      they go 2 widths against it.

    Attributes:
        strength_threshold: Strength from which lines are a channel, 0..1.
        channel_candles: Candles the channel is fitted to.
        pivot_span: Candles on either side that a pivot exceeds, and that must follow it before it counts; at least 1.
        line_tolerance: Fraction of the width by which price may miss a line and still be at it: a pivot touches it, a close is
            inside. Beyond it a close breaks the channel.
        entry_zone: Fraction of the width, from a line inwards, in which there is a signal; above 0, below 0.5.
        stop_distance: Fraction of the width by which the stop lies beyond the near line, above `line_tolerance`.
        round_trip_cost: Fraction of the position paid to get in and out, above 0.
    """

    strength_threshold: float
    channel_candles: int = 100
    pivot_span: int = 5
    line_tolerance: float = 0.15
    entry_zone: float = 0.2
    stop_distance: float = 0.4
    round_trip_cost: float = 0.002

    def __post_init__(self) -> None:
        if self.entry_zone >= 0.5:
            raise ChannelError(f"entry_zone = {self.entry_zone}: must be below 0.5, or a close is near both lines")
        if self.stop_distance <= self.line_tolerance:
            raise ChannelError(
                f"stop_distance = {self.stop_distance}: must exceed line_tolerance = {self.line_tolerance}, "
                "or a signal may lie beyond its own stop"
            )
        if self.channel_candles <= 2 * self.pivot_span:
            raise ChannelError(
                f"channel_candles = {self.channel_candles}: "
                f"must exceed twice pivot_span = {self.pivot_span}, or there are no pivots"
            )

    @property
    def thresholds(self) -> Mapping[str, float]:
        return {name: float(value) for name, value in asdict(self).items()}

    def candles_needed(self, interval_s: int) -> int:  # noqa: ARG002 - a channel is as many candles at every timeframe
        """The channel's candles and the deciding one."""
        return self.channel_candles + 1

    def features(self, candles: CandleSeries) -> Features:
        fitted = fit_channels(candles, self.channel_candles, self.pivot_span, self.line_tolerance)
        return {**fitted, "strength": self.strength(fitted), "close": candles.close}

    def judge(self, values: Mapping[str, float]) -> Opportunity | None:
        if values["strength"] < self.strength_threshold:
            return None
        for side in Side:
            if -self.line_tolerance <= _depth(values, side) <= self.entry_zone:
                return self._opportunity(values, side)
        return None

    def exit_reason(self, values: Mapping[str, float], side: Side) -> Exit | None:
        """Leave where price has left the channel on the losing side, or has arrived at the other line.

        The channel is the one fitted now, not the one the position was opened in, whatever its strength: strength fades
        as the pivots that made it grow old, and lines that fade are still where price was at home. Where no channel can be
        fitted (values are NaN) there is nothing to break or to arrive at, and the position is left to its barriers.
        """
        depth = _depth(values, side)
        if depth < -self.line_tolerance:
            return Exit.CHANNEL_BROKEN
        return Exit.OPPOSITE_LINE if depth >= 1.0 - self.entry_zone else None

    def strength(self, fitted: Features) -> Values:
        """How much of a channel the lines are, 0..1, from the columns of `fit_channels`; NaN where there are none."""
        touches = np.minimum(fitted["touches_lower"], fitted["touches_upper"]) / _CONFIRMING_TOUCHES
        containment = (fitted["containment"] - _NO_CONTAINMENT) / (1.0 - _NO_CONTAINMENT)
        fit = 1.0 - fitted["residual"] / _NO_FIT
        width = fitted["width"] / self.round_trip_cost - 1.0
        touches, containment, fit, width = (np.clip(part, 0.0, 1.0) for part in (touches, containment, fit, width))
        strength: Values = np.cbrt(touches * containment * fit) * width
        return strength

    def _opportunity(self, values: Mapping[str, float], side: Side) -> Opportunity:
        lower, upper, width, depth = values["lower"], values["upper"], values["width"], _depth(values, side)
        beyond = (upper / lower) ** self.stop_distance
        rise = values["slope"] * self.channel_candles / width
        components = {
            "strength": values["strength"],
            "nearness": _clip(1.0 - depth / self.entry_zone),
            "room": _clip(1.0 - self.round_trip_cost / ((1.0 - depth) * width)),
            "slope": _clip(0.5 + 0.5 * (rise if side is Side.BUY else -rise) / _STEEP),
        }
        return Opportunity(
            side=side,
            confidence=sum(weight * components[name] for name, weight in WEIGHTS.items()),
            components=components,
            stop_price=lower / beyond if side is Side.BUY else upper * beyond,
            target_price=upper if side is Side.BUY else lower,
        )


def _depth(values: Mapping[str, float], side: Side) -> float:
    """How far inside the channel the close lies from the line where `side` opens, in widths."""
    return values["position"] if side is Side.BUY else 1.0 - values["position"]


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))
