"""Live edits: a running script takes sound ones whole, refuses the others whole, and tells either way."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.bot import status
from shared.domain import events as ev
from tests.conftest import VirtualRun
from tests.unit.bot.script_bench import ten_seconds_later, with_script, write_strategy
from tests.unit.bot.status_samples import view


def edit(strategy: Any, path: Path, **changes: Any) -> None:
    write_strategy(path, **changes)
    ten_seconds_later(strategy)


def test_a_sound_edit_is_taken_while_running(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        edit(strategy, strategy_file, stop_loss=0.08)
        (controller,) = strategy.controllers.values()
        assert controller.config.stop_loss == Decimal("0.08")
        assert strategy.session.record.others == []

    with_script(run_virtual, use)


def test_an_edit_is_taken_within_ten_seconds(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        (controller,) = strategy.controllers.values()
        strategy.update_controllers_configs()
        for number, stop_loss in enumerate((0.05, 0.06, 0.07)):
            write_strategy(strategy_file, stop_loss=stop_loss)
            waited_s = 0
            while controller.config.stop_loss != Decimal(str(stop_loss)):
                waited_s += 1
                strategy._set_current_timestamp(strategy.current_timestamp + 1)
                strategy.update_controllers_configs()
                assert waited_s <= 10, number

    with_script(run_virtual, use)


def test_fields_that_belong_together_are_taken_together(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        edit(strategy, strategy_file, take_profit=0.03, trailing_activation=0.02, trailing_delta=0.01)
        (controller,) = strategy.controllers.values()
        assert controller.config.trailing_delta == Decimal("0.01")
        assert strategy.session.record.others == []

    with_script(run_virtual, use)


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
        ten_seconds_later(strategy)
        assert len(strategy.session.record.configs) == 2

    with_script(run_virtual, use)


def test_files_that_have_not_changed_are_not_read_again(
    strategy_file: Path, run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(strategy: Any) -> None:
        edit(strategy, strategy_file, stop_loss=0.05)
        reads: list[Path] = []
        monkeypatch.setattr("shared.bot.strategy_file.read_yaml", reads.append)
        for _ in range(3):
            ten_seconds_later(strategy)
        assert reads == []

    with_script(run_virtual, use)


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

    with_script(run_virtual, use)


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

    with_script(run_virtual, use)


def test_one_wrong_file_of_two_keeps_both_as_they_were(strategy_file: Path, run_virtual: VirtualRun) -> None:
    other = strategy_file.with_name("probe_other.yml")
    write_strategy(other)

    async def use(strategy: Any) -> None:
        write_strategy(other, stop_loss=0.08)
        edit(strategy, strategy_file, stop_loss=4)
        assert [str(each.config.stop_loss) for each in strategy.controllers.values()] == ["0.04", "0.04"]
        edit(strategy, strategy_file)
        assert [str(each.config.stop_loss) for each in strategy.controllers.values()] == ["0.04", "0.08"]

    try:
        with_script(run_virtual, use, controllers_config=[strategy_file.name, other.name])
    finally:
        other.unlink()


def test_a_file_that_is_gone_is_told_and_the_values_stay(strategy_file: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        text = strategy_file.read_text()
        strategy_file.unlink()
        ten_seconds_later(strategy)
        assert "no such file" in strategy._refused_edit
        strategy_file.write_text(text)
        ten_seconds_later(strategy)
        assert strategy._refused_edit is None

    with_script(run_virtual, use)
