"""The three strategies in a real bot: together on one capital, short on perpetuals, and through a change of phase."""

import subprocess
import time
from collections import Counter

import pytest

from shared.adapters.phase_journal import change_phase
from shared.domain import events as ev
from shared.domain.signals import Side
from shared.ports import JournalError
from tests.acceptance.bot_home import BotHome
from tests.unit.domain.phase_changes import changed

pytestmark = pytest.mark.slow

STRATEGIES = ("recovery_dca", "recovery_swing", "recovery_channel")
PAIRS = ("BTC-USDT", "ETH-USDT")


def test_all_three_run_on_one_capital_and_every_trade_adds_up(home: BotHome) -> None:
    done, report = home.run(
        "--script", "recovery_all.py", "--conf", "recovery_all_phase2.yml", "--until-trades", "3", "--no-store"
    )

    assert done.returncode == 0, done.stderr
    assert report["verify"]["ok"], report["verify"]["mismatches"]
    assert report["trades_closed"] >= 3
    assert report["orders_failed"] == report["refused_hosts"] == {}
    events = home.events()
    (started,) = (event for event in events if isinstance(event, ev.RunStarted))
    assert (started.script, started.market) == ("recovery_all.py", "simulated, seed 1")
    controllers = {f"{strategy}_phase2_{pair}" for strategy in STRATEGIES for pair in PAIRS}
    applied = {event.controller_id: event for event in events if isinstance(event, ev.ConfigApplied)}
    evaluated = [event for event in events if isinstance(event, ev.CandlesEvaluated)]
    assert set(applied) == {event.controller_id for event in evaluated} == controllers
    assert all(event.evaluated > 0 and event.unevaluated == 0 for event in evaluated), "each had history enough"
    signals = [event for event in events if isinstance(event, ev.SignalDecided)]
    assert all(event.phase == 2 and event.config_id == applied[event.controller_id].config_id for event in signals)
    assert most_open_on_one_pair(events) == 1


def most_open_on_one_pair(events: list[ev.Event]) -> int:
    """The most positions that were ever open at once on the same pair."""
    pairs = {event.executor_id: event.pair for event in events if isinstance(event, ev.ExecutorOpened)}
    open_now: Counter[str] = Counter()
    most = 0
    for event in events:
        if isinstance(event, ev.ExecutorOpened):
            open_now[event.pair] += 1
            most = max(most, open_now[event.pair])
        elif isinstance(event, ev.ExecutorClosed):
            open_now[pairs[event.executor_id]] -= 1
    return most


def test_a_channel_is_traded_both_ways_on_perpetuals(home: BotHome) -> None:
    # On candles of a minute seed 7 opens at both lines within its first two; the time limit closes what is still open.
    home.edit("controllers/recovery_channel_phase1.yml", "interval: 5m", "interval: 1m")
    home.edit("controllers/recovery_channel_phase1.yml", "time_limit_s: 86400", "time_limit_s: 300")

    done, report = home.run(
        *("--script", "recovery_channel.py", "--conf", "recovery_channel_phase1.yml"),
        *("--perpetual", "--seed", "7", "--until-trades", "2", "--no-store"),
    )

    assert done.returncode == 0, done.stderr
    assert report["verify"]["ok"], report["verify"]["mismatches"]
    assert report["orders_failed"] == {}
    events = home.events()
    orders = [event for event in events if isinstance(event, ev.OrderSubmitted)]
    assert {order.account for order in orders} == {"binance_perpetual_paper_trade"}
    opened = {event.executor_id: event.side for event in events if isinstance(event, ev.ExecutorOpened)}
    assert set(opened.values()) == {Side.BUY, Side.SELL}
    for order in orders:
        side = opened[order.executor_id]
        assert order.side is (side.opposite if order.closing else side)
    exits = [event for event in events if isinstance(event, ev.ExitDecided)]
    assert Counter(event.executor_id for event in exits) == Counter(dict.fromkeys(opened, 1))


def test_a_phase_change_finishes_what_is_open_under_its_own_terms(home: BotHome) -> None:
    home.edit("controllers/recovery_dca_phase1.yml", "time_limit_s: 86400", "time_limit_s: 600")
    home.edit("controllers/recovery_dca_phase2.yml", "time_limit_s: 14400", "time_limit_s: 120")
    # A line of output every five seconds, some five minutes of market: the position it tells of is still open.
    process = home.start("run", "--until-trades", "4", "--no-store", "--speed", "60")
    try:
        wait_for_a_position(home, process)
        change_phase(home.path / "data" / "recovery_journal.sqlite", changed(2, 1, forced=True, reason="a test"))
    finally:
        out, err = process.communicate(timeout=300)

    assert process.returncode == 0, out + err
    assert "Verified" in out
    events = home.events()
    changed_ms = min(event.at_ms for event in events if isinstance(event, ev.ConfigApplied) and event.phase == 2)
    opened = {event.executor_id: event for event in events if isinstance(event, ev.ExecutorOpened)}
    closed = {event.executor_id: event for event in events if isinstance(event, ev.ExecutorClosed)}
    old = {name for name, event in opened.items() if event.at_ms < changed_ms}
    still_open = {name for name in old if closed[name].at_ms > changed_ms}
    assert still_open
    assert {opened[name].controller_id for name in old} <= {f"recovery_dca_phase1_{pair}" for pair in PAIRS}
    assert {opened[name].controller_id for name in opened.keys() - old} <= {
        f"recovery_dca_phase2_{pair}" for pair in PAIRS
    }
    assert opened.keys() - old, "the new phase traded too"
    assert_under_terms(old, opened, closed, time_limit_s=600, levels=3)
    assert_under_terms(opened.keys() - old, opened, closed, time_limit_s=120, levels=3)
    late = [
        event
        for event in events
        if isinstance(event, ev.SignalDecided) and event.phase == 1 and event.at_ms > changed_ms
    ]
    assert {event.reason for event in late} <= {"phase_changed"}
    last_look_ms = max(
        event.until_ms for event in events if isinstance(event, ev.CandlesEvaluated) and event.phase == 1
    )
    assert last_look_ms <= max(closed[name].at_ms for name in old) + 60_000, "let go once nothing was open"


def wait_for_a_position(home: BotHome, process: "subprocess.Popen[str]") -> None:
    """By its journal: at full speed the lines it prints are minutes of the market apart."""
    while process.poll() is None:
        if has_a_position(home):
            return
        time.sleep(0.05)
    raise AssertionError("the run ended without a position")


def has_a_position(home: BotHome) -> bool:
    try:
        return any(isinstance(event, ev.OrderFilled) for event in home.events())
    except (JournalError, IndexError):  # it has not made its journal yet, or nothing is in it
        return False


def assert_under_terms(
    names: set[str],
    opened: dict[str, ev.ExecutorOpened],
    closed: dict[str, ev.ExecutorClosed],
    *,
    time_limit_s: int,
    levels: int,
) -> None:
    for name in names:
        terms = opened[name].terms
        assert terms is not None
        assert (terms.time_limit_s, len(terms.prices)) == (time_limit_s, levels)
        lasted_s = (closed[name].at_ms - opened[name].at_ms) / 1000
        assert lasted_s <= time_limit_s + 10
        if closed[name].close_type == "TIME_LIMIT":
            assert lasted_s >= time_limit_s - 1
