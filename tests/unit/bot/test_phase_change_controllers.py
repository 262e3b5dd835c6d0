"""A change of phase and the controllers: new ones take the signals, old ones see their positions to the end."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hummingbot.data_feed.market_data_provider import MarketDataProvider
from hummingbot.strategy_v2.models.base import RunnableStatus

from shared.adapters.phase_journal import change_phase
from tests.conftest import START_S, VirtualRun
from tests.unit.bot.phase_controllers import PHASE1, PHASE2, active, close, take
from tests.unit.bot.script_bench import change_file, load_default, ten_seconds_later, with_running_script
from tests.unit.domain.phase_changes import changed


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

    with_running_script(run_virtual, use)


def test_what_an_old_controller_counted_is_written_when_it_is_let_go(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        old = strategy.controllers[PHASE1[0]]
        old._evaluations.add(old.config, int(START_S * 1000), evaluated=True)
        change_phase(host, changed(2))
        for _ in range(3):
            ten_seconds_later(strategy)
        (counted,) = strategy.session.record.evaluations
        assert (counted.controller_id, counted.evaluated, counted.phase) == (PHASE1[0], 1, 1)

    with_running_script(run_virtual, use)


def test_new_controllers_are_started_and_have_a_place_for_their_executors(host: Path, run_virtual: VirtualRun) -> None:
    async def use(strategy: Any) -> None:
        change_phase(host, changed(2))
        ten_seconds_later(strategy)
        orchestrator = strategy.executor_orchestrator
        for name in PHASE2:
            assert strategy.controllers[name].status is RunnableStatus.RUNNING
            for kept in (orchestrator.cached_performance, orchestrator.active_executors, orchestrator.positions_held):
                assert name in kept

    with_running_script(run_virtual, use)


def no_candles() -> pd.DataFrame:
    return pd.DataFrame(columns=["timestamp", "open", "high", "low", "close", "volume"])


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

    with_running_script(run_virtual, use)


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

    with_running_script(run_virtual, use)


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
    with_running_script(run_virtual, use)


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
    with_running_script(run_virtual, use)
