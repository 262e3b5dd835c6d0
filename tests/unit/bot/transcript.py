"""Everything others can see of what a controller does, on one market, under one configuration.

What merely repeats the configuration is left out: the thresholds of a signal, its fingerprint, its adjustments, the record of a
configuration taken. So a field that changes a transcript is one that something reads.
"""

from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from hummingbot.core.data_type.common import PriceType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot.config_fields import INTERVALS_S
from shared.bot.strategy import RecoveryStrategy
from shared.simulator.virtual_time import VirtualClock, virtual_time
from tests.unit.bot.desk import Desk
from tests.unit.bot.fake_exchange import START_S

_BEFORE_MINUTES, _AFTER_MINUTES = 9_000, 3_000
_DECISIONS = 60
_CLOSED_AFTER = 3
# How much a market swings, and how fast it falls, as a fraction a minute.
_PAIRS = {"BTC-USDT": (1.0, 0.0), "ETH-USDT": (1.0, 0.0), "SOL-USDT": (0.02, 3e-5)}


@cache
def _minutes(pair: str) -> dict[str, Any]:
    """A market that swings, trends and trembles: each rule finds something in it. That of SOL falls all the time."""
    swing, fall = _PAIRS[pair]
    numbers = np.random.default_rng(list(_PAIRS).index(pair))
    at = np.arange(_BEFORE_MINUTES + _AFTER_MINUTES)
    swings = 0.02 * np.sin(2 * np.pi * at / 180) + 0.03 * np.sin(2 * np.pi * at / 2_600)
    close = 100 * np.exp(swing * (swings + np.cumsum(numbers.normal(0, 0.0004, len(at)))) - fall * at)
    opened = np.concatenate([close[:1], close[:-1]])
    wick = 1 + np.abs(numbers.normal(0, 0.0005, len(at)))
    return {
        "open": opened,
        "high": np.maximum(opened, close) * wick,
        "low": np.minimum(opened, close) / wick,
        "close": close,
        "volume": numbers.lognormal(0, 0.5, len(at)) * (1 + 300 * np.abs(close / opened - 1)),
    }


@cache
def _candles(pair: str, interval: str) -> pd.DataFrame:
    each = INTERVALS_S[interval] // 60
    parts = {name: values.reshape(-1, each) for name, values in _minutes(pair).items()}
    count = len(parts["open"])
    return pd.DataFrame(
        {
            "timestamp": START_S - _BEFORE_MINUTES * 60 + INTERVALS_S[interval] * np.arange(count),
            "open": parts["open"][:, 0],
            "high": parts["high"].max(axis=1),
            "low": parts["low"].min(axis=1),
            "close": parts["close"][:, -1],
            "volume": parts["volume"].sum(axis=1),
        }
    )


class _Market:
    """Candles, prices and rules of any connector; remembers which feeds it was asked for."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.connectors: dict[str, Any] = {}
        self.feeds: set[tuple[str, str, str, int]] = set()

    def time(self) -> float:
        return self._clock.time()

    def get_candles_df(self, connector: str, pair: str, interval: str, max_records: int) -> pd.DataFrame:
        self.feeds.add((connector, pair, interval, max_records))
        candles = _candles(pair, interval)
        # The last is the one in progress, its end still ahead.
        count = int(np.searchsorted(candles["timestamp"], self.time(), side="right"))
        return candles.iloc[max(0, count - max_records) : count]

    def get_price_by_type(self, connector: str, pair: str, kind: PriceType) -> Decimal:
        minute = int(self.time() - START_S) // 60 + _BEFORE_MINUTES
        return Decimal(str(_minutes(pair)["open"][minute])).quantize(Decimal("0.01"))

    def get_trading_rules(self, connector: str, pair: str) -> Any:
        return SimpleNamespace(min_order_size=Decimal("0.001"), min_notional_size=Decimal(5))

    def quantize_order_amount(self, connector: str, pair: str, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal("0.001"))


@dataclass(frozen=True)
class Transcript:
    """What could be seen: feeds asked for, the account's set-up, each signal with its fate, each executor."""

    feeds: frozenset[tuple[str, str, str, int]]
    account: tuple[Any, ...]
    signals: tuple[Any, ...]
    executors: tuple[Any, ...]


def transcript(strategy: str, **changes: Any) -> Transcript:
    """Let a controller decide on 60 candles; each position it opens ends by its stop loss three candles later."""
    with virtual_time(VirtualClock(START_S, None)) as clock:
        desk = Desk(clock, strategy, **changes)
        market = _Market(clock)
        desk.controller.market_data_provider = market
        opened: list[tuple[int, DCAExecutorConfig]] = []
        for place in range(_DECISIONS):
            for action in desk.look():
                assert isinstance(action, CreateExecutorAction)
                opened.append((place, action.executor_config))
            for at, config in opened:
                if at + _CLOSED_AFTER == place:
                    desk.closes(config, CloseType.STOP_LOSS)
            desk.wait()
    return Transcript(
        frozenset(market.feeds),
        _account(desk.controller),
        tuple(
            (
                *(
                    signal.controller_id,
                    signal.strategy,
                    signal.pair,
                    signal.phase,
                    signal.candle_close_ms,
                    signal.side,
                ),
                *(signal.confidence, repr(signal.values), repr(signal.components), signal.reason),
            )
            for signal in desk.decided
        ),
        tuple(repr(config.model_dump(exclude={"id", "level_id", "controller_id"})) for _, config in opened),
    )


def _account(controller: Any) -> tuple[Any, ...]:
    """How the script sets the controller's account up before it starts."""
    calls: list[Any] = []
    script = SimpleNamespace(
        controllers={"": controller},
        set_position_mode=lambda *given: calls.append(given),
        set_leverage=lambda *given: calls.append(given),
    )
    RecoveryStrategy.apply_initial_setting(script)  # type: ignore[arg-type]
    return tuple(calls)
