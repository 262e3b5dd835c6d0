"""SWING: which close is a breakout, what its confidence is made of, and where its stop and target lie."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.candles import CandleSeries
from shared.domain.rules import Evaluation, evaluate_last
from shared.domain.signals import Side
from shared.domain.swing import WEIGHTS, SwingError, SwingRule
from tests.unit.domain.candle_samples import random_walk

RULE = SwingRule(breakout_threshold=0.02)
NEEDED = RULE.candles_needed(300)

# A breakout with everything for it: every component is 1.
BEST = {
    "close": 104.0,
    "prior_high": 100.0,
    "breakout": 0.04,
    "volume_ratio": 3.0,
    "rsi": 70.0,
    "ema_fast": 102.0,
    "ema_slow": 100.0,
    "atr": 1.0,
    "structure_low": 102.5,
}


def look(
    rule: SwingRule = RULE, *, close: float = 103.0, high: float | None = None, volume: float = 20.0
) -> Evaluation:
    """What the rule sees in a newest candle after a market that moved between 99 and 100, ten units of volume a candle."""
    before = NEEDED - 1
    closes = np.append(np.where(np.arange(before) % 2, 99.2, 99.8), close)
    highs = np.append(np.full(before, 100.0), close if high is None else high)
    lows = np.append(np.full(before, 99.0), 99.5)
    volumes = np.append(np.full(before, 10.0), volume)
    seen = evaluate_last(rule, CandleSeries(np.arange(NEEDED) * 300, closes, highs, lows, closes, volumes, 300))
    assert seen is not None
    return seen


def components(**changed: float) -> dict[str, float]:
    found = RULE.judge({**BEST, **changed})
    assert found is not None
    return dict(found.components)


@pytest.mark.parametrize(
    ("close", "is_signal"), [(99, False), (100, False), (101.99, False), (102.01, True), (110, True)]
)
def test_a_breakout_is_a_close_beyond_the_threshold(close: float, is_signal: bool) -> None:
    assert (look(close=close).opportunity is not None) is is_signal


def test_the_threshold_itself_is_a_signal() -> None:
    rule = replace(RULE, breakout_threshold=0.25)
    at, below = look(rule, close=125.0), look(rule, close=float(np.nextafter(125.0, 0)))
    assert at.opportunity is not None
    assert at.opportunity.side is Side.BUY
    assert at.opportunity.components["breakout"] == 0.5
    assert below.opportunity is None


def test_the_deciding_candles_own_high_and_volume_do_not_count() -> None:
    seen = look(close=103.0, high=150.0, volume=40.0)
    assert seen.values["prior_high"] == 100.0
    assert seen.values["volume_ratio"] == 4.0
    assert seen.values["structure_low"] == 99.0
    assert seen.opportunity is not None


def test_a_high_before_the_twenty_candles_does_not_count() -> None:
    candles = random_walk(1, NEEDED)
    values = RULE.features(candles)
    assert values["prior_high"][-1] == candles.high[-21:-1].max()
    assert values["structure_low"][-1] == candles.low[-6:-1].min()
    assert values["volume_ratio"][-1] == pytest.approx(candles.volume[-1] / candles.volume[-21:-1].mean())


def test_without_volume_before_there_is_no_signal() -> None:
    candles = random_walk(2, NEEDED)
    candles.close[-1] = candles.high[-1] = candles.high.max() * 1.1
    loud = evaluate_last(RULE, candles)
    candles.volume[-21:-1] = 0
    silent = evaluate_last(RULE, candles)
    assert loud is not None
    assert loud.opportunity is not None
    assert silent is not None
    assert np.isnan(silent.values["volume_ratio"])
    assert silent.opportunity is None


def test_the_weights_make_a_whole() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    best = RULE.judge(BEST)
    assert best is not None
    assert best.components == dict.fromkeys(WEIGHTS, 1.0)
    assert best.confidence == pytest.approx(1)


@pytest.mark.parametrize(("breakout", "expected"), [(0.02, 0.5), (0.03, 0.75), (0.04, 1), (0.2, 1)])
def test_breakout_component(breakout: float, expected: float) -> None:
    assert components(breakout=breakout)["breakout"] == pytest.approx(expected)


@pytest.mark.parametrize(("ratio", "expected"), [(0, 0), (1, 0), (1.5, 0.25), (2, 0.5), (3, 1), (40, 1)])
def test_volume_component(ratio: float, expected: float) -> None:
    assert components(volume_ratio=ratio)["volume"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("rsi", "expected"), [(0, 0), (50, 0), (55, 0.5), (60, 1), (75, 1), (82.5, 0.5), (90, 0), (100, 0)]
)
def test_rsi_component(rsi: float, expected: float) -> None:
    assert components(rsi=rsi)["rsi"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("close", "fast", "slow", "expected"),
    [
        (104, 102, 101.75, 0.25),
        (104, 103.5, 100, 0.5),
        (104, 102, 100, 1),
        (104, 102, 102, 0),
        (104, 102, 103, 0),
        (104, 105, 100, 0),
    ],
    ids=["fast just over slow", "close just over fast", "both", "level", "fast below slow", "close below fast"],
)
def test_trend_component(close: float, fast: float, slow: float, expected: float) -> None:
    assert components(close=close, ema_fast=fast, ema_slow=slow)["trend"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changed", "at_most"),
    [
        ({"volume_ratio": 0.5, "ema_slow": 103.0}, 0.35),
        ({"volume_ratio": 0.5}, 0.65),
        ({"ema_slow": 103.0}, 0.70),
        ({"breakout": 0.02}, 0.875),
    ],
    ids=["neither volume nor trend", "no volume", "no trend", "just at the threshold"],
)
def test_what_is_missing_lowers_the_confidence(changed: dict[str, float], at_most: float) -> None:
    found = RULE.judge({**BEST, **changed})
    assert found is not None
    assert found.confidence == pytest.approx(at_most)


@pytest.mark.parametrize(
    ("structure_low", "stop"),
    [(102.5, 102.5), (103.5, 103.0), (103.0, 103.0), (90.0, 101.0), (101.0, 101.0)],
    ids=["at the structure", "not nearer than 1 ATR", "at 1 ATR", "not farther than 3 ATR", "at 3 ATR"],
)
def test_stop_and_target(structure_low: float, stop: float) -> None:
    found = RULE.judge({**BEST, "structure_low": structure_low})
    assert found is not None
    assert found.stop_price == pytest.approx(stop)
    assert found.target_price == pytest.approx(104 + 1.5 * (104 - stop))


@pytest.mark.parametrize(("atr", "is_signal"), [(103.9, True), (104.0, False), (500.0, False)])
def test_where_no_stop_makes_sense_there_is_no_signal(atr: float, is_signal: bool) -> None:
    found = RULE.judge({**BEST, "atr": atr, "structure_low": 90.0})
    assert (found is not None) is is_signal


def test_its_barriers_are_its_exits() -> None:
    assert RULE.exit_reason(BEST, Side.BUY) is None


def test_the_slowest_indicator_sets_the_look_back() -> None:
    assert NEEDED == 296
    assert replace(RULE, ema_slow=30).candles_needed(300) > 296
    assert replace(RULE, rsi_length=20).candles_needed(300) > 296
    assert replace(RULE, atr_length=20).candles_needed(300) > 296
    for name in ("breakout_candles", "volume_candles", "structure_candles"):
        assert replace(RULE, **{name: 400}).candles_needed(300) == 401


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ema_fast": 26}, "ema_fast = 26: must be below ema_slow = 26"),
        ({"atr_stop": 0.9}, r"atr_stop = 0\.9: must be at least 1"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(changed: dict[str, float], message: str) -> None:
    with pytest.raises(SwingError, match=message):
        replace(RULE, **changed)


positive = st.floats(1e-6, 1e6)


@given(
    prior_high=positive,
    breakout=st.floats(0.02, 5),
    volume_ratio=st.floats(0, 1e6),
    rsi=st.floats(0, 100),
    ema_fast=positive,
    ema_slow=positive,
    range_share=st.floats(1e-6, 3),
    low_share=st.floats(1e-6, 1),
)
def test_every_breakout_is_enclosed_by_its_barriers(
    prior_high: float,
    breakout: float,
    volume_ratio: float,
    rsi: float,
    ema_fast: float,
    ema_slow: float,
    range_share: float,
    low_share: float,
) -> None:
    """The stop lies below, the target above, at the promised multiple; the confidence is its components, weighed."""
    close = prior_high * (1 + breakout)
    found = RULE.judge(
        {
            "close": close,
            "prior_high": prior_high,
            "breakout": breakout,
            "volume_ratio": volume_ratio,
            "rsi": rsi,
            "ema_fast": ema_fast,
            "ema_slow": ema_slow,
            "atr": close * range_share,
            "structure_low": prior_high * low_share,
        }
    )
    assert (found is None) == (range_share >= 1)
    if found is not None:
        assert found.stop_price is not None
        assert found.target_price is not None
        assert 0 < found.stop_price < close < found.target_price
        assert found.target_price - close == pytest.approx(1.5 * (close - found.stop_price), rel=1e-6)
        assert found.components.keys() == WEIGHTS.keys()
        assert all(0 <= value <= 1 for value in found.components.values())
        assert found.confidence == pytest.approx(sum(WEIGHTS[name] * found.components[name] for name in WEIGHTS))
        assert 0 < found.confidence <= 1
