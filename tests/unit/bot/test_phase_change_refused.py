"""A phase that cannot be gone on with is refused, and everything stays as it was until it can be."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.phase_journal import change_phase
from shared.bot.config import RecoveryControllerConfig
from shared.domain import events as ev
from shared.ports import JournalError
from tests.conftest import VirtualRun
from tests.unit.bot.phase_controllers import PHASE1, PHASE2, active
from tests.unit.bot.script_bench import change_file, load_default, ten_seconds_later, with_running_script
from tests.unit.domain.phase_changes import changed


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

    with_running_script(run_virtual, use)


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
    with_running_script(run_virtual, use, started, "binance_perpetual")


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
        with_running_script(run_virtual, use)
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

    with_running_script(run_virtual, use)


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

    with_running_script(run_virtual, use)
