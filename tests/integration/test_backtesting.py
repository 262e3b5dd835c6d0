"""Hummingbot's backtesting engine runs each controller on recorded candles, fetched from the local venue over sockets.

Candle feeds, trading rules and the engine are Hummingbot's own; only the addresses are redirected. How fast it was is logged:
pytest -o log_cli=true --log-cli-level=INFO
"""

import asyncio
import logging
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hummingbot.client import settings
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from hummingbot.strategy_v2.backtesting.backtesting_engine_base import BacktestingEngineBase

from shared.bot import session
from shared.bot.redirect import redirected
from shared.domain.candles import CandleSeries
from shared.domain.rules import Evaluation, evaluate_series
from shared.simulator.egress import EgressGuard
from shared.simulator.recording import RecordingSpec
from shared.simulator.scenario import replay
from shared.simulator.server import VenueServer
from tests.acceptance.bot_home import CHECKOUT, MARKET_DATA

_LOG = logging.getLogger(__name__)
DAY_S = 86_400
BTC_1M = "binance_us_BTC-USDT_1m_2023-03.csv.gz"
BTC_5M, ETH_5M, SOL_5M = (f"bybit_perp_{base}-USDT_5m_2025-04_2025-07.csv.gz" for base in ("BTC", "ETH", "SOL"))


@dataclass(frozen=True)
class Case:
    """A strategy file on some days of a recording, beside that of the market its crash guard watches."""

    file: str
    recordings: tuple[str, ...]
    pair: str
    start: str
    days: int
    resolution: str
    step_s: int

    @property
    def start_s(self) -> int:
        return int(datetime.fromisoformat(self.start).replace(tzinfo=UTC).timestamp())

    @property
    def end_s(self) -> int:
        return self.start_s + self.days * DAY_S


CASES = [
    Case("recovery_dca_phase1.yml", (BTC_1M,), "BTC-USDT", "2023-03-08", 4, "1m", step_s=15),
    Case("recovery_swing_phase1.yml", (SOL_5M, BTC_5M), "SOL-USDT", "2025-04-09", 5, "5m", step_s=60),
    Case("recovery_channel_phase1.yml", (ETH_5M, BTC_5M), "ETH-USDT", "2025-04-20", 4, "5m", step_s=60),
]


@pytest.fixture(autouse=True)
def committed_files(bot_home: Path) -> None:
    """Other tests of this process may have left files of their own in the home."""
    shutil.copytree(CHECKOUT / "conf" / "controllers", bot_home / "conf" / "controllers", dirs_exist_ok=True)


def backtest(case: Case) -> tuple[Any, dict[str, Any], EgressGuard]:
    """The engine after its run, what it returned, and who was asked for beside the venue."""
    egress = EgressGuard()

    async def run() -> tuple[Any, dict[str, Any]]:
        specs = [RecordingSpec(MARKET_DATA / name, case.start_s * 1000) for name in case.recordings]
        venue = replay(specs, warmup_s=5 * DAY_S, step_s=case.step_s, clock=lambda: case.end_s)
        server = VenueServer(venue)
        await server.start()
        try:
            with redirected(server.base_url, egress):
                engine = BacktestingEngineBase()
                content = engine.load_controller_config(case.file, settings.CONTROLLERS_CONF_DIR_PATH)
                config = engine.get_controller_config_instance_from_dict(content | {"trading_pair": case.pair})
                began = time.perf_counter()
                outcome = await engine.run_backtesting(config, case.start_s, case.end_s, case.resolution)
                took_s, rows = time.perf_counter() - began, len(outcome["processed_data"]["features"])
                _LOG.info("%s: %d rows in %.1f s, %.0f a second", case.file, rows, took_s, rows / took_s)
                return engine, outcome
        finally:
            # The factory is a singleton whose session belongs to this event loop.
            await ConnectionsFactory().close()
            await server.stop()

    engine, outcome = asyncio.run(run())
    return engine, outcome, egress


def expected_signals(engine: Any, case: Case) -> list[Evaluation]:
    """The rule's signals over the very candles the engine was given."""
    config = engine.controller.config
    feed = config.candles
    frame = engine.backtesting_data_provider.candles_feeds[f"{feed.connector}_{case.pair}_{feed.interval}"]
    rows = frame.drop_duplicates("timestamp").to_numpy(dtype=np.float64)
    return [
        seen
        for seen in evaluate_series(config.rule, CandleSeries.from_rows(rows, config.interval_s))
        if seen.opportunity is not None and case.start_s * 1000 <= seen.candle_close_ms <= case.end_s * 1000
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.file.removesuffix(".yml"))
def test_a_controller_runs_on_recorded_candles(case: Case, bot_home: Path) -> None:
    for name in case.recordings:
        if not (MARKET_DATA / name).is_file():
            pytest.skip(f"{MARKET_DATA / name} is absent: recorded candles are no part of the repository")
    journal, sessions = bot_home / "data" / session.JOURNAL_FILE, session._current
    size = journal.stat().st_size if journal.exists() else None

    engine, outcome, egress = backtest(case)

    decided = engine.controller._session.record.signals
    expected = expected_signals(engine, case)
    assert [(one.candle_close_ms, one.side, one.price) for one in decided] == [
        (seen.candle_close_ms, seen.opportunity.side, seen.price) for seen in expected if seen.opportunity
    ]
    assert all(one.at_ms == one.candle_close_ms for one in decided), "decided when its candle has closed, not before"
    assert [dict(one.values) for one in decided] == [dict(seen.values) for seen in expected]

    taken = [one.signal_id for one in decided if one.taken]
    executors = outcome["executors"]
    assert taken
    assert sorted(executor.config.level_id for executor in executors) == sorted(taken)
    assert all(executor.filled_amount_quote > 0 for executor in executors)
    closed = Counter(executor.close_type.name for executor in executors if executor.close_type)
    assert closed.total() == len(executors)
    assert closed.keys() <= {"TAKE_PROFIT", "STOP_LOSS", "TIME_LIMIT", "TRAILING_STOP", "EARLY_STOP"}

    assert dict(egress.refused) == {}
    assert session._current is sessions, "no session was begun"
    assert (journal.stat().st_size if journal.exists() else None) == size, "nothing was written in the bot's journal"
