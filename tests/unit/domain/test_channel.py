"""A channel is traded from line to line: what makes it one, where a signal lies, what it is worth, and when to leave."""

from collections.abc import Mapping
from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.domain.channel import WEIGHTS, ChannelError, ChannelRule
from shared.domain.rules import Evaluation, Exit, evaluate_last, evaluate_series
from shared.domain.signals import Side
from tests.unit.domain.candle_samples import random_walk, until, with_future
from tests.unit.domain.drawn_channels import SWING_CANDLES, candles_of, drawn_channel

RULE = ChannelRule(strength_threshold=0.7)
LOOSE = ChannelRule(strength_threshold=0.5)
# Counted from the first candle: a drawn channel touches its lower line at 160, its upper one at 150, is half way at 155.
AT_LOWER, HALF_WAY, AT_UPPER = 161, 156, 151
seeds = st.integers(0, 10_000)


def look(candles: CandleSeries, rule: ChannelRule = RULE) -> Evaluation:
    seen = evaluate_last(rule, candles)
    assert seen is not None
    return seen


def values_at(position: float, **others: float) -> dict[str, float]:
    """What a flat, perfect channel between 100 and 102 shows of a close at this position."""
    values = {"lower": 100.0, "upper": 102.0, "slope": 0.0, "strength": 1.0, "position": position, **others}
    values["width"] = values["upper"] / values["lower"] - 1
    values["close"] = values["lower"] * (values["upper"] / values["lower"]) ** position
    return values


def ended_by(candles: CandleSeries, closes: list[float]) -> CandleSeries:
    """The candles, and after them some that stand at these prices."""
    prices = [np.log(np.concatenate([column, closes])) for column in (candles.close, candles.high, candles.low)]
    return candles_of(*prices)


@pytest.mark.parametrize("slope", [-0.001, 0.0, 0.001], ids=["falling", "flat", "rising"])
@pytest.mark.parametrize("seed", range(5))
def test_a_channel_drawn_by_hand_is_strong_and_traded_from_line_to_line(slope: float, seed: int) -> None:
    drawn = drawn_channel(200, slope=slope, width=0.02, noise=0.02, seed=seed)
    low, middle, high = (look(until(drawn, count)) for count in (AT_LOWER, HALF_WAY, AT_UPPER))
    for seen in (low, middle, high):
        assert seen.values["strength"] > 0.85
        assert seen.values["slope"] == pytest.approx(slope, abs=2e-5)
    assert low.opportunity is not None
    assert high.opportunity is not None
    assert (low.opportunity.side, middle.opportunity, high.opportunity.side) == (Side.BUY, None, Side.SELL)
    bottom = 100 * np.exp(slope * (AT_LOWER - 1))
    assert low.opportunity.target_price == pytest.approx(bottom * np.exp(0.02), rel=0.002)
    assert low.opportunity.stop_price == pytest.approx(bottom * np.exp(-0.4 * 0.02), rel=0.002)


def test_random_walks_are_rarely_channels() -> None:
    strength = np.concatenate([RULE.features(random_walk(seed, 4_000))["strength"][100:] for seed in range(5)])
    assert np.mean(strength >= 0.5) < 0.3
    assert np.mean(strength >= 0.7) < 0.08


fitted = {"touches_lower": 3.0, "touches_upper": 5.0, "containment": 1.0, "residual": 0.0, "width": 0.02}


@pytest.mark.parametrize(
    ("changes", "strength"),
    [
        ({}, 1),
        ({"touches_lower": 2}, (2 / 3) ** (1 / 3)),
        ({"touches_lower": 9, "touches_upper": 1}, (1 / 3) ** (1 / 3)),
        ({"touches_upper": 0}, 0),
        ({"containment": 0.75}, 0.5 ** (1 / 3)),
        ({"containment": 0.5}, 0),
        ({"containment": 0.1}, 0),
        ({"residual": 0.175}, 0.5 ** (1 / 3)),
        ({"residual": 0.35}, 0),
        ({"residual": 9}, 0),
        ({"width": 0.004}, 1),
        ({"width": 0.003}, 0.5),
        ({"width": 0.002}, 0),
        ({"width": 0.001}, 0),
        ({"touches_lower": 1.5, "containment": 0.75, "residual": 0.175, "width": 0.003}, 0.25),
        ({"residual": np.nan}, np.nan),
    ],
)
def test_strength_by_its_formula(changes: Mapping[str, float], strength: float) -> None:
    columns: dict[str, NDArray[np.float64]] = {name: np.array([value]) for name, value in {**fitted, **changes}.items()}
    assert RULE.strength(columns)[0] == pytest.approx(strength, nan_ok=True)


