"""Hummingbot's own controllers on the sidecar's candles: they run as ever, and open nothing on stale or degraded ones."""

import asyncio
import logging
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pandas_ta as ta  # noqa: F401 - for its effect: frames know indicators, as in Hummingbot's controllers
import pytest
from hummingbot.core.data_type.common import PositionAction, TradeType
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig
from hummingbot.data_feed.market_data_provider import MarketDataProvider
from hummingbot.strategy_v2.controllers import directional_trading_controller_base as stock
from hummingbot.strategy_v2.executors.executor_orchestrator import ExecutorOrchestrator
from hummingbot.strategy_v2.executors.order_executor.data_types import ExecutionStrategy, OrderExecutorConfig
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction
from pydantic import Field

from shared.bot import feed_entries, host
from shared.bot.controller import RecoveryController
from shared.bot.feed_candles import NAME, RecoveryFeed
from shared.domain.feed_status import Mode
from shared.domain.signals import Refusal
from shared.wire.feed_messages import ModeChange
from tests.unit.bot.feed_server import PAIR, FeedServer, close, on_virtual_time, until, window


class BollingerConfig(stock.DirectionalTradingControllerConfigBase):
    controller_name: str = "bollinger"
    candles_connector: str = NAME
    candles_trading_pair: str = PAIR
    interval: str = "3m"
    bb_length: int = 5
    candles_config: list[CandlesConfig] = Field(default_factory=list)


class Bollinger(stock.DirectionalTradingControllerBase):  # type: ignore[misc]
    """As Hummingbot's bollinger_v1 reads its candles (controllers/directional_trading/bollinger_v1.py)."""

    def __init__(self, config: BollingerConfig, *args: Any, **kwargs: Any) -> None:
        self.asked = CandlesConfig(
            connector=config.candles_connector,
            trading_pair=config.candles_trading_pair,
            interval=config.interval,
            max_records=config.bb_length + 5,
        )
        config.candles_config = [self.asked]
        super().__init__(config, *args, **kwargs)

    def get_candles_config(self) -> list[CandlesConfig]:
        return [self.asked]

    async def update_processed_data(self) -> None:
        frame = self.market_data_provider.get_candles_df(
            self.asked.connector, self.asked.trading_pair, self.asked.interval, self.asked.max_records
        )
        frame.ta.bbands(length=self.config.bb_length, lower_std=1, upper_std=1, append=True)
        share = next(name for name in frame.columns if name.startswith("BBP"))
        self.processed_data = {"signal": 1 if frame[share].iloc[-1] < 0.5 else -1, "features": frame}


