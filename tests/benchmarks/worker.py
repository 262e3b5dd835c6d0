"""One measured bot in a process of its own: `python -m tests.benchmarks.worker '{"pairs": 2, ...}'` prints JSON.

`stock` runs the same script with Hummingbot's own paper connector and executors on the same local market, so that the
figures stand side by side.
"""

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from shared.bot import home as homes
from shared.cli.local_venue import run_beside_venue
from shared.cli.market import parse_market
from shared.simulator.egress import EgressGuard
from shared.simulator.venue import Venue
from shared.simulator.virtual_time import real_time

PAIRS = [
    *("BTC-USDT", "ETH-USDT", "SOL-USDT", "BNB-USDT", "XRP-USDT", "ADA-USDT", "DOGE-USDT", "DOT-USDT", "AVAX-USDT"),
    *("LINK-USDT", "LTC-USDT", "TRX-USDT", "ATOM-USDT", "UNI-USDT", "NEAR-USDT", "APT-USDT", "ARB-USDT", "OP-USDT"),
    *("FIL-USDT", "AAVE-USDT"),
]


def answer(measure: Callable[[Path, dict[str, Any]], dict[str, float]]) -> None:
    """Measure what the command line asks for in a home of its own, and print the figures for the parent process."""
    folder = Path(tempfile.mkdtemp(prefix="recovery-bench-"))
    try:
        print(json.dumps(measure(folder, json.loads(sys.argv[1]))))  # noqa: T201
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, asked: dict[str, Any]) -> dict[str, Any]:
    homes.enter(homes.prepare(folder))
    import hummingbot.connector.exchange.paper_trade as paper_trade
    import hummingbot.core.connector_manager as connector_manager
    from hummingbot.strategy_v2.executors.executor_orchestrator import ExecutorOrchestrator

    stock = (paper_trade.create_paper_trade_market, dict(ExecutorOrchestrator._executor_mapping))
    from shared.bot import launcher, script_config

    if asked["stock"]:
        paper_trade.create_paper_trade_market = connector_manager.create_paper_trade_market = stock[0]
        ExecutorOrchestrator._executor_mapping.update(stock[1])
    config_name = "recovery_dca_phase1.yml"
    config = script_config.load_script_config(folder / "conf" / "scripts" / config_name)
    config = config.model_copy(update={"pairs": PAIRS[: asked["pairs"]]})
    figures: dict[str, Any] = {}

    async def watch(strategy: Any) -> None:
        await _watch(strategy, asked, figures)

    async def trade(_: Venue) -> None:
        client_config = launcher.configure(simulated=True)
        await launcher.run_script("recovery_dca.py", config_name, config, client_config, watch)

    run_beside_venue(parse_market("simulated", 1), config.pairs, asked["speed"], EgressGuard(), trade)
    return figures


async def _watch(strategy: Any, asked: dict[str, Any], figures: dict[str, Any]) -> None:
    process = psutil.Process()
    ticks: list[float] = []
    on_tick = strategy.on_tick

    def timed_on_tick() -> None:
        began = time.perf_counter()
        on_tick()
        ticks.append(time.perf_counter() - began)

    strategy.on_tick = timed_on_tick
    while not (strategy.ready_to_trade and strategy.market_data_provider.ready):
        await asyncio.sleep(0.1)
    figures["ready_s"] = real_time() - process.create_time()
    cpu_began, real_began, market_began = sum(process.cpu_times()[:2]), real_time(), time.time()
    ticks.clear()
    while time.time() - market_began < asked["market_s"]:
        await asyncio.sleep(1)
        if "first_fill_market_s" not in figures and any(
            order.fills for order in strategy.session.record.orders.values()
        ):
            figures["first_fill_s"] = real_time() - real_began
            figures["first_fill_market_s"] = time.time() - market_began
    spent = real_time() - real_began
    figures["cpu_share"] = (sum(process.cpu_times()[:2]) - cpu_began) / spent
    figures["market_speed"] = (time.time() - market_began) / spent
    figures["on_tick_ms"] = statistics.median(ticks) * 1000
    figures["orders"] = len(strategy.session.record.orders)
    figures["fills"] = sum(len(order.fills) for order in strategy.session.record.orders.values())


if __name__ == "__main__":
    answer(_measure)
