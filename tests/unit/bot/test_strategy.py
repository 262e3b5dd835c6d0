"""The script's base: it runs what its configuration names or refuses to start, and ends its run when it is stopped."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hummingbot.core.data_type.common import MarketDict, PositionMode

from hummingbot_scripts.recovery_dca import RecoveryDcaScript
from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot import session
from shared.bot.strategy import RecoveryStrategy
from shared.wire.config_errors import ConfigError
from tests.conftest import START_S, VirtualRun
from tests.unit.bot.script_bench import (
    script_config,
    with_script,
    write_strategy,
)
from tests.unit.paper.paper_exchange import PAIR


def test_the_markets_are_known_when_the_module_is_loaded() -> None:
    """Without --conf, Hummingbot 20260126 never calls init_markets."""
    assert RecoveryDcaScript.markets == {"binance_paper_trade": {"BTC-USDT", "ETH-USDT"}}


def test_a_script_whose_default_is_missing_has_no_markets_yet() -> None:
    class Lost(RecoveryStrategy):
        config_name = "nonesuch"

    assert Lost.markets == MarketDict({})
    with pytest.raises(ConfigError, match=r"nonesuch_phase1\.yml: no such file"):
        Lost({})


def test_the_configurations_markets_are_the_scripts(strategy_file: Path) -> None:
    class Probe(RecoveryStrategy):
        config_name = "nonesuch"

    Probe.init_markets(script_config(pairs=["SOL-USDT"], connector_name="binance_perpetual_paper_trade"))
    assert Probe.markets == {"binance_perpetual_paper_trade": {"SOL-USDT"}}


def test_a_run_begins_with_a_controller_for_each_file_and_pair(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        assert list(strategy.controllers) == ["probe_dca_BTC-USDT"]
        assert strategy.session is session.current()
        assert strategy.session.limits == script_config().limits
        started = strategy.session.record.started
        assert started.script == "recovery_dca.py"
        assert started.balances == {"binance_paper_trade": {"USDT": Decimal(1_000)}}
        assert strategy.create_actions_proposal() == strategy.stop_actions_proposal() == []

    with_script(run_virtual, use)


def test_a_controller_that_does_not_start_ends_the_script(
    strategy_file: Path, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hummingbot logs it and goes on without."""

    def broken(self: Any) -> type[Any]:
        raise RuntimeError("a controller that cannot be made")

    async def use(strategy: Any) -> None:
        raise AssertionError("it started")

    monkeypatch.setattr("shared.bot.config.RecoveryControllerConfig.get_controller_class", broken)
    with pytest.raises(ConfigError, match="these controllers did not start, see the log: probe_dca_BTC-USDT"):
        with_script(run_virtual, use)


def test_mode_and_leverage_are_set_on_perpetuals(strategy_file: Path, run_virtual: VirtualRun) -> None:
    write_strategy(strategy_file, leverage=5, position_mode="HEDGE")

    async def use(strategy: Any) -> None:
        strategy.apply_initial_setting()
        await asyncio.sleep(1)
        (connector,) = strategy.connectors.values()
        assert connector.position_mode is PositionMode.HEDGE
        assert connector.get_leverage(PAIR) == 5

    with_script(run_virtual, use, "binance_perpetual")


def test_status_says_what_it_waits_for(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        text = strategy.format_status()
        assert text.startswith("Waiting for binance_paper_trade (")

    with_script(run_virtual, use)


def kinds_of(strategy: Any) -> list[str]:
    """Of every event in the run's journal, which has been closed by then."""
    journal = SqliteJournal(session.journal_path())
    try:
        return [event.kind for event in journal.read(strategy.session.journal.run_id)]
    finally:
        journal.close()


def test_stopping_takes_no_more_signals_and_ends_the_run(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        (controller,) = strategy.controllers.values()
        controller._evaluations.add(controller.config, int(START_S * 1000), evaluated=True)
        await strategy.on_stop()
        assert strategy.session.stopping
        assert strategy.session.record.stopped is not None
        assert kinds_of(strategy)[-2:] == ["candles_evaluated", "run_stopped"]

    with_script(run_virtual, use)
