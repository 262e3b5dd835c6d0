"""What 20 pairs under three strategies cost, in a process of its own; `python -m tests.benchmarks.controllers '{...}'`.

`stock` runs the same bot, its controllers recomputing an indicator over all their candles at every update, as Hummingbot's
bollinger_v1 does. `closed` puts so many closed executors behind every controller before `on_tick` is timed; stock, they are
all held in memory.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil

from shared.bot import home as homes
from shared.cli.local_venue import run_beside_venue
from shared.cli.market import parse_market
from shared.simulator.egress import EgressGuard
from shared.simulator.venue import Venue
from shared.simulator.virtual_time import real_time
from tests.benchmarks.worker import PAIRS, answer

_CONFIG = "recovery_all_phase1.yml"
_STRATEGIES = 3
_BOLLINGER_LENGTH = 100


def _measure(folder: Path, asked: dict[str, Any]) -> dict[str, float]:
    homes.enter(homes.prepare(folder))
    from shared.bot import launcher, script_config
    from shared.bot.controller import RecoveryController
    from shared.bot.strategy import RecoveryStrategy

    if asked["stock"]:
        RecoveryStrategy.closed_executors_buffer = asked["closed"] * len(PAIRS) * _STRATEGIES
        RecoveryController.update_processed_data = _recompute  # type: ignore[method-assign]
        RecoveryController.determine_executor_actions = lambda _: []  # type: ignore[method-assign]
    config = script_config.load_script_config(folder / "conf" / "scripts" / _CONFIG)
    config = config.model_copy(update={"pairs": PAIRS[: asked["pairs"]]})
    figures: dict[str, float] = {}

    async def watch(strategy: Any) -> None:
        await _watch(strategy, asked, figures)

    async def trade(_: Venue) -> None:
        client_config = launcher.configure(simulated=True)
        await launcher.run_script("recovery_all.py", _CONFIG, config, client_config, watch)

    run_beside_venue(parse_market("simulated", 1), config.pairs, 1.0, EgressGuard(), trade)
    return figures


async def _recompute(controller: Any) -> None:
    """What a stock controller does at each update: all its candles, the indicator over all of them, one row used."""
    import pandas_ta as ta

    feed = controller.config.candles
    frame = controller.market_data_provider.get_candles_df(
        feed.connector, feed.trading_pair, feed.interval, feed.max_records
    )
    bands = ta.bbands(frame["close"], length=_BOLLINGER_LENGTH, std=2.0)
    frame[bands.columns] = bands
    share = frame[next(name for name in bands.columns if name.startswith("BBP"))]
    frame["signal"] = 0
    frame.loc[share < 0, "signal"] = 1
    frame.loc[share > 1, "signal"] = -1
    controller.processed_data["signal"] = frame["signal"].iloc[-1]
    controller.processed_data["features"] = frame


async def _watch(strategy: Any, asked: dict[str, Any], figures: dict[str, float]) -> None:
    while not (strategy.ready_to_trade and strategy.market_data_provider.ready):
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)  # the first evaluation of every controller is over
    if asked["closed"]:
        _close_executors(strategy, asked["closed"])
        await asyncio.sleep(5)
    process = psutil.Process()
    with _timed(strategy) as ticks:
        cpu_began, real_began = sum(process.cpu_times()[:2]), real_time()
        await asyncio.sleep(asked["seconds"])
        figures["cpu_share"] = (sum(process.cpu_times()[:2]) - cpu_began) / (real_time() - real_began)
    ticks.sort()
    figures["on_tick_ms"] = statistics.median(ticks)
    figures["on_tick_p99_ms"] = ticks[len(ticks) * 99 // 100]
    figures["idle_update_ms"] = await _idle_update_ms(strategy)
    figures["controllers"] = len(strategy.controllers)


@contextmanager
def _timed(strategy: Any) -> Iterator[list[float]]:
    ticks: list[float] = []
    on_tick: Callable[[], None] = strategy.on_tick

    def timed_on_tick() -> None:
        began = time.perf_counter()
        on_tick()
        ticks.append((time.perf_counter() - began) * 1000)

    strategy.on_tick = timed_on_tick
    try:
        yield ticks
    finally:
        strategy.on_tick = on_tick


async def _idle_update_ms(strategy: Any) -> float:
    """Median time of one controller's turn in which no candle has closed."""
    took = []
    for _ in range(20):
        for controller in strategy.controllers.values():
            began = time.perf_counter()
            await controller.update_processed_data()
            controller.determine_executor_actions()
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def _close_executors(strategy: Any, count: int) -> None:
    """Put closed executors behind every controller, as a long run leaves them."""
    from hummingbot.core.data_type.common import TradeType
    from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig
    from hummingbot.strategy_v2.models.executors import CloseType

    from shared.bot.executors import RecoveryDcaExecutor

    for controller_id, controller in strategy.controllers.items():
        for number in range(count):
            config = DCAExecutorConfig(
                timestamp=strategy.current_timestamp,
                controller_id=controller_id,
                connector_name=controller.config.connector_name,
                trading_pair=controller.config.trading_pair,
                side=TradeType.BUY,
                amounts_quote=[Decimal(20)],
                prices=[Decimal(1)],
                take_profit=Decimal("0.01"),
                stop_loss=Decimal("0.01"),
                level_id=f"bench-{controller_id}-{number}",
            )
            executor = RecoveryDcaExecutor(strategy, config)
            executor.close_execution_by(CloseType.TAKE_PROFIT)
            strategy.executor_orchestrator.active_executors.setdefault(controller_id, []).append(executor)


if __name__ == "__main__":
    answer(_measure)
