"""Hummingbot's backtesting engine with candles in the place of an exchange."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import yaml
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.strategy_v2.backtesting.backtesting_engine_base import BacktestingEngineBase

from controllers.directional_trading.recovery_channel import RecoveryChannelConfig
from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from controllers.directional_trading.recovery_swing import RecoverySwingConfig
from shared.domain import events as ev

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
    """A strategy's configuration as it is in conf, but easy to please."""
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
    """So many minutes of a random walk without drift."""
    steps = np.random.default_rng(seed).normal(0, 0.002, minutes)
    return np.asarray(price * np.exp(np.cumsum(steps - 0.002**2 / 2)))


def falls(*minutes: int) -> np.ndarray:
    """100 throughout but for dips of 3 % for 20 minutes, `minutes` after the start."""
    prices = np.full(int(HISTORY_S + DAY_S) // 60, 100.0)
    for minute in minutes:
        first = HISTORY_S // 60 + minute
        prices[first : first + 20] = 97.0
    return prices


@dataclass
class Bench:
    """A configuration, the prices it is tried on, and once it has run what came of it."""

    prices: np.ndarray
    config: Any
    resolution: str = "1m"
    guard: pd.DataFrame | None = None
    spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda feed: feed
    engine: Any = field(default_factory=BacktestingEngineBase)
    result: dict[str, Any] = field(default_factory=dict)

    @property
    def feed(self) -> pd.DataFrame:
        return self.spoil(candles_of(self.prices, START_S - HISTORY_S, self.config.interval_s))

    @property
    def rows(self) -> pd.DataFrame:
        return candles_of(self.prices, START_S - HISTORY_S, {"1m": 60, "5m": 300, "15m": 900}[self.resolution])

    def run(self) -> Self:
        """The engine's run over all rows, afresh each time."""
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
        running = self.engine.run_backtesting(self.config, START_S, end_s, self.resolution, trade_cost=0.0)
        self.result = asyncio.run(running)
        return self

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
