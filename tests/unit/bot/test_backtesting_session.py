"""A backtest has a session of its own: no journal file, limits on the backtest's clock, nothing left behind."""

from pathlib import Path

import numpy as np
import pytest
from hummingbot.strategy_v2.backtesting.backtesting_engine_base import BacktestingEngineBase
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot import session
from shared.domain.signals import Refusal
from tests.unit.bot.backtest_bench import (
    DAY_S,
    HISTORY_S,
    START_S,
    Bench,
    candles_of,
    falls,
    make_config,
    random_walk,
    told,
)


def test_a_backtest_has_a_session_of_its_own_and_no_journal_file(bot_home: Path) -> None:
    before, journal = session._current, bot_home / "data" / session.JOURNAL_FILE
    # Other tests of this process may have left one: it must stay as it is.
    left = journal.read_bytes() if journal.exists() else None
    bench = Bench(random_walk(1), make_config("recovery_dca")).run()
    assert bench.decided
    assert session._current is before
    assert bench.engine.controller._session is not before
    assert (journal.read_bytes() if journal.exists() else None) == left


def test_each_run_starts_afresh() -> None:
    first = Bench(random_walk(1), make_config("recovery_dca")).run()
    decided = told(first.decided)
    again = Bench(first.prices, first.config, engine=first.engine).run()
    assert told(again.decided) == decided


def test_nothing_is_left_asking_for_rates() -> None:
    bench = Bench(random_walk(1), make_config("recovery_dca")).run()
    assert not bench.engine.backtesting_data_provider._rates_required


# The same limits, on the backtest's clock.


def reasons(bench: Bench) -> list[str | None]:
    return [one.reason for one in bench.decided]


def test_cooldowns_run_on_the_backtests_clock() -> None:
    """Bought into a dip, sold when it is over; the next dip comes within the cooldown, the one after does not."""
    bench = Bench(falls(60, 90, 240), make_config("recovery_dca", cooldown_s=3600, max_positions=1)).run()
    assert [trade.closed.close_type for trade in bench.trades] == ["TAKE_PROFIT", "TAKE_PROFIT"]
    taken = [one for one in bench.decided if one.taken]
    assert [(one.at_ms // 1000 - START_S) // 60 for one in taken] == [65, 245]
    assert Refusal.COOLDOWN in reasons(bench)
    assert Refusal.POSITION_OPEN in reasons(bench)


def test_a_stop_is_followed_by_its_cooldown() -> None:
    prices = falls()
    dip = HISTORY_S // 60 + 60
    prices[dip : dip + 10] = 97.0
    prices[dip + 10 : dip + 60] = 90.0
    settings = {"cooldown_s": 0, "cooldown_after_stop_s": 3600, "levels": 1}
    bench = Bench(prices, make_config("recovery_dca", **settings)).run()
    assert bench.trades[0].closed.close_type == "STOP_LOSS"
    stopped_ms = bench.trades[0].closed.at_ms
    assert START_S * 1000 < stopped_ms < (START_S + DAY_S) * 1000
    after = [one for one in bench.decided if one.at_ms >= stopped_ms]
    assert after
    assert {one.reason for one in after if one.at_ms < stopped_ms + 3_600_000} == {Refusal.COOLDOWN_AFTER_STOP}


@pytest.mark.parametrize(("crashed_at_s", "refused"), [(-60, True), (+60, False)])
def test_the_crash_guard_sees_only_what_had_closed(crashed_at_s: int, refused: bool) -> None:
    """The leading market falls by 30 % in one candle: the one that closes a candle before the signal's row or after it."""
    signal_s = START_S + 65 * 60
    guard = candles_of(np.full(int(HISTORY_S + DAY_S) // 60, 100.0), START_S - HISTORY_S, 300)
    closes_s = guard["timestamp"] + 300
    guard.loc[closes_s > signal_s + crashed_at_s, "close"] = 70.0
    changes = {"crash_guard_pair": "ETH-USDT", "crash_drop_1h": 0.1}
    bench = Bench(falls(60), make_config("recovery_dca", **changes), guard=guard).run()
    assert (bench.decided[0].at_ms, bench.decided[0].reason) == (
        signal_s * 1000,
        Refusal.CRASH_GUARD if refused else None,
    )


def test_an_executor_the_backtester_never_reports_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BacktestingEngineBase, "simulate_executor", lambda *_: None)
    bench = Bench(falls(60, 240), make_config("recovery_dca", cooldown_s=0)).run()
    assert {trade.closed.close_type for trade in bench.trades} == {CloseType.FAILED.name}
    assert set(reasons(bench)) == {None}, "nothing is held against the next signal"
