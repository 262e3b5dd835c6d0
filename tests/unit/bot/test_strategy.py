"""The script's base: it runs what its configuration names or refuses to start, and takes sound live edits alone."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.client import settings
from hummingbot.core.data_type.common import MarketDict, PositionMode

from hummingbot_scripts.recovery_dca import RecoveryDcaScript
from shared.adapters.sqlite_journal import SqliteJournal
from shared.bot import session, status
from shared.bot.script_config import RecoveryScriptConfig
from shared.bot.strategy import RecoveryStrategy
from shared.domain import events as ev
from shared.wire.config_errors import ConfigError
from tests.conftest import START_S, VirtualRun
from tests.unit.bot.status_samples import view
from tests.unit.paper.paper_exchange import PAIR, PaperExchange

STRATEGY_FILE = "probe_dca.yml"


@pytest.fixture
def strategy_file(host: Path) -> Iterator[Path]:
    """A strategy file of the home for one test."""
    path = Path(settings.CONTROLLERS_CONF_DIR_PATH) / STRATEGY_FILE
    write(path)
    yield path
    path.unlink()


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
    """Let ten seconds pass, after which edits are looked for."""
    strategy._set_current_timestamp(strategy.current_timestamp + 10)
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
        edit(strategy, strategy_file, stop_loss=0.05)
        reads: list[Path] = []
        monkeypatch.setattr("shared.bot.strategy_file.read_yaml", reads.append)
        for _ in range(3):
            look_again(strategy)
        assert reads == []

    with_strategy(run_virtual, use)


def test_fields_that_belong_together_are_taken_together(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        edit(strategy, strategy_file, take_profit=0.03, trailing_activation=0.02, trailing_delta=0.01)
        (controller,) = strategy.controllers.values()
        assert controller.config.trailing_delta == Decimal("0.01")
        assert strategy.session.record.others == []

    with_strategy(run_virtual, use)


def test_an_edit_is_taken_within_ten_seconds(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        (controller,) = strategy.controllers.values()
        strategy.update_controllers_configs()
        for number, stop_loss in enumerate((0.05, 0.06, 0.07)):
            write(strategy_file, stop_loss=stop_loss)
            waited_s = 0
            while controller.config.stop_loss != Decimal(str(stop_loss)):
                waited_s += 1
                strategy._set_current_timestamp(strategy.current_timestamp + 1)
                strategy.update_controllers_configs()
                assert waited_s <= 10, number

    with_strategy(run_virtual, use)


def test_an_edit_is_journaled_with_what_it_was_before_and_its_file(
    strategy_file: Path, run_virtual: VirtualRun
) -> None:
    async def use(strategy: Any) -> None:
        edit(strategy, strategy_file, stop_loss=0.08, take_profit=0.02)
        begun, applied = strategy.session.record.configs
        (controller,) = strategy.controllers.values()
        assert (begun.source, begun.old) == ("start", {})
        assert (applied.controller_id, applied.source) == ("probe_dca_BTC-USDT", "conf/controllers/probe_dca.yml")
        assert applied.old == {"stop_loss": "0.04", "take_profit": "0.01"}
        assert applied.new == {"stop_loss": "0.08", "take_profit": "0.02"}
        assert applied.config_id == controller.config.config_id
        look_again(strategy)
        assert len(strategy.session.record.configs) == 2

    with_strategy(run_virtual, use)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"lookback_s": 7200, "stop_loss": 0.08},
            "probe_dca_BTC-USDT: lookback_s = 7200: cannot change while the bot runs, it was 14400; stop and start the "
            "script to take it",
        ),
        (
            {"leverage": 2, "stop_loss": 0.08},
            "leverage = 2: must be 1 on spot",
        ),
        (
            {"stop_loss": 4, "take_profit": 0.02},
            "stop_loss = 4: must be a fraction above 0 and below 0.5 (0.03 is 3 %)",
        ),
        ({"total_amount_quote": 4000}, "capital_quote = 3000: must be at least one position"),
        ({"no_such": 1}, "no_such = 1: there is no such setting"),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_an_edit_that_cannot_be_taken_is_refused_whole_and_shown(
    changes: dict[str, Any], reason: str, strategy_file: Path, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(strategy: Any) -> None:
        (controller,) = strategy.controllers.values()
        before = controller.config
        edit(strategy, strategy_file, **changes)
        assert controller.config is before
        assert strategy.session.record.configs == []
        (refused,) = strategy.session.record.others
        assert isinstance(refused, ev.ConfigRefused)
        assert reason in refused.reason
        monkeypatch.setattr(status, "waiting_for", lambda strategy: "")
        monkeypatch.setattr(status, "snapshot", lambda strategy: view())
        assert refused.reason in " ".join(strategy.format_status().split())

    with_strategy(run_virtual, use)


def test_one_wrong_file_of_two_keeps_both_as_they_were(strategy_file: Path, run_virtual: VirtualRun) -> None:
    other = strategy_file.with_name("probe_other.yml")
    write(other)

    async def use(strategy: Any) -> None:
        write(other, stop_loss=0.08)
        edit(strategy, strategy_file, stop_loss=4)
        assert [str(each.config.stop_loss) for each in strategy.controllers.values()] == ["0.04", "0.04"]
        edit(strategy, strategy_file)
        assert [str(each.config.stop_loss) for each in strategy.controllers.values()] == ["0.04", "0.08"]

    try:
        with_strategy(run_virtual, use, controllers_config=[strategy_file.name, other.name])
    finally:
        other.unlink()


def test_a_file_that_is_gone_is_told_and_the_values_stay(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        text = strategy_file.read_text()
        strategy_file.unlink()
        look_again(strategy)
        assert "no such file" in strategy._refused_edit
        strategy_file.write_text(text)
        look_again(strategy)
        assert strategy._refused_edit is None

    with_strategy(run_virtual, use)


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

    with_strategy(run_virtual, use)


def test_status_says_what_it_waits_for(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        text = strategy.format_status()
        assert text.startswith("Waiting for binance_paper_trade (")

    with_strategy(run_virtual, use)
