"""A running script follows the home's phase: it goes on with that phase's file, unless it was started with another."""

from pathlib import Path
from typing import Any

import pytest

from shared.adapters.phase_journal import change_phase
from shared.bot import phase_change
from shared.bot.script_config import RecoveryScriptConfig
from tests.conftest import VirtualRun
from tests.unit.bot.phase_controllers import NORMAL, PHASE1, PHASE2, active
from tests.unit.bot.script_bench import load_default, ten_seconds_later, with_running_script
from tests.unit.domain.phase_changes import changed


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

    with_running_script(run_virtual, use)


def test_a_phase_that_changed_while_the_script_was_being_started_is_followed(
    host: Path, run_virtual: VirtualRun
) -> None:
    """`recovery run` chooses the configuration seconds before the script is made; the first look goes on in phase 2."""
    chosen = load_default("recovery_dca_phase1.yml").model_copy(update={"follow_phase": True})

    async def use(strategy: Any) -> None:
        assert active(strategy) == PHASE2

    change_phase(host, changed(2))
    with_running_script(run_virtual, use, chosen)


def test_a_start_in_another_phase_runs_that_phases_file(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        assert list(strategy.controllers) == PHASE2
        ten_seconds_later(strategy)
        assert list(strategy.controllers) == PHASE2

    change_phase(host, changed(2))
    with_running_script(run_virtual, use)


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

    with_running_script(run_virtual, use)


def test_a_file_that_was_named_stays_whatever_the_phase(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        assert active(strategy) == list(strategy.controllers) == PHASE1
        assert strategy._refused_edit is None

    with_running_script(run_virtual, use, load_default("recovery_dca_phase1.yml"))


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

    with_running_script(run_virtual, use, started, "binance_perpetual")


def test_what_a_phase_change_keeps_are_settings_of_a_script() -> None:
    assert set(phase_change.KEPT) <= set(RecoveryScriptConfig.model_fields)


def test_two_changes_between_two_looks_are_one(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        controllers = dict(strategy.controllers)
        change_phase(host, changed(2))
        change_phase(host, changed(1, 2))
        ten_seconds_later(strategy)
        assert strategy.controllers == controllers
        assert active(strategy) == PHASE1

    with_running_script(run_virtual, use)
