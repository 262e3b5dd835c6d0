"""Make Hummingbot's backtester, in a process that has one, fit for our controllers: paper connectors by name, whole ladders.

It is in the processes of hummingbot-api and of notebooks, never in a bot.
"""

import sys
from typing import Any

from shared.paper.injection import base_name


def provider_class() -> Any:
    """Hummingbot's class of market data in a backtest; None where this process has no backtester.

    Not imported here, because its module sets up logging to the terminal, which a bot has for itself.
    """
    module = sys.modules.get("hummingbot.strategy_v2.backtesting.backtesting_data_provider")
    return None if module is None else module.BacktestingDataProvider


def install() -> None:
    """Replace what does not work, where this process has a backtester. Safe to call again."""
    provider = provider_class()
    if provider is None or getattr(provider, "_is_fit_for_recovery", False):
        return
    provider._is_fit_for_recovery = True
    _know_paper_names(provider)
    _simulate_whole_ladders()


def _know_paper_names(provider: Any) -> None:
    """Trading rules come from the real connector: the backtester fails to make one by a paper name."""
    stock_initialize = provider.initialize_trading_rules

    async def initialize_trading_rules(self: Any, connector_name: str) -> None:
        real = base_name(connector_name)
        await stock_initialize(self, real)
        self.trading_rules[connector_name] = self.trading_rules[real]

    provider.initialize_trading_rules = initialize_trading_rules


def _simulate_whole_ladders() -> None:
    from hummingbot.strategy_v2.backtesting.executors_simulator.dca_executor_simulator import DCAExecutorSimulator

    from shared.bot.ladder_simulator import simulate

    DCAExecutorSimulator.simulate = lambda _, df, config, trade_cost: simulate(df, config, trade_cost)
