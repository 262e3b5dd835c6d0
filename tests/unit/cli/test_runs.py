"""Which runs a command looks at, and what they are called."""

import pytest

from shared.cli.runs import Run, heading, read_runs, shown_duration
from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from tests.unit.cli.command import Command
from tests.unit.cli.trade_samples import signal, started, stopped


def named(*events: ev.Event) -> Run:
    return Run("0123456789abcdef", RunRecord.of(events))


def test_the_last_run_unless_another_is_named(recovery: Command) -> None:
    recovery.write("one", [started()])
    recovery.write("two", [started()])
    assert [run.run_id for run in read_runs(recovery.home, None, False)] == ["two"]
    assert [run.run_id for run in read_runs(recovery.home, "o", False)] == ["one"]
    assert [run.run_id for run in read_runs(recovery.home, None, True)] == ["one", "two"]


def test_a_run_that_is_not_there_is_refused(recovery: Command) -> None:
    recovery.write("one", [started()])
    assert recovery.refused("trades", "--run", "x") == "--run = x: there is no such run; the last is one"
    both = recovery.refused("funnel", "--run", "one", "--all")
    assert both == "--run = one: names one run, and --all asks for every one; give one of the two"


def test_a_journal_without_a_run_is_said_to_be_empty(recovery: Command) -> None:
    recovery.write("one", [])
    assert recovery.refused("funnel").endswith("recovery_journal.sqlite: the journal has no run yet")


def test_without_a_journal_nothing_is_shown(recovery: Command) -> None:
    for command in ("funnel", "trades"):
        assert "there is no journal here" in recovery.refused(command)


def test_a_heading_says_which_run_it_was_and_where_it_traded() -> None:
    span = "2025-01-06 00:00 to 2025-01-06 00:02 UTC"
    assert heading([named(started("live"), stopped(2))]) == f"Run 01234567, recovery_all.py, {span}, stopped\non live"
    assert heading([named(started(), signal(2))]) == (
        f"Run 01234567, recovery_all.py, {span}, not stopped: running, or ended without a stop"
    )
    assert heading([named(signal(2))]) == "Run 01234567, has not begun to trade"


def test_recordings_are_named_without_their_folders() -> None:
    shown = heading([named(started("replay:/a/b_BTC-USDT_1m.csv@2025-01-01T00:00,/c/d_ETH-USDT_1m.csv, seed 3"))])
    assert shown.endswith("\non replay:b_BTC-USDT_1m.csv@2025-01-01T00:00, d_ETH-USDT_1m.csv, seed 3")


@pytest.mark.parametrize(
    ("duration_ms", "text"),
    [(0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (119_000, "119.0 s"), (120_000, "2.0 min"), (7_200_000, "2.0 h")],
)
def test_a_duration_is_in_the_unit_that_fits(duration_ms: int, text: str) -> None:
    assert shown_duration(duration_ms) == text