@pytest.mark.parametrize(
    ("position", "side"),
    [
        (-0.1501, None),
        (-0.15, Side.BUY),
        (0, Side.BUY),
        (0.2, Side.BUY),
        (0.2001, None),
        (0.5, None),
        (0.7999, None),
        (0.8, Side.SELL),
        (1, Side.SELL),
        (1.15, Side.SELL),
        (1.1501, None),
    ],
)
def test_a_signal_lies_near_a_line(position: float, side: Side | None) -> None:
    opportunity = RULE.judge(values_at(position))
    assert (opportunity.side if opportunity else None) is side


@pytest.mark.parametrize(("strength", "is_signal"), [(0.7, True), (np.nextafter(0.7, 0), False), (0.0, False)])
def test_the_strength_threshold_itself_is_a_signal(strength: float, is_signal: bool) -> None:
    assert (RULE.judge(values_at(0.1, strength=strength)) is not None) is is_signal


@pytest.mark.parametrize(
    ("position", "changes", "components"),
    [
        (0.0, {}, {"strength": 1, "nearness": 1, "room": 0.9, "slope": 0.5}),
        (0.1, {}, {"strength": 1, "nearness": 0.5, "room": 1 - 0.002 / 0.018, "slope": 0.5}),
        (-0.1, {"strength": 0.8}, {"strength": 0.8, "nearness": 1, "room": 1 - 0.002 / 0.022, "slope": 0.5}),
        # 0.0002 a candle is 0.02 over 100 candles, one width.
        (0.0, {"slope": 0.0002}, {"strength": 1, "nearness": 1, "room": 0.9, "slope": 0.75}),
        (0.0, {"slope": -0.0006}, {"strength": 1, "nearness": 1, "room": 0.9, "slope": 0}),
        (1.0, {"slope": 0.0002}, {"strength": 1, "nearness": 1, "room": 0.9, "slope": 0.25}),
        (1.0, {"slope": -0.0006}, {"strength": 1, "nearness": 1, "room": 0.9, "slope": 1}),
        # The way to the other line does not pay the costs.
        (0.0, {"upper": 100.1}, {"strength": 1, "nearness": 1, "room": 0, "slope": 0.5}),
    ],
)
def test_confidence_by_its_components(
    position: float, changes: Mapping[str, float], components: Mapping[str, float]
) -> None:
    opportunity = RULE.judge(values_at(position, **changes))
    assert opportunity is not None
    assert opportunity.components == pytest.approx(components)
    assert opportunity.confidence == pytest.approx(sum(WEIGHTS[name] * components[name] for name in WEIGHTS))


@given(
    st.floats(-0.5, 1.5),
    st.floats(0.5, 1),
    st.floats(-0.01, 0.01),
    st.floats(1e-6, 1e6),
    st.floats(1.0001, 2),
    st.floats(0.01, 0.49),
    st.floats(0.01, 0.5),
    st.floats(0.01, 1),
)
def test_the_close_lies_between_stop_and_target(
    position: float,
    strength: float,
    slope: float,
    lower: float,
    ratio: float,
    zone: float,
    tolerance: float,
    farther: float,
) -> None:
    rule = replace(LOOSE, entry_zone=zone, line_tolerance=tolerance, stop_distance=tolerance + farther)
    values = values_at(position, strength=strength, slope=slope, lower=lower, upper=lower * ratio)
    opportunity = rule.judge(values)
    assume(opportunity is not None)
    assert opportunity is not None
    stop, target = opportunity.stop_price, opportunity.target_price
    assert stop is not None
    assert target is not None
    assert stop < values["close"] < target if opportunity.side is Side.BUY else target < values["close"] < stop
    assert opportunity.components.keys() == WEIGHTS.keys()
    assert all(0 <= value <= 1 for value in opportunity.components.values())
    assert 0 <= opportunity.confidence <= 1
    assert rule.exit_reason(values, opportunity.side) is None


@pytest.mark.parametrize(
    ("position", "long", "short"),
    [
        (-0.5, Exit.CHANNEL_BROKEN, Exit.OPPOSITE_LINE),
        (-0.1501, Exit.CHANNEL_BROKEN, Exit.OPPOSITE_LINE),
        (-0.15, None, Exit.OPPOSITE_LINE),
        (0.2, None, Exit.OPPOSITE_LINE),
        (0.2001, None, None),
        (0.5, None, None),
        (0.7999, None, None),
        (0.8, Exit.OPPOSITE_LINE, None),
        (1.15, Exit.OPPOSITE_LINE, None),
        (1.1501, Exit.OPPOSITE_LINE, Exit.CHANNEL_BROKEN),
        (np.nan, None, None),
    ],
)
def test_a_position_is_left_at_the_other_line_or_where_price_breaks_out(
    position: float, long: Exit | None, short: Exit | None
) -> None:
    # Whatever the strength: it fades while a position is open.
    values = values_at(position, strength=0.0)
    assert (RULE.exit_reason(values, Side.BUY), RULE.exit_reason(values, Side.SELL)) == (long, short)


