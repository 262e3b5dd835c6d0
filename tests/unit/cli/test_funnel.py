"""`recovery funnel`: what people read is pinned, programs get the same figures.

After a change that is meant, write the golden files anew: python -m tests.unit.cli.test_funnel
"""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from shared.cli.funnel import By, show, view_of
from shared.cli.runs import Run, heading
from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from tests.unit.cli.command import Command
from tests.unit.cli.trade_samples import busy_run, refused_everything, signal, started, stopped
from tests.unit.domain.generated_runs import finished, round_trip

GOLDEN = Path(__file__).parent / "golden"


def shown(events: list[ev.Event], width: int, by: By | None = None) -> str:
    runs = [Run("one", RunRecord.of(events))]
    console = Console(width=width, file=StringIO(), color_system=None)
    show(console, heading(runs), view_of(runs), by)
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def all_tables(events: list[ev.Event], width: int) -> str:
    return "\n".join(shown(events, width, by) for by in (None, By.PAIR, By.PHASE, By.REASON))


CASES = {
    "funnel_80.txt": lambda: all_tables(busy_run(), 80),
    "funnel_120.txt": lambda: all_tables(busy_run(), 120),
    "funnel_refused_80.txt": lambda: shown(refused_everything(), 80),
    # As journals were before candles were counted and phases named.
    "funnel_older_80.txt": lambda: shown(finished([round_trip("1")]), 80),
}


@pytest.mark.parametrize("name", CASES)
def test_the_funnel_is_as_it_was_approved(name: str) -> None:
    assert CASES[name]() == (GOLDEN / name).read_text()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, all_tables(busy_run(), width).splitlines())) <= width


def test_a_signal_that_vanished_is_said_in_red() -> None:
    runs = [Run("one", RunRecord.of(busy_run()))]
    console = Console(width=80, file=StringIO(), force_terminal=True, color_system="standard")
    show(console, "", view_of(runs), None)
    assert isinstance(console.file, StringIO)
    assert "\x1b[31mSignals that went no further without a reason in the journal: 1.\x1b[0m" in console.file.getvalue()


def test_programs_get_every_table(recovery: Command) -> None:
    recovery.write("one", busy_run())
    view = json.loads(recovery("funnel", "--json").out)
    assert view["runs"] == ["one"]
    steps = view["total"]["steps"]
    assert {step: steps[step]["count"] for step in steps} == {
        "evaluated": 4894,
        "signal": 20,
        "taken": 5,
        "order": 4,
        "filled": 3,
        "closed": 2,
    }
    assert steps["taken"]["share_of_step_before"] == 0.25
    assert steps["taken"]["lost"] == {"position_open": 12, "max_positions_per_strategy": 2, "short_on_spot": 1}
    assert (steps["order"]["lost"], steps["filled"]["lost"]) == ({"no_reason_recorded": 1}, {"order -1013": 1})
    assert steps["closed"]["lost"] == {"under_way": 1}
    assert (view["total"]["orders"], view["total"]["orders_failed"]) == (9, {"-1013": 1})
    assert view["total"]["unexplained"] == 1
    assert list(view["by_strategy"]) == ["recovery_channel", "recovery_dca", "recovery_swing"]
    assert list(view["by_pair"]) == ["BTC-USDT", "ETH-USDT", "SOL-USDT"]
    assert list(view["by_phase"]) == ["2"]
    decided = view["latencies"][0]
    assert decided == {"span": "candle closed to signal decided", "count": 20, "p50_ms": 4, "p99_ms": 4}


def test_what_was_not_counted_is_null_for_programs(recovery: Command) -> None:
    recovery.write("one", finished([round_trip("1")]))
    steps = json.loads(recovery("funnel", "--json").out)["total"]["steps"]
    assert steps["evaluated"] == {"count": None, "share_of_step_before": None, "lost": {}}


def test_a_run_that_has_only_begun(recovery: Command) -> None:
    recovery.write("one", [started()])
    done = recovery("funnel")
    assert (done.code, done.err) == (0, "")
    assert "strategy: no signal yet" in done.out


def test_runs_together(recovery: Command) -> None:
    recovery.write("one", [started(), signal(1, reason="capital"), stopped(2)])
    recovery.write("two", [started(), signal(1, reason="capital"), stopped(2)])
    done = recovery("funnel", "--all", "--by", "reason")
    assert done.out.startswith("2 runs, 2025-01-06 00:00 to 2025-01-06 00:02 UTC\n")
    assert ["capital", "2", "2"] in [line.split() for line in done.out.splitlines()]


def test_executors_of_others_are_named(recovery: Command) -> None:
    orphan = [event for event in round_trip("1").events if not isinstance(event, ev.SignalDecided)]
    recovery.write("one", [started(), *orphan])
    assert "no signal of ours: 1; only their orders and fills are counted." in recovery("funnel").out


if __name__ == "__main__":
    for golden, make in CASES.items():
        (GOLDEN / golden).write_text(make())
