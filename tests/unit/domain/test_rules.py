"""What holds for every rule: one signal in every form, nothing from the future, nothing out of nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.domain.candles import CandleSeries
from shared.domain.channel import ChannelRule
from shared.domain.dca import DcaRule
from shared.domain.rules import Evaluation, Exit, Features, Opportunity, Rule, evaluate_last, evaluate_series
from shared.domain.signals import Side
from shared.domain.swing import SwingRule
from tests.unit.domain.candle_samples import (
    RECORDINGS,
    needs_recordings,
    random_walk,
    recorded,
    resampled,
    scaled,
    until,
    with_future,
)
from tests.unit.domain.trade_walker import Barriers, confidence_interval, walk_trades

RULES: Mapping[str, Rule] = {
    "dca": DcaRule(drop_threshold=0.03, lookback_s=14_400),
    "swing": SwingRule(breakout_threshold=0.02),
    "channel": ChannelRule(strength_threshold=0.5),
}
WALKS = {
    "lively": random_walk(1, 1500, volatility=0.015),
    "wild": random_walk(2, 1500, volatility=0.05, start=3e-6),
    "quiet": random_walk(3, 1500, volatility=0.003, start=60_000.0),
}
# In a quiet market a rule may have nothing to say; here every rule does.
SPEAKING = ("lively", "wild")

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
every_walk = pytest.mark.parametrize("candles", WALKS.values(), ids=WALKS.keys())


def opportunities(rule: Rule, candles: CandleSeries) -> dict[int, Opportunity]:
    """What a rule would take, by the time the deciding candle closed."""
    seen = evaluate_series(rule, candles)
    return {look.candle_close_ms: look.opportunity for look in seen if look.opportunity is not None}


def prices(found: Opportunity) -> dict[str, float]:
    """The prices an opportunity names, if it names any."""
    named = {"stop": found.stop_price, "target": found.target_price}
    return {name: price for name, price in named.items() if price is not None}


def assert_same_opportunity(one: Opportunity | None, other: Opportunity | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.side is other.side
        assert one.confidence == pytest.approx(other.confidence, rel=1e-6)
        assert one.components == pytest.approx(other.components, rel=1e-6, abs=1e-6)
        assert prices(one) == pytest.approx(prices(other), rel=1e-6)


def assert_forms_agree(rule: Rule, candles: CandleSeries, places: Iterable[int]) -> None:
    """The series form and, at these places, the newest candle alone say the same."""
    series = {look.candle_close_ms: look for look in evaluate_series(rule, candles)}
    for place in places:
        alone = evaluate_last(rule, until(candles, place + 1))
        assert alone is not None
        among = series[alone.candle_close_ms]
        assert alone.price == among.price == candles.close[place]
        assert alone.values == pytest.approx(among.values, rel=1e-6, abs=1e-12, nan_ok=True)
        assert_same_opportunity(alone.opportunity, among.opportunity)


@every_rule
@every_walk
def test_series_and_newest_candle_agree(rule: Rule, candles: CandleSeries) -> None:
    assert_forms_agree(rule, candles, range(rule.candles_needed(candles.interval_s) - 1, len(candles)))


@needs_recordings
@every_rule
@pytest.mark.parametrize(
    ("name", "interval_s"), [*((name, None) for name in RECORDINGS), ("dot-1m", 900), ("eth-5m", 3600)]
)
def test_series_and_newest_candle_agree_on_recordings(rule: Rule, name: str, interval_s: int | None) -> None:
    """At a hundred signals from first to last, and at every hundredth candle."""
    candles = recorded(name) if interval_s is None else resampled(recorded(name), interval_s)
    first_close_ms = (int(candles.open_time_s[0]) + candles.interval_s) * 1000
    signals = [(at_ms - first_close_ms) // (candles.interval_s * 1000) for at_ms in opportunities(rule, candles)]
    places = range(rule.candles_needed(candles.interval_s) - 1, len(candles), 100)
    assert_forms_agree(rule, candles, {*signals[:: 1 + len(signals) // 100], *places})


@every_rule
@pytest.mark.parametrize("name", SPEAKING)
def test_every_rule_speaks_in_these_samples(rule: Rule, name: str) -> None:
    """Or the tests here would show nothing."""
    assert len(opportunities(rule, WALKS[name])) >= 5


@every_rule
@every_walk
@pytest.mark.parametrize("cut", [1, 200, 701, 1499])
def test_nothing_after_a_candle_changes_what_it_says(rule: Rule, candles: CandleSeries, cut: int) -> None:
    """Truncate and recompute, then put garbage in the place of the future."""
    known = {name: column[:cut] for name, column in rule.features(candles).items()}
    end_ms = until(candles, cut).last_close_ms
    taken = {at_ms: what for at_ms, what in opportunities(rule, candles).items() if at_ms <= end_ms}
    futures = [until(candles, cut)]
    futures += [with_future(candles, cut, price, volume) for price, volume in ((1e9, 0), (1e-9, 1e9), (np.nan, np.nan))]
    for altered in futures:
        for name, column in rule.features(altered).items():
            np.testing.assert_array_equal(column[:cut], known[name], err_msg=name)
        found = opportunities(rule, altered)
        assert {at_ms: what for at_ms, what in found.items() if at_ms <= end_ms} == taken


@every_rule
@pytest.mark.parametrize("interval_s", [60, 300, 3600])
def test_no_verdict_on_too_few_candles(rule: Rule, interval_s: int) -> None:
    needed = rule.candles_needed(interval_s)
    assert 1 <= needed <= 500
    candles = random_walk(4, needed, interval_s=interval_s)
    assert evaluate_last(rule, candles) is not None
    for count in range(needed):
        assert evaluate_last(rule, until(candles, count)) is None
        assert list(evaluate_series(rule, until(candles, count))) == []


@dataclass(frozen=True)
class Altered:
    """A rule that judges other features than its own."""

    rule: Rule
    alter: Callable[[str, NDArray[np.float64]], NDArray[np.float64]]

    @property
    def thresholds(self) -> Mapping[str, float]:
        return self.rule.thresholds

    def candles_needed(self, interval_s: int) -> int:
        return self.rule.candles_needed(interval_s)

    def features(self, candles: CandleSeries) -> Features:
        return {name: self.alter(name, column) for name, column in self.rule.features(candles).items()}

    def judge(self, values: Mapping[str, float]) -> Opportunity | None:
        return self.rule.judge(values)

    def exit_reason(self, values: Mapping[str, float], side: Side) -> Exit | None:
        return self.rule.exit_reason(values, side)


@every_rule
def test_a_missing_feature_is_no_reason_to_trade(rule: Rule) -> None:
    candles = WALKS["lively"]
    for missing in rule.features(candles):
        blind = Altered(rule, lambda name, column, missing=missing: column * np.nan if name == missing else column)
        assert opportunities(blind, candles) == {}


@every_rule
@every_walk
@pytest.mark.parametrize("factor", [10, 1e6, 1e-9])
def test_the_unit_of_price_does_not_matter(rule: Rule, candles: CandleSeries, factor: float) -> None:
    plain, other = opportunities(rule, candles), opportunities(rule, scaled(candles, factor))
    assert plain.keys() == other.keys()
    for at_ms, one in plain.items():
        stop, target = (prices(other[at_ms]).get(name) for name in ("stop", "target"))
        in_plain = replace(other[at_ms], stop_price=stop and stop / factor, target_price=target and target / factor)
        assert_same_opportunity(one, in_plain)


@every_rule
@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    volatility=st.floats(0.001, 0.2),
    start=st.floats(1e-7, 1e6),
)
def test_opportunities_are_sound(rule: Rule, seed: int, volatility: float, start: float) -> None:
    """Parts and whole between 0 and 1; a stop where the position loses, a target where it wins."""
    candles = random_walk(seed, 600, volatility=volatility, start=start)
    for seen in evaluate_series(rule, candles):
        found = seen.opportunity
        if found is not None:
            assert 0 <= found.confidence <= 1
            assert found.components
            assert all(0 <= value <= 1 for value in found.components.values())
            assert_barriers_enclose(found, seen)


def assert_barriers_enclose(found: Opportunity, seen: Evaluation) -> None:
    assert (found.stop_price is None) == (found.target_price is None)
    if found.stop_price is not None and found.target_price is not None:
        below, above = found.stop_price, found.target_price
        if found.side is Side.SELL:
            below, above = above, below
        assert 0 < below < seen.price < above


@every_rule
def test_a_signal_carries_every_parameter(rule: Rule) -> None:
    assert rule.thresholds == {field.name: float(getattr(rule, field.name)) for field in fields(rule)}


def null_trades(rule: Rule) -> NDArray[np.float64]:
    """Every trade of a rule on random walks of 5,000 candles, pooled."""
    walks = (random_walk(seed, 5000, volatility=0.015) for seed in range(100, 120))
    return np.array([gain for walk in walks for gain in walk_trades(rule, walk, Barriers())])


@every_rule
def test_nobody_earns_on_random_walks(rule: Rule) -> None:
    """The null test: no cost, no drift, so the mean trade earns nothing but chance."""
    gains = null_trades(rule)
    low, high = confidence_interval(gains)
    assert len(gains) >= 500
    assert low < 0 < high


@every_rule
def test_one_candle_of_look_ahead_fails_the_null_test(rule: Rule) -> None:
    peeking = Altered(rule, lambda name, column: np.append(column[1:], np.nan))
    low, high = confidence_interval(null_trades(peeking))
    assert not low < 0 < high