class Bot:
    """A stock controller in a stock provider and orchestrator, its executors recorded only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened: list[Any] = []
        self.stopped: list[Any] = []
        monkeypatch.setattr(
            ExecutorOrchestrator,
            "create_executor",
            feed_entries._asking(lambda _, action: self.opened.append(action.executor_config)),
        )
        monkeypatch.setattr(ExecutorOrchestrator, "stop_executor", lambda _, action: self.stopped.append(action))
        monkeypatch.setattr(MarketDataProvider, "initialize_rate_sources", lambda *_: None)
        self.provider = MarketDataProvider({})
        self.provider.get_price_by_type = lambda *_: Decimal(100)
        self.actions: asyncio.Queue[Any] = asyncio.Queue()
        config = BollingerConfig(
            id="stock", connector_name="binance", trading_pair=PAIR, total_amount_quote=Decimal(100)
        )
        self.controller: Any = Bollinger(config, self.provider, self.actions)
        self.strategy: Any = SimpleNamespace(market_data_provider=self.provider, controllers={"stock": self.controller})
        self.orchestrator = ExecutorOrchestrator.__new__(ExecutorOrchestrator)
        self.orchestrator.strategy = self.strategy
        self.orchestrator.cached_performance = {"stock": None, "main": None}
        for asked in self.controller.get_candles_config():
            self.provider.initialize_candles_feed(asked)

    async def turn(self) -> None:
        """One turn of the control loop, and of the strategy that listens to it."""
        self.controller.executors_update_event.set()
        await self.controller.control_task()
        while not self.actions.empty():
            self.orchestrator.execute_actions(self.actions.get_nowait())

    @property
    def feed(self) -> RecoveryFeed:
        (found,) = self.provider.candles_feeds.values()
        return found

    def create(self, executor_config: Any, controller_id: str = "stock") -> None:
        self.orchestrator.execute_actions(
            [CreateExecutorAction(controller_id=controller_id, executor_config=executor_config)]
        )

    async def stop(self) -> None:
        self.provider.stop()
        await asyncio.sleep(1)


def test_a_stock_controller_trades_on_the_sidecars_candles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(server: FeedServer) -> None:
        bot = Bot(monkeypatch)
        await bot.turn()
        assert bot.opened == []  # not ready
        await until(lambda: bot.provider.ready)
        await bot.turn()
        assert [config.side for config in bot.opened] == [TradeType.SELL]  # the window rises
        features: pd.DataFrame = bot.controller.processed_data["features"]
        assert len(features) == 10
        assert features["close"].iloc[-1] == 99
        await bot.stop()

    on_virtual_time(use, tmp_path, monkeypatch, window(50))


def test_it_opens_nothing_on_stale_or_degraded_candles_and_says_so_each_time_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def use(server: FeedServer) -> None:
        bot = Bot(monkeypatch)
        await until(lambda: bot.provider.ready)
        await server.tell(ModeChange(PAIR, Mode.DEGRADED, "no source has candles"))
        await until(lambda: bot.feed.refusal() is Refusal.FEED_DEGRADED)
        for _ in range(5):
            await bot.turn()
        assert bot.opened == []
        assert bot.controller.processed_data["signal"] == -1  # it runs on
        await server.tell(ModeChange(PAIR, Mode.LIVE, ""))
        await until(lambda: bot.feed.refusal() is None)
        await bot.turn()
        assert len(bot.opened) == 1
        await asyncio.sleep(600)
        for _ in range(5):
            await bot.turn()
        assert len(bot.opened) == 1
        bot.orchestrator.execute_actions([StopExecutorAction(controller_id="stock", executor_id="an-executor")])
        assert len(bot.stopped) == 1
        await server.tell(*(close(place) for place in range(10)))
        await until(lambda: bot.feed.refusal() is None)
        await bot.turn()
        assert len(bot.opened) == 2
        await asyncio.sleep(1200)
        await bot.turn()
        assert len(bot.opened) == 2
        await bot.stop()

    with caplog.at_level(logging.WARNING):
        on_virtual_time(use, tmp_path, monkeypatch, window(50))
    told = [record.message for record in caplog.records if record.name == feed_entries.__name__]
    assert told == [
        f"stock: {reason}: nothing new is opened on these candles"
        for reason in ("feed_degraded", "feed_stale", "feed_stale")
    ]


def order(action: PositionAction, pair: str = PAIR) -> OrderExecutorConfig:
    return OrderExecutorConfig(
        timestamp=0,
        trading_pair=pair,
        connector_name="binance",
        side=TradeType.SELL,
        amount=Decimal(1),
        execution_strategy=ExecutionStrategy.MARKET,
        position_action=action,
    )


def test_what_closes_a_position_and_what_rests_on_other_candles_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(_: FeedServer) -> None:
        bot = Bot(monkeypatch)
        assert bot.feed.refusal() is Refusal.FEED_STALE
        bot.create(order(PositionAction.OPEN))
        bot.create(order(PositionAction.OPEN), "main")  # a script's own, on a pair the sidecar serves here
        assert bot.opened == []
        bot.create(order(PositionAction.CLOSE))
        bot.create(order(PositionAction.OPEN, "ETH-USDT"), "main")
        assert len(bot.opened) == 2
        bot.create(order(PositionAction.OPEN, "ETH-USDT"))  # what this controller reads decides, not what it trades
        assert len(bot.opened) == 2
        bot.controller.asks_feeds_itself = True
        bot.create(order(PositionAction.OPEN))
        assert len(bot.opened) == 3
        await bot.stop()

    on_virtual_time(use, tmp_path, monkeypatch, is_there=False)


def test_our_controllers_ask_for_themselves() -> None:
    assert RecoveryController.asks_feeds_itself


def test_importing_the_bot_is_enough_and_once_is_enough() -> None:
    asking: Any = ExecutorOrchestrator.create_executor
    assert asking.asks_feeds
    host.install()
    assert ExecutorOrchestrator.create_executor is asking
