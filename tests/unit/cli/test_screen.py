"""The live screen: the status in colour, with progress to the goal, on any width."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from shared.bot.status import Snapshot
from shared.cli.screen import screen
from tests.unit.bot.status_samples import POSITION, view


def shown(snapshot: Snapshot, columns: int = 110, *, coloured: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=columns, force_terminal=coloured, color_system="standard" if coloured else None)
    clock = "2025-01-06 00:12:00   19x"
    console.print(screen(snapshot, heading="simulated", until_trades=10, clock=clock, columns=columns))
    return out.getvalue()


@pytest.mark.parametrize("columns", [110, 54])
def test_everything_is_on_it(columns: int) -> None:
    text = " ".join(shown(view(POSITION), columns).split())
    for part in (
        "simulated",
        "Markets",
        "97,654.30",
        "Open positions",
        "98,123.45",
        "-3.21 (-0.80%)",
        "signals",
        "Last trades",
        "take profit",
        "1/10 trades",
    ):
        assert part in text
    assert max(map(len, shown(view(POSITION), columns).splitlines())) <= columns


def test_profits_are_green_and_losses_red() -> None:
    text = shown(view(POSITION), coloured=True)
    assert "\x1b[31m-3.21 (-0.80%)" in text
    assert "\x1b[32m+0.8490" in text
    without_end = shown(view(replace(POSITION, time_left_s=None)), coloured=True)
    assert "\x1b[31m-\x1b" not in without_end, "a dash is no loss"


def test_more_trades_than_asked_for_are_shown_as_they_are() -> None:
    snapshot = view()
    funnel = replace(snapshot.funnel, trades=12)
    assert "12/10 trades closed" in shown(replace(snapshot, funnel=funnel))
