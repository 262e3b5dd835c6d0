"""Hummingbot's backtester is made fit for paper connectors and ladders, once, and only where it is loaded."""

import asyncio
import subprocess
import sys
from decimal import Decimal

import numpy as np
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.backtesting.backtesting_engine_base import BacktestingEngineBase
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig, DCAMode
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot import backtester
from tests.unit.bot.backtest_bench import ACCOUNT, CHECKOUT, FEED, PAIR, START_S, candles_of, make_config


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
