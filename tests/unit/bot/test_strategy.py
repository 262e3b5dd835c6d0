"""The script's base: it runs what its configuration names or refuses to start, and takes sound live edits alone."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hummingbot.client import settings
from hummingbot.connector.markets_recorder import MarketsRecorder
from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.data_feed.market_data_provider import MarketDataProvider

from hummingbot_scripts.recovery_dca import RecoveryDcaScript
from shared.bot import session
from shared.bot.script_config import RecoveryScriptConfig
from shared.bot.strategy import RecoveryStrategy
from shared.domain import events as ev
from shared.wire.config_errors import ConfigError
from tests.conftest import START_S, VirtualRun
from tests.unit.paper.paper_exchange import PAIR, PaperExchange

STRATEGY_FILE = "probe_dca.yml"


@pytest.fixture
def strategy_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A strategy file of the home for one test, a recorder that keeps nothing, and no session left behind."""
    folder = Path(settings.CONTROLLERS_CONF_DIR_PATH)
    path = folder / STRATEGY_FILE
    write(path)
    recorder = SimpleNamespace(
        get_all_executors=list,
        get_all_positions=list,
        store_controller_config=lambda config: None,
        store_or_update_executor=lambda executor: None,
        store_position=lambda position: None,
        update_or_store_position=lambda position: None,
    )
    monkeypatch.setattr(MarketsRecorder, "_shared_instance", recorder)
    for name in ("initialize_rate_sources", "initialize_candles_feed"):
        monkeypatch.setattr(MarketDataProvider, name, lambda self, wanted: None)
    before = session._current
    yield path
    path.unlink()
    session._current = before


def write(path: Path, **changes: Any) -> None:
    content = yaml.safe_load(path.with_name("recovery_dca.yml").read_text())
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(yaml.dump(content | {"id": path.stem} | changes))
    # Another time of change, however coarse the file system's clock.
    os.utime(path, ns=(stamp + 10**9, stamp + 10**9))


def script_config(**changes: Any) -> RecoveryScriptConfig:
    content = {
        "script_file_name": "recovery_dca.py",
        "controllers_config": [STRATEGY_FILE],
        "pairs": [PAIR],
        "max_positions": 4,
        "max_positions_per_pair": 1,
        "capital_quote": 3000,
    }
    return RecoveryScriptConfig(**content | changes)


def with_strategy(
    run_virtual: VirtualRun, use: Callable[[Any], Awaitable[None]], name: str = "binance", **changes: Any
) -> None:
    async def scenario() -> None:
        connector = PaperExchange(name).connector
        strategy = RecoveryDcaScript(
            {connector.name: connector}, script_config(connector_name=connector.name, **changes)
        )
        strategy._set_current_timestamp(START_S)
        try:
            await use(strategy)
        finally:
            strategy.listen_to_executor_actions_task.cancel()
            await asyncio.sleep(0)

    run_virtual(scenario())


def test_the_markets_are_known_when_the_module_is_loaded() -> None:
    """Without --conf, Hummingbot 20260126 never calls init_markets."""
    assert RecoveryDcaScript.markets == {"binance_paper_trade": {"BTC-USDT", "ETH-USDT"}}


def test_a_script_whose_default_is_missing_has_no_markets_yet() -> None:
    class Lost(RecoveryStrategy):
        default_config = "nonesuch.yml"

    assert Lost.markets == MarketDict({})
    with pytest.raises(ConfigError, match=r"nonesuch\.yml: no such file"):
        Lost({})


def test_the_configurations_markets_are_the_scripts(strategy_file: Path) -> None:
    class Probe(RecoveryStrategy):
        default_config = "nonesuch.yml"

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

    with_strategy(run_virtual, use)


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
        with_strategy(run_virtual, use)


def test_mode_and_leverage_are_set_on_perpetuals(strategy_file: Path, run_virtual: VirtualRun) -> None:
    write(strategy_file, leverage=5, position_mode="HEDGE")

    async def use(strategy: Any) -> None:
        strategy.apply_initial_setting()
        await asyncio.sleep(1)
        (connector,) = strategy.connectors.values()
        assert connector.position_mode is PositionMode.HEDGE
        assert connector.get_leverage(PAIR) == 5

    with_strategy(run_virtual, use, "binance_perpetual")


def look_again(strategy: Any) -> None:
    """Let more than ten seconds pass, after which Hummingbot looks for edits."""
    strategy._set_current_timestamp(strategy.current_timestamp + 11)
    strategy.update_controllers_configs()


def edit(strategy: Any, path: Path, **changes: Any) -> None:
    write(path, **changes)
    look_again(strategy)


def test_a_sound_edit_is_taken_while_running(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        edit(strategy, strategy_file, stop_loss=0.08)
        (controller,) = strategy.controllers.values()
        assert controller.config.stop_loss == Decimal("0.08")
        assert strategy.session.record.others == []

    with_strategy(run_virtual, use)


def test_a_wrong_edit_is_refused_journaled_once_and_shown(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        (controller,) = strategy.controllers.values()
        for _ in range(3):
            edit(strategy, strategy_file, stop_loss=4, take_profit=0.02)
        assert controller.config.stop_loss == Decimal("0.04")
        assert controller.config.take_profit == Decimal("0.01"), "what is sound in a wrong file waits for the rest"
        (refused,) = strategy.session.record.others
        assert isinstance(refused, ev.ConfigRefused)
        assert "stop_loss = 4: must be a fraction above 0 and below 0.5" in refused.reason
        assert strategy._refused_edit == refused.reason
        edit(strategy, strategy_file, stop_loss=0.05)
        assert controller.config.stop_loss == Decimal("0.05")
        assert strategy._refused_edit is None
        edit(strategy, strategy_file, stop_loss=4)
        assert len(strategy.session.record.others) == 2, "the same mistake made again is told again"

    with_strategy(run_virtual, use)


def test_files_that_have_not_changed_are_not_read_again(
    strategy_file: Path, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(strategy: Any) -> None:
        reads: list[Path] = []
        monkeypatch.setattr("shared.bot.script_config.read_yaml", reads.append)
        for _ in range(3):
            look_again(strategy)
        assert reads == []

    with_strategy(run_virtual, use)


def test_turning_the_trailing_stop_on_while_running_ends_in_the_edit_or_a_refusal(
    strategy_file: Path, run_virtual: VirtualRun
) -> None:
    async def use(strategy: Any) -> None:
        edit(strategy, strategy_file, trailing_activation=0.02, trailing_delta=0.01)
        (controller,) = strategy.controllers.values()
        assert controller.config.trailing_delta == Decimal("0.01") or strategy.session.record.others

    with_strategy(run_virtual, use)


def test_stopping_takes_no_more_signals_and_ends_the_run(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        await strategy.on_stop()
        assert strategy.session.stopping
        assert strategy.session.record.stopped is not None

    with_strategy(run_virtual, use)


def test_status_says_what_it_waits_for(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        text = strategy.format_status()
        assert text.startswith("Waiting for binance_paper_trade (")

    with_strategy(run_virtual, use)
