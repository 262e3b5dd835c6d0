"""A running script follows the home's phase: new controllers take the signals, old ones see their positions to the end."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hummingbot.client import settings
from hummingbot.data_feed.market_data_provider import MarketDataProvider
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType

from hummingbot_scripts.recovery_dca import RecoveryDcaScript
from shared.adapters.phase_journal import change_phase
from shared.bot import phase_change
from shared.bot.config import RecoveryControllerConfig
from shared.bot.script_config import RecoveryScriptConfig, load_script_config
from shared.bot.session import Proposal
from shared.domain import events as ev
from shared.domain.signals import Refusal
from shared.ports import JournalError
from tests.conftest import START_S, VirtualRun
from tests.unit.bot.test_recorder import executor
from tests.unit.bot.test_session import signal
from tests.unit.domain.phase_changes import changed
from tests.unit.paper.paper_exchange import PaperExchange

PHASE1 = ["recovery_dca_phase1_BTC-USDT", "recovery_dca_phase1_ETH-USDT"]
PHASE2 = ["recovery_dca_phase2_BTC-USDT", "recovery_dca_phase2_ETH-USDT"]
NORMAL = ["recovery_dca_BTC-USDT", "recovery_dca_ETH-USDT"]


def running(
    run_virtual: VirtualRun,
    use: Callable[[Any], Awaitable[None]],
    config: RecoveryScriptConfig | None = None,
    exchange: str = "binance",
) -> None:
    """A script that was started, with the phase's file unless one is given."""

    async def scenario() -> None:
        connector = PaperExchange(exchange).connector
        strategy: Any = RecoveryDcaScript({connector.name: connector}, config)
        strategy._set_current_timestamp(START_S)
        strategy.update_controllers_configs()
        for controller in strategy.controllers.values():
            controller.start()
        try:
            await use(strategy)
        finally:
            strategy.listen_to_executor_actions_task.cancel()
            for controller in strategy.controllers.values():
                controller.stop()
            await asyncio.sleep(0)

    run_virtual(scenario())


def ten_seconds_later(strategy: Any) -> None:
    strategy._set_current_timestamp(strategy.current_timestamp + 10)
    strategy.update_controllers_configs()


def take(strategy: Any, controller_id: str, name: str = "s-1") -> bool:
    """The controller takes a signal; its position is then open. False where it is refused."""
    controller = strategy.controllers[controller_id]
    refusal = Refusal.PHASE_CHANGED if controller.retired else None
    proposal = Proposal(
        signal(name, controller_id), Decimal(20), controller.config.protections, own_refusal=refusal, phase=1
    )
    return bool(strategy.session.decide(proposal))


def close(strategy: Any, name: str = "s-1") -> None:
    made = executor(name)
    made.close_type = CloseType.TAKE_PROFIT
    strategy.session.executor_opened(made)
    strategy.session.executor_closed(made, pnl_quote=Decimal(1), fees_quote=Decimal(0))


def active(strategy: Any) -> list[str]:
    """The controllers that may take signals."""
    return [name for name, controller in strategy.controllers.items() if not controller.retired]