@pytest.mark.parametrize(
    ("counted", "factor", "losing"), [(AT_LOWER, 0.99, Side.BUY), (AT_UPPER, 1.01, Side.SELL)], ids=["down", "up"]
)
def test_a_break_is_detected(counted: int, factor: float, losing: Side) -> None:
    """Price leaves a strong channel at the line where it was to turn."""
    drawn = until(drawn_channel(200, width=0.02, noise=0.02), counted)
    before, broken = look(drawn), look(ended_by(drawn, [float(drawn.close[-1]) * factor]))
    assert before.opportunity is not None
    assert (before.opportunity.side, RULE.exit_reason(before.values, losing)) == (losing, None)
    assert broken.values["strength"] > 0.85
    assert broken.opportunity is None
    assert RULE.exit_reason(broken.values, losing) is Exit.CHANNEL_BROKEN


def test_upside_down_a_buy_is_a_sell() -> None:
    """Quote and base exchanged: the same confidence, and stop and target at the same places from the other side."""
    signals = 0
    for seed in range(3):
        candles = random_walk(seed, 2_000)
        turned = candles_of(*(-np.log(column) for column in (candles.close, candles.low, candles.high)))
        for seen, other in zip(evaluate_series(LOOSE, candles), evaluate_series(LOOSE, turned), strict=True):
            assert (seen.opportunity is None) is (other.opportunity is None)
            if seen.opportunity is None or other.opportunity is None:
                continue
            signals += 1
            assert other.opportunity.side is seen.opportunity.side.opposite
            # A fraction up is not quite the same fraction down, which the slope shows.
            assert other.opportunity.confidence == pytest.approx(seen.opportunity.confidence, abs=0.01)
            assert 1 / other.opportunity.target_price == pytest.approx(seen.opportunity.target_price)
            assert 1 / other.opportunity.stop_price == pytest.approx(seen.opportunity.stop_price)
    assert signals > 100


@settings(max_examples=25)
@given(seeds, st.integers(101, 160), st.floats(1e-3, 1e6))
def test_no_candle_after_the_last_is_looked_at(seed: int, count: int, price: float) -> None:
    candles = random_walk(seed, 170)
    knowing = list(evaluate_series(LOOSE, with_future(candles, count, price, 1.0)))[: count - 100]
    np.testing.assert_equal(
        [asdict(seen) for seen in knowing], [asdict(seen) for seen in evaluate_series(LOOSE, until(candles, count))]
    )


def test_the_newest_candle_alone_gives_what_the_series_gives() -> None:
    candles = random_walk(11, 1_200)
    seen = list(evaluate_series(LOOSE, candles))
    alone = [look(until(candles, count), LOOSE) for count in range(101, len(candles) + 1)]
    assert sum(evaluation.opportunity is not None for evaluation in seen) > 20
    np.testing.assert_equal([asdict(one) for one in alone], [asdict(one) for one in seen])


def test_a_market_that_only_rises_has_no_channel_and_no_signal() -> None:
    way = 0.001 * np.arange(150)
    seen = look(candles_of(way, way, way))
    assert seen.opportunity is None
    assert [name for name, value in seen.values.items() if np.isfinite(value)] == ["close"]
    assert {RULE.exit_reason(seen.values, side) for side in Side} == {None}


def test_it_needs_the_channel_and_the_deciding_candle() -> None:
    drawn = drawn_channel(101, noise=0.02)
    assert RULE.candles_needed(60) == RULE.candles_needed(3600) == 101
    assert evaluate_last(RULE, until(drawn, 100)) is None
    assert evaluate_last(RULE, drawn) is not None
    assert replace(RULE, channel_candles=5 * SWING_CANDLES // 2).candles_needed(300) == 51


def test_every_parameter_is_a_threshold() -> None:
    assert RULE.thresholds == {field.name: getattr(RULE, field.name) for field in fields(RULE)}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"entry_zone": 0.5}, "entry_zone = 0.5: must be below 0.5, or a close is near both lines"),
        (
            {"stop_distance": 0.15},
            "stop_distance = 0.15: must exceed line_tolerance = 0.15, or a signal may lie beyond its own stop",
        ),
        ({"pivot_span": 50}, "channel_candles = 100: must exceed twice pivot_span = 50, or there are no pivots"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(parameters: Mapping[str, float], message: str) -> None:
    with pytest.raises(ChannelError) as refused:
        replace(RULE, **parameters)
    assert str(refused.value) == message
