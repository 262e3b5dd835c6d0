"""Every strategy on every recording: the rules as conf/controllers has them, and what they see.

Two sets of thresholds are in use: phases 1 and 2 share one, normal operation has the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from controllers.directional_trading.recovery_channel import RecoveryChannel, RecoveryChannelConfig
from controllers.directional_trading.recovery_dca import RecoveryDca, RecoveryDcaConfig
from controllers.directional_trading.recovery_swing import RecoverySwing, RecoverySwingConfig
from shared.domain.candles import CandleSeries
from shared.domain.channel import ChannelRule
from shared.domain.dca import DcaRule
from shared.domain.rules import Evaluation, Rule, evaluate_series
from shared.domain.swing import SwingRule
from tests.unit.domain.candle_samples import COLUMNS, RECORDINGS, recorded, resampled

CONF = Path(__file__).resolve().parents[2] / "conf" / "controllers"
STRATEGIES: Mapping[str, tuple[Any, Any]] = {
    "recovery_dca": (RecoveryDcaConfig, RecoveryDca),
    "recovery_swing": (RecoverySwingConfig, RecoverySwing),
    "recovery_channel": (RecoveryChannelConfig, RecoveryChannel),
}
PHASES_1_2, NORMAL = "phases_1_2", "normal"
THRESHOLDS: Mapping[str, Sequence[str]] = {PHASES_1_2: ("_phase1", "_phase2"), NORMAL: ("",)}
"""The sets, with what the names of their configurations end in."""


def configuration(strategy: str, ending: str, **changes: Any) -> Any:
    """A strategy's configuration as conf/controllers has it, but for the changes."""
    content = yaml.safe_load((CONF / f"{strategy}{ending}.yml").read_text())
    return STRATEGIES[strategy][0](**content | changes)


@dataclass(frozen=True)
class Case:
    """A strategy on a recording, named as in STRATEGIES and RECORDINGS."""

    recording: str
    strategy: str

    def __str__(self) -> str:
        return f"{self.recording}_{self.strategy}"

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """By set of thresholds."""
        return {name: configuration(self.strategy, endings[-1]).rule for name, endings in THRESHOLDS.items()}

    @cached_property
    def wanted_interval_s(self) -> int:
        """Length of the candles the strategy is configured for, in seconds."""
        return int(configuration(self.strategy, "").interval_s)

    @property
    def candles(self) -> CandleSeries:
        """The recording in the strategy's candles; in its own where those are longer."""
        return _candles(self.recording, self.wanted_interval_s)

    @property
    def interval(self) -> str:
        """Timeframe of `candles`."""
        return f"{self.candles.interval_s // 60}m"

    @property
    def first_place(self) -> int:
        """Place of the first candle that has enough before it."""
        return self.rules[PHASES_1_2].candles_needed(self.candles.interval_s) - 1

    def place(self, look: Evaluation) -> int:
        """Which candle an evaluation is of."""
        since_s = look.candle_close_ms // 1000 - int(self.candles.open_time_s[0])
        return since_s // self.candles.interval_s - 1


CASES = tuple(Case(recording, strategy) for recording in RECORDINGS for strategy in STRATEGIES)


@cache
def _candles(recording: str, wanted_interval_s: int) -> CandleSeries:
    own = recorded(recording)
    return own if wanted_interval_s <= own.interval_s else resampled(own, wanted_interval_s)


def window(candles: CandleSeries, place: int, count: int) -> CandleSeries:
    """The candle at a place and those before it, `count` together."""
    part = slice(place + 1 - count, place + 1)
    return CandleSeries(*(getattr(candles, name)[part] for name in COLUMNS), candles.interval_s)


@dataclass(frozen=True)
class Series:
    """What a rule sees in a whole series at once.

    Attributes:
        signals: The evaluations that found one, oldest first.
        evaluated: Candles looked at.
        nearest: How near a threshold any of them came, in the threshold's unit.
        nearest_close_ms: When the candle that came nearest closed, UTC epoch milliseconds.
        contradicting: Evaluations whose signal, or lack of one, is not what `room_to_thresholds` comes to.
    """

    signals: Sequence[Evaluation]
    evaluated: int
    nearest: float
    nearest_close_ms: int
    contradicting: Sequence[Evaluation]


@cache
def series(case: Case, thresholds: str) -> Series:
    """The series form of a rule on all candles of a case."""
    rule = case.rules[thresholds]
    looks = list(evaluate_series(rule, case.candles))
    whole = [look for look in looks if np.isfinite(list(look.values.values())).all()]
    rooms = np.array([room_to_thresholds(rule, look.values) for look in whole])
    nearest = int(np.abs(rooms).argmin())
    return Series(
        signals=[look for look in looks if look.opportunity is not None],
        evaluated=len(looks),
        nearest=float(abs(rooms[nearest])),
        nearest_close_ms=whole[nearest].candle_close_ms,
        contradicting=[
            look for look, room in zip(whole, rooms, strict=True) if (room >= 0) != (look.opportunity is not None)
        ],
    )


def room_to_thresholds(rule: Rule, values: Mapping[str, float]) -> float:
    """How far a candle lies on the signal's side of the threshold that decides; below 0 where there is none.

    This says anew what the rules' docstrings say, so that a signal is not only what the code makes of them.
    """
    match rule:
        case DcaRule():
            return values["drop"] - rule.drop_threshold
        case SwingRule():
            return values["breakout"] - rule.breakout_threshold
        case ChannelRule():
            depths = (values["position"], 1 - values["position"])
            near = max(min(depth + rule.line_tolerance, rule.entry_zone - depth) for depth in depths)
            return min(values["strength"] - rule.strength_threshold, near)
    raise TypeError(f"{rule!r}: no thresholds are known of it")