def test_a_start_without_a_file_runs_the_phases_and_follows_it(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        assert list(strategy.controllers) == PHASE1
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE2
        assert {controller.config.phase for controller in strategy.controllers.values() if not controller.retired} == {
            2
        }
        assert strategy.session.limits == load_default("recovery_dca_phase2.yml").limits

    running(run_virtual, use)


def test_a_phase_that_changed_while_the_bot_started_is_followed(host: Path, run_virtual: VirtualRun) -> None:
    """`recovery run` chooses the configuration seconds before the script is made."""
    chosen = load_default("recovery_dca_phase1.yml").model_copy(update={"follow_phase": True})

    async def use(strategy: Any) -> None:
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE2

    change_phase(host, changed(2))
    running(run_virtual, use, chosen)


def test_a_start_in_another_phase_runs_that_phases_file(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        assert list(strategy.controllers) == PHASE2
        ten_seconds_later(strategy)
        assert list(strategy.controllers) == PHASE2

    change_phase(host, changed(2))
    running(run_virtual, use)


@pytest.mark.parametrize("phase", [3, 4])
def test_the_later_phases_run_the_normal_configuration(phase: int, host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        change_phase(host, changed(phase))
        ten_seconds_later(strategy)
        assert active(strategy) == NORMAL
        change_phase(host, changed(7 - phase))
        ten_seconds_later(strategy)
        ten_seconds_later(strategy)
        assert list(strategy.controllers) == NORMAL

    running(run_virtual, use)


def load_default(name: str) -> RecoveryScriptConfig:
    return load_script_config(Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH) / name)


def test_a_file_that_was_named_stays_whatever_the_phase(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        assert active(strategy) == list(strategy.controllers) == PHASE1
        assert strategy._refused_edit is None

    running(run_virtual, use, load_default("recovery_dca_phase1.yml"))


def test_pairs_connector_and_crash_guard_stay_those_of_the_start(host: Path, run_virtual: VirtualRun) -> None:
    started = load_default("recovery_dca_phase1.yml").model_copy(
        update={
            "pairs": ["BTC-USDT"],
            "connector_name": "binance_perpetual_paper_trade",
            "crash_guard": False,
            "follow_phase": True,
        }
    )

    async def use(strategy: Any) -> None:
        change_phase(host, changed(3))
        ten_seconds_later(strategy)
        assert active(strategy) == ["recovery_dca_BTC-USDT"]
        config = strategy.controllers["recovery_dca_BTC-USDT"].config
        assert (config.connector_name, config.crash_guard_pair) == ("binance_perpetual_paper_trade", None)
        assert strategy.config.follow_phase
        change_phase(host, changed(1, 3))
        ten_seconds_later(strategy)
        assert active(strategy) == ["recovery_dca_phase1_BTC-USDT"]

    running(run_virtual, use, started, "binance_perpetual")


def test_an_old_controller_stays_until_its_position_has_closed(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        old, other = (strategy.controllers[name] for name in PHASE1)
        assert take(strategy, PHASE1[0])
        terms = old.config.as_text()
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        assert set(strategy.controllers) == {*PHASE1, *PHASE2}
        assert old.retired
        assert other.retired
        ten_seconds_later(strategy)
        assert list(strategy.controllers) == [PHASE1[0], *PHASE2], "one without a position is let go at once"
        assert (old.status, other.status) == (RunnableStatus.RUNNING, RunnableStatus.TERMINATED)
        assert not take(strategy, PHASE1[0], "s-2")
        assert strategy.session.record.signals[-1].reason == "phase_changed"
        assert take(strategy, PHASE2[1], "s-3")
        assert old.config.as_text() == terms
        for _ in range(5):
            ten_seconds_later(strategy)
        assert PHASE1[0] in strategy.controllers
        close(strategy)
        ten_seconds_later(strategy)
        assert list(strategy.controllers) == PHASE2
        assert old.status is RunnableStatus.TERMINATED

    running(run_virtual, use)


def test_what_an_old_controller_counted_is_written_when_it_is_let_go(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        old = strategy.controllers[PHASE1[0]]
        old._evaluations.add(old.config, int(START_S * 1000), evaluated=True)
        change_phase(host, changed(2))
        for _ in range(3):
            ten_seconds_later(strategy)
        (counted,) = strategy.session.record.evaluations
        assert (counted.controller_id, counted.evaluated, counted.phase) == (PHASE1[0], 1, 1)

    running(run_virtual, use)


def test_new_controllers_are_started_and_have_a_place_for_their_executors(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        orchestrator = strategy.executor_orchestrator
        for name in PHASE2:
            assert strategy.controllers[name].status is RunnableStatus.RUNNING
            for kept in (orchestrator.cached_performance, orchestrator.active_executors, orchestrator.positions_held):
                assert name in kept

    running(run_virtual, use)


def test_what_new_controllers_run_under_is_journaled_as_the_phases(
    host: Path, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(strategy: Any) -> None:
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        monkeypatch.setattr(MarketDataProvider, "get_candles_df", lambda *arguments, **named: no_candles())
        for name in PHASE2:
            await strategy.controllers[name].update_processed_data()
        applied = [event for event in strategy.session.record.configs if event.controller_id in PHASE2]
        assert [(event.controller_id, event.source, event.phase, event.old) for event in applied] == [
            (name, "phase 2", 2, {}) for name in PHASE2
        ]

    running(run_virtual, use)


def no_candles() -> pd.DataFrame:
    return pd.DataFrame(columns=["timestamp", "open", "high", "low", "close", "volume"])


def test_a_phase_that_changed_while_the_script_was_being_started_is_followed(
    host: Path, run_virtual: VirtualRun
) -> None:
    """The configuration was chosen in phase 1, and handed on; the first look goes on in phase 2."""
    chosen = load_default("recovery_dca_phase1.yml").model_copy(update={"follow_phase": True})

    async def use(strategy: Any) -> None:
        assert active(strategy) == PHASE2

    change_phase(host, changed(2))
    running(run_virtual, use, chosen)


def test_twenty_seconds_later_back_again(host: Path, run_virtual: VirtualRun) -> None:
    """The old controller never ended; it goes on as if nothing had been, its position still counted."""

    async def use(strategy: Any) -> None:
        old = strategy.controllers[PHASE1[0]]
        assert take(strategy, PHASE1[0])
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        change_phase(host, changed(1, 2))
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE1
        assert strategy.controllers[PHASE1[0]] is old
        ten_seconds_later(strategy)
        assert set(strategy.controllers) == set(PHASE1)
        assert not take(strategy, PHASE1[0], "s-2")
        assert strategy.session.record.signals[-1].reason == "position_open"
        assert strategy.session.limits == load_default("recovery_dca_phase1.yml").limits

    running(run_virtual, use)


def test_two_changes_between_two_looks_are_one(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        controllers = dict(strategy.controllers)
        change_phase(host, changed(2))
        change_phase(host, changed(1, 2))
        ten_seconds_later(strategy)
        assert strategy.controllers == controllers
        assert active(strategy) == PHASE1

    running(run_virtual, use)


# What cannot be gone on with is refused, and everything stays as it was.


@pytest.fixture
def phase2_file() -> Iterator[Path]:
    """The strategy file of phase 2, put back afterwards."""
    path = Path(settings.CONTROLLERS_CONF_DIR_PATH) / "recovery_dca_phase2.yml"
    text = path.read_text()
    yield path
    path.write_text(text)


def change_file(path: Path, **changes: Any) -> None:
    path.write_text(yaml.dump(yaml.safe_load(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"take_profit": 3}, "take_profit = 3: must be a fraction above 0 and below 0.5"),
        (
            {"connector_name": "kucoin_paper_trade"},
            "recovery_dca_phase2_BTC-USDT: connector_name = kucoin_paper_trade: is not connected; stop and start the script "
            "to go on in phase 2",
        ),
    ],
    ids=["wrong value", "not connected"],
)
def test_a_phase_that_cannot_be_gone_on_with_changes_nothing(
    changes: dict[str, Any], sentence: str, host: Path, phase2_file: Path, run_virtual: VirtualRun
) -> None:
    async def use(strategy: Any) -> None:
        text = phase2_file.read_text()
        change_file(phase2_file, **changes)
        change_phase(host, changed(2))
        for _ in range(3):
            ten_seconds_later(strategy)
        assert active(strategy) == list(strategy.controllers) == PHASE1
        (refused,) = strategy.session.record.others
        assert isinstance(refused, ev.ConfigRefused)
        assert sentence in refused.reason
        assert strategy._refused_edit == refused.reason
        phase2_file.write_text(text)
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE2, "it is gone on as soon as it can be"
        assert strategy._refused_edit is None

    running(run_virtual, use)


@pytest.mark.parametrize(("name", "value", "found"), [("leverage", 2, "1"), ("position_mode", "ONEWAY", "HEDGE")])
def test_an_account_that_would_have_to_be_set_up_anew_is_not_gone_on_with(
    name: str, value: Any, found: str, host: Path, phase2_file: Path, run_virtual: VirtualRun
) -> None:
    """Mode and leverage are set at the start alone, and the positions of the old phase rest on them."""
    on_perpetuals = {"connector_name": "binance_perpetual_paper_trade", "follow_phase": True}

    async def use(strategy: Any) -> None:
        change_file(phase2_file, connector_name="binance_perpetual_paper_trade", **{name: value})
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE1
        assert strategy._refused_edit == (
            f"recovery_dca_phase2_BTC-USDT: {name} = {value}: the account is set to {found}; stop and start the script to "
            "go on in phase 2"
        )

    started = load_default("recovery_dca_phase1.yml").model_copy(update=on_perpetuals)
    running(run_virtual, use, started, "binance_perpetual")


def test_a_phase_that_is_refused_does_not_keep_edits_from_being_taken(
    host: Path, phase2_file: Path, run_virtual: VirtualRun
) -> None:
    path = phase2_file.with_name("recovery_dca_phase1.yml")
    before = path.read_text()

    async def use(strategy: Any) -> None:
        change_file(phase2_file, take_profit=3)
        change_phase(host, changed(2))
        change_file(path, stop_loss=0.05)
        ten_seconds_later(strategy)
        assert [controller.config.stop_loss for controller in strategy.controllers.values()] == [Decimal("0.05")] * 2
        change_file(path, stop_loss=5)
        ten_seconds_later(strategy)
        assert "take_profit = 3: " in strategy._refused_edit
        assert "stop_loss = 5: " in strategy._refused_edit
        assert [refused.reason for refused in strategy.session.record.others][-1] == strategy._refused_edit

    try:
        running(run_virtual, use)
    finally:
        path.write_text(before)


def test_a_controller_that_does_not_start_keeps_the_old_phase(
    host: Path, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = RecoveryControllerConfig.get_controller_class

    def broken(self: Any) -> Any:
        if self.trading_pair == "ETH-USDT":
            raise RuntimeError("a controller that cannot be made")
        return real(self)

    async def use(strategy: Any) -> None:
        change_phase(host, changed(2))
        with monkeypatch.context() as patch:
            patch.setattr(RecoveryControllerConfig, "get_controller_class", broken)
            ten_seconds_later(strategy)
        assert active(strategy) == list(strategy.controllers) == PHASE1
        assert strategy._refused_edit == f"these controllers did not start, see the log: {PHASE2[1]}"
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE2

    running(run_virtual, use)


def test_a_journal_that_cannot_be_read_keeps_the_phase(
    host: Path, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(path: Path) -> int:
        raise JournalError(f"{path}: cannot read the phase")

    async def use(strategy: Any) -> None:
        monkeypatch.setattr("shared.bot.strategy.current_phase", unreadable)
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE1
        assert "cannot read the phase" in strategy._refused_edit

    running(run_virtual, use)


def test_what_was_edited_meanwhile_is_taken_on_the_way_back(
    host: Path, phase2_file: Path, run_virtual: VirtualRun
) -> None:
    async def use(strategy: Any) -> None:
        assert take(strategy, PHASE2[0])
        change_phase(host, changed(1, 2))
        ten_seconds_later(strategy)
        change_file(phase2_file, take_profit=0.007)
        change_phase(host, changed(2, 1))
        ten_seconds_later(strategy)
        (edit,) = (event for event in strategy.session.record.configs if event.source == "phase 2")
        assert (edit.controller_id, edit.old, edit.new) == (
            PHASE2[0],
            {"take_profit": "0.006"},
            {"take_profit": "0.007"},
        )
        assert [strategy.controllers[name].config.take_profit for name in PHASE2] == [Decimal("0.007")] * 2

    change_phase(host, changed(2))
    running(run_virtual, use)


def test_a_frozen_edit_made_meanwhile_is_refused_on_the_way_back(
    host: Path, phase2_file: Path, run_virtual: VirtualRun
) -> None:
    """Otherwise the controller would go on with the old value, and nobody would be told."""

    async def use(strategy: Any) -> None:
        assert take(strategy, PHASE2[0])
        change_phase(host, changed(1, 2))
        ten_seconds_later(strategy)
        change_file(phase2_file, lookback_s=7_200)
        change_phase(host, changed(2, 1))
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE1
        assert "lookback_s = 7200: cannot change while the bot runs" in strategy._refused_edit
        close(strategy)
        ten_seconds_later(strategy)
        ten_seconds_later(strategy)
        assert active(strategy) == PHASE2
        assert strategy.controllers[PHASE2[0]].config.lookback_s == 7_200

    change_phase(host, changed(2))
    running(run_virtual, use)


def test_what_a_phase_change_keeps_are_settings_of_a_script() -> None:
    assert set(phase_change.KEPT) <= set(RecoveryScriptConfig.model_fields)
