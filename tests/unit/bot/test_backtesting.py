"""In Hummingbot's backtester a controller decides as it would have live and sees nothing early.

Its limits and its session: tests/unit/bot/test_backtesting_session.py.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from shared.bot.backtesting import Backtest, BacktestError
from shared.domain.candles import CandleError, CandleSeries
from shared.domain.rules import Exit, Features, Opportunity, evaluate_series
from shared.domain.signals import Side
from tests.unit.bot.backtest_bench import (
    CONFIGS,
    HISTORY_S,
    START_S,
    Bench,
    falls,
    make_config,
    random_walk,
    told,
    walk_from,
)

_LOG = logging.getLogger(__name__)


def first_look_ahead(strategy: str, seed: int) -> int | None:
    """The first moment at which a decision changes when the future does; None for no such.

    Kept is what was known then: the candles that had closed, and the price of that row, at which it trades.
    """
    whole = Bench(random_walk(seed), make_config(strategy)).run()
    assert len(whole.decided) >= 4
    moments = sorted({one.at_ms // 1000 for one in whole.decided})
    for moment_s in moments[:: max(1, len(moments) // 4)]:
        known = (moment_s - START_S + HISTORY_S) // 60 + 1
        future = walk_from(whole.prices[known - 1], len(whole.prices) - known, seed + 1000)
        other = Bench(np.append(whole.prices[:known], future), whole.config).run()
        until_ms = moment_s * 1000
        if told(other.decided, until_ms) != told(whole.decided, until_ms):
            return moment_s
    return None


def stamp_at_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mistake this guards against: features stamped as candles are."""
    right = Backtest.features

    def wrong(self: Backtest, rule: Any, feed: Any, interval_s: int) -> pd.DataFrame:
        frame = right(self, rule, feed, interval_s)
        return frame.assign(timestamp=frame["timestamp"] - interval_s)

    monkeypatch.setattr(Backtest, "features", wrong)


@pytest.mark.parametrize("strategy", CONFIGS)
def test_no_decision_uses_what_was_not_known(strategy: str) -> None:
    assert first_look_ahead(strategy, seed=1) is None


@pytest.mark.parametrize("strategy", CONFIGS)
def test_features_stamped_at_the_open_would_be_found(strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp_at_open(monkeypatch)
    assert first_look_ahead(strategy, seed=1) is not None


@pytest.mark.parametrize("strategy", CONFIGS)
@pytest.mark.parametrize("resolution", ["1m", "5m"])
def test_decisions_are_the_signals_of_the_rule_at_the_close_of_their_candle(strategy: str, resolution: str) -> None:
    bench = Bench(random_walk(2), make_config(strategy), resolution).run()
    rows = bench.feed.to_numpy(dtype=np.float64)
    end_ms = int(bench.rows["timestamp"].iloc[-1]) * 1000
    expected = [
        (seen.candle_close_ms, seen.opportunity.side, seen.opportunity.confidence, dict(seen.values))
        for seen in evaluate_series(bench.config.rule, CandleSeries.from_rows(rows, 300))
        if seen.opportunity is not None and START_S * 1000 <= seen.candle_close_ms <= end_ms
    ]
    assert len(expected) >= 4
    assert [(one.candle_close_ms, one.side, one.confidence, dict(one.values)) for one in bench.decided] == expected
    assert all(one.at_ms == one.candle_close_ms for one in bench.decided)


@dataclass(frozen=True)
class BuyRisingCandles:
    """A rule that is worth nothing on a random walk unless it knows the candle before it closes."""

    thresholds: Mapping[str, float] = field(default_factory=dict)

    def candles_needed(self, interval_s: int) -> int:
        return 1

    def features(self, candles: CandleSeries) -> Features:
        return {"change": candles.close / candles.open - 1}

    def judge(self, values: Mapping[str, float]) -> Opportunity | None:
        return Opportunity(Side.BUY, 1.0, {}) if values["change"] > 0 else None

    def exit_reason(self, values: Mapping[str, float], side: Side) -> Exit | None:
        return None


def profit_on_walks(monkeypatch: pytest.MonkeyPatch) -> tuple[float, float]:
    """Mean and its standard error of what holding for a candle brings, as a fraction, at no cost."""
    monkeypatch.setattr(RecoveryDcaConfig, "rule", BuyRisingCandles())
    held = {"levels": 1, "take_profit": 0.4, "stop_loss": 0.4, "time_limit_s": 300, "cooldown_s": 0}
    made: list[float] = []
    for seed in range(2, 8):
        bench = Bench(random_walk(seed, days=1), make_config("recovery_dca", **held)).run()
        made += [float(executor.net_pnl_pct) for executor in bench.result["executors"]]
    mean, error = float(np.mean(made)), float(np.std(made) / np.sqrt(len(made)))
    _LOG.info("%d trades: %.3f %% a trade, standard error %.3f %%", len(made), mean * 100, error * 100)
    return mean, error


def test_a_random_walk_earns_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    mean, error = profit_on_walks(monkeypatch)
    assert abs(mean) < 3 * error


def test_a_random_walk_seen_a_candle_early_earns(monkeypatch: pytest.MonkeyPatch) -> None:
    stamp_at_open(monkeypatch)
    mean, error = profit_on_walks(monkeypatch)
    assert mean > 10 * error


# What cannot be backtested is told in one sentence.


def test_without_candles() -> None:
    bench = Bench(falls(60), make_config("recovery_dca", candles_connector="kucoin"))
    with pytest.raises(BacktestError, match=r"^BTC-USDT 5m: the backtest has no candles of kucoin$"):
        bench.run()


def test_with_too_few_candles() -> None:
    bench = Bench(falls(60), make_config("recovery_dca", lookback_s=86_400), spoil=lambda feed: feed.iloc[:100])
    with pytest.raises(BacktestError, match=r"^BTC-USDT 5m: the backtest has 100 candles, the rule needs 288$"):
        bench.run()


def test_with_a_gap() -> None:
    bench = Bench(falls(60), make_config("recovery_dca"), spoil=lambda feed: feed.drop(index=300))
    with pytest.raises(CandleError, match="candles are not 300 s apart"):
        bench.run()


def test_a_first_candle_that_comes_twice_counts_once() -> None:
    bench = Bench(falls(60), make_config("recovery_dca")).run()
    doubled = Bench(bench.prices, bench.config, spoil=lambda feed: pd.concat([feed.iloc[:1], feed])).run()
    assert told(doubled.decided) == told(bench.decided)


def test_with_rows_longer_than_the_candles() -> None:
    bench = Bench(falls(60), make_config("recovery_dca"), "15m")
    with pytest.raises(BacktestError, match=r"^backtesting_resolution: is longer than the candles"):
        bench.run()


def test_what_is_no_backtest_is_none() -> None:
    assert Backtest.of(object()) is None
