"""In Hummingbot's backtester a controller decides as it would have live, sees nothing early, and writes in no journal."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.backtesting.backtesting_engine_base import BacktestingEngineBase
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig, DCAMode
from hummingbot.strategy_v2.models.executors import CloseType

from controllers.directional_trading.recovery_channel import RecoveryChannelConfig
from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from controllers.directional_trading.recovery_swing import RecoverySwingConfig
from shared.bot import backtester, session
from shared.bot.backtesting import Backtest, BacktestError
from shared.domain import events as ev
from shared.domain.candles import CandleError, CandleSeries
from shared.domain.rules import Exit, Features, Opportunity, evaluate_series
from shared.domain.signals import Refusal, Side

_LOG = logging.getLogger(__name__)
CHECKOUT = Path(__file__).resolve().parents[3]
ACCOUNT, FEED, PAIR = "binance_paper_trade", "binance", "BTC-USDT"
START_S = 1_736_121_600  # 2025-01-06T00:00Z
HISTORY_S = 4 * 86_400
DAY_S = 86_400
# Low enough for a random walk to give signals by the dozen.
EASY: dict[str, dict[str, Any]] = {
    "recovery_dca": {"drop_threshold": 0.02, "lookback_s": 7200},
    "recovery_swing": {"breakout_threshold": 0.002},
    "recovery_channel": {"strength_threshold": 0.4},
}
CONFIGS = {
    "recovery_dca": RecoveryDcaConfig,
    "recovery_swing": RecoverySwingConfig,
    "recovery_channel": RecoveryChannelConfig,
}
NO_GUARD = dict.fromkeys(("crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h"))


def make_config(strategy: str, **changes: Any) -> Any:
    content = yaml.safe_load((CHECKOUT / "conf" / "controllers" / f"{strategy}.yml").read_text())
    defaults = {"interval": "5m", "min_confidence": 0, **NO_GUARD, **EASY[strategy]}
    return CONFIGS[strategy](**content | defaults | changes)


def candles_of(prices: np.ndarray, first_s: int, interval_s: int) -> pd.DataFrame:
    """Candles of so many prices each, one price a minute, as Hummingbot's feeds hold them."""
    per = interval_s // 60
    grouped = prices[: len(prices) // per * per].reshape(-1, per)
    return pd.DataFrame(
        {
            "timestamp": first_s + interval_s * np.arange(len(grouped), dtype=np.float64),
            "open": grouped[:, 0],
            "high": grouped.max(axis=1),
            "low": grouped.min(axis=1),
            "close": grouped[:, -1],
            "volume": 1.0 + np.arange(len(grouped)) % 7,
        }
    )


def random_walk(seed: int, days: float = 2) -> np.ndarray:
    """A price a minute, history included: steps of 0.2 % that know nothing of each other."""
    minutes = int(HISTORY_S + days * DAY_S) // 60
    return walk_from(100.0, minutes, seed)


def walk_from(price: float, minutes: int, seed: int) -> np.ndarray:
    steps = np.random.default_rng(seed).normal(0, 0.002, minutes)
    return np.asarray(price * np.exp(np.cumsum(steps - 0.002**2 / 2)))


@dataclass
class Bench:
    """Hummingbot's engine with candles in the place of an exchange."""

    prices: np.ndarray
    config: Any
    resolution: str = "1m"
    guard: pd.DataFrame | None = None
    spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda feed: feed
    engine: Any = field(default_factory=BacktestingEngineBase)

    @property
    def feed(self) -> pd.DataFrame:
        return self.spoil(candles_of(self.prices, START_S - HISTORY_S, self.config.interval_s))

    @property
    def rows(self) -> pd.DataFrame:
        return candles_of(self.prices, START_S - HISTORY_S, {"1m": 60, "5m": 300, "15m": 900}[self.resolution])

    def run(self) -> dict[str, Any]:
        rows, feed, guard = self.rows, self.feed, self.guard
        provider = self.engine.backtesting_data_provider
        provider.candles_feeds = {
            f"{FEED}_{PAIR}_{self.config.interval}": feed,
            f"{ACCOUNT}_{PAIR}_{self.resolution}": rows,
        }
        if guard is not None:
            provider.candles_feeds[f"{FEED}_ETH-USDT_5m"] = guard
        rule = TradingRule(PAIR, Decimal("0.00001"), Decimal("1e9"), Decimal("0.01"), Decimal("0.00001"))
        rule.min_notional_size = Decimal(5)
        provider.trading_rules = {FEED: {PAIR: rule}}
        provider.initialize_candles_feed = _already_there
        end_s = int(rows["timestamp"].iloc[-1])
        return asyncio.run(self.engine.run_backtesting(self.config, START_S, end_s, self.resolution, trade_cost=0.0))

    @property
    def decided(self) -> list[ev.SignalDecided]:
        return list(self.engine.controller._session.record.signals)

    @property
    def trades(self) -> list[Any]:
        return list(self.engine.controller._session.record.executors.values())


async def _already_there(_: Any) -> None:
    return None


def told(decided: Iterable[ev.SignalDecided], until_ms: int = 2**62) -> list[tuple[Any, ...]]:
    """What the decisions up to a moment were."""
    return [
        (one.at_ms, one.signal_id, one.reason, one.price, *one.values.values())
        for one in decided
        if one.at_ms <= until_ms
    ]


def first_look_ahead(strategy: str, seed: int) -> int | None:
    """The first moment at which a decision changes when the future does; None for no such.

    Kept is what was known then: the candles that had closed, and the price of that row, at which it trades.
    """
    whole = Bench(random_walk(seed), make_config(strategy))
    whole.run()
    assert len(whole.decided) >= 4
    moments = sorted({one.at_ms // 1000 for one in whole.decided})
    for moment_s in moments[:: max(1, len(moments) // 4)]:
        known = (moment_s - START_S + HISTORY_S) // 60 + 1
        future = walk_from(whole.prices[known - 1], len(whole.prices) - known, seed + 1000)
        other = Bench(np.append(whole.prices[:known], future), whole.config)
        other.run()
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
    bench = Bench(random_walk(2), make_config(strategy), resolution)
    bench.run()
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
        bench = Bench(random_walk(seed, days=1), make_config("recovery_dca", **held))
        made += [float(executor.net_pnl_pct) for executor in bench.run()["executors"]]
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


# Its session.


def test_a_backtest_has_a_session_of_its_own_and_no_journal_file(bot_home: Path) -> None:
    before, journal = session._current, bot_home / "data" / session.JOURNAL_FILE
    # Other tests of this process may have left one: it must stay as it is.
    left = journal.read_bytes() if journal.exists() else None
    bench = Bench(random_walk(1), make_config("recovery_dca"))
    bench.run()
    assert bench.decided
    assert session._current is before
    assert bench.engine.controller._session is not before
    assert (journal.read_bytes() if journal.exists() else None) == left


def test_each_run_starts_afresh() -> None:
    first = Bench(random_walk(1), make_config("recovery_dca"))
    first.run()
    decided = told(first.decided)
    again = Bench(first.prices, first.config, engine=first.engine)
    again.run()
    assert told(again.decided) == decided


def test_nothing_is_left_asking_for_rates() -> None:
    bench = Bench(random_walk(1), make_config("recovery_dca"))
    bench.run()
    assert not bench.engine.backtesting_data_provider._rates_required


def test_what_is_no_backtest_is_none() -> None:
    assert Backtest.of(object()) is None


def test_a_bot_does_not_load_the_backtester() -> None:
    """Its module sets up logging to the terminal."""
    code = (
        "import sys; import controllers.directional_trading.recovery_dca as dca; from shared.bot import backtester;"
        "dca.RecoveryDcaConfig(id='x').get_controller_class();"
        "assert backtester.provider_class() is None;"
        "assert not [name for name in sys.modules if name.startswith('hummingbot.strategy_v2.backtesting')]"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# The same limits, on the backtest's clock.


def falls(*minutes: int, depth: float = 0.03) -> np.ndarray:
    """100 throughout but for dips of 20 minutes, `minutes` after the start."""
    prices = np.full(int(HISTORY_S + DAY_S) // 60, 100.0)
    for minute in minutes:
        first = HISTORY_S // 60 + minute
        prices[first : first + 20] = 100 * (1 - depth)
    return prices


def reasons(bench: Bench) -> list[str | None]:
    return [one.reason for one in bench.decided]


def test_cooldowns_run_on_the_backtests_clock() -> None:
    """Bought into a dip, sold when it is over; the next dip comes within the cooldown, the one after does not."""
    bench = Bench(falls(60, 90, 240), make_config("recovery_dca", cooldown_s=3600, max_positions=1))
    bench.run()
    assert [trade.closed.close_type for trade in bench.trades] == ["TAKE_PROFIT", "TAKE_PROFIT"]
    taken = [one for one in bench.decided if one.taken]
    assert [(one.at_ms // 1000 - START_S) // 60 for one in taken] == [65, 245]
    assert Refusal.COOLDOWN in reasons(bench)
    assert Refusal.POSITION_OPEN in reasons(bench)


def test_a_stop_is_followed_by_its_cooldown() -> None:
    prices = falls()
    dip = HISTORY_S // 60 + 60
    prices[dip : dip + 10] = 97.0
    prices[dip + 10 : dip + 60] = 90.0
    settings = {"cooldown_s": 0, "cooldown_after_stop_s": 3600, "levels": 1}
    bench = Bench(prices, make_config("recovery_dca", **settings))
    bench.run()
    assert bench.trades[0].closed.close_type == "STOP_LOSS"
    stopped_ms = bench.trades[0].closed.at_ms
    assert START_S * 1000 < stopped_ms < (START_S + DAY_S) * 1000
    after = [one for one in bench.decided if one.at_ms >= stopped_ms]
    assert after
    assert {one.reason for one in after if one.at_ms < stopped_ms + 3_600_000} == {Refusal.COOLDOWN_AFTER_STOP}


@pytest.mark.parametrize(("crashed_at_s", "refused"), [(-60, True), (+60, False)])
def test_the_crash_guard_sees_only_what_had_closed(crashed_at_s: int, refused: bool) -> None:
    """The leading market falls by 30 % in one candle: the one that closes a candle before the signal's row or after it."""
    signal_s = START_S + 65 * 60
    guard = candles_of(np.full(int(HISTORY_S + DAY_S) // 60, 100.0), START_S - HISTORY_S, 300)
    closes_s = guard["timestamp"] + 300
    guard.loc[closes_s > signal_s + crashed_at_s, "close"] = 70.0
    changes = {"crash_guard_pair": "ETH-USDT", "crash_drop_1h": 0.1}
    bench = Bench(falls(60), make_config("recovery_dca", **changes), guard=guard)
    bench.run()
    assert (bench.decided[0].at_ms, bench.decided[0].reason) == (
        signal_s * 1000,
        Refusal.CRASH_GUARD if refused else None,
    )


def test_an_executor_the_backtester_never_reports_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BacktestingEngineBase, "simulate_executor", lambda *_: None)
    bench = Bench(falls(60, 240), make_config("recovery_dca", cooldown_s=0))
    bench.run()
    assert {trade.closed.close_type for trade in bench.trades} == {CloseType.FAILED.name}
    assert set(reasons(bench)) == {None}, "nothing is held against the next signal"


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
    bench = Bench(falls(60), make_config("recovery_dca"))
    bench.run()
    doubled = Bench(bench.prices, bench.config, spoil=lambda feed: pd.concat([feed.iloc[:1], feed]))
    doubled.run()
    assert told(doubled.decided) == told(bench.decided)


def test_with_rows_longer_than_the_candles() -> None:
    bench = Bench(falls(60), make_config("recovery_dca"), "15m")
    with pytest.raises(BacktestError, match=r"^backtesting_resolution: is longer than the candles"):
        bench.run()


# The backtester itself.


def test_paper_connectors_have_the_trading_rules_of_the_real_one() -> None:
    make_config("recovery_dca").get_controller_class()
    provider = BacktestingEngineBase().backtesting_data_provider
    provider.trading_rules = {FEED: {PAIR: "rule"}}
    asyncio.run(provider.initialize_trading_rules(ACCOUNT))
    assert provider.get_trading_rules(ACCOUNT, PAIR) == "rule"


def test_it_is_made_fit_once() -> None:
    backtester.install()
    fit = backtester.provider_class().initialize_trading_rules
    backtester.install()
    assert backtester.provider_class().initialize_trading_rules is fit


def test_a_ladder_is_filled_level_by_level_by_the_engine() -> None:
    """The first level at once, the second not at all: the stock simulator would fill neither."""
    make_config("recovery_dca").get_controller_class()
    ladder = DCAExecutorConfig(
        timestamp=START_S,
        connector_name=ACCOUNT,
        trading_pair=PAIR,
        side=TradeType.BUY,
        amounts_quote=[Decimal(100), Decimal(100)],
        prices=[Decimal(100), Decimal(90)],
        take_profit=Decimal("0.05"),
        mode=DCAMode.MAKER,
    )
    rows = candles_of(np.array([100.0, 99.0, 106.0, 106.0]), START_S, 60).set_index("timestamp", drop=False)
    done = BacktestingEngineBase().dca_executor_simulator.simulate(rows, ladder, 0.0)
    assert done.close_type is CloseType.TAKE_PROFIT
    assert done.executor_simulation["filled_amount_quote"].tolist() == [100.0, 100.0, 206.0]
