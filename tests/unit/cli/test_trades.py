"""`recovery trades`: the list is pinned, every trade can be named, and pictures go where they are asked to.

After a change that is meant, write the golden files anew: python -m tests.unit.cli.test_trades
"""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from shared.cli.errors import UsageError
from shared.cli.runs import Run
from shared.cli.trade_list import print_trades
from shared.cli.trades import chosen, picked
from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from tests.unit.cli.command import Command
from tests.unit.cli.trade_samples import busy_run, ladder, refused_everything, short, started
from tests.unit.domain.generated_runs import finished, round_trip

GOLDEN = Path(__file__).parent / "golden"
CHECKOUT = Path(__file__).resolve().parents[3]


def runs_of(events: list[ev.Event]) -> list[Run]:
    return [Run("one", RunRecord.of(events))]


def shown(events: list[ev.Event], width: int) -> str:
    console = Console(width=width, file=StringIO(), color_system=None)
    print_trades(console, chosen(runs_of(events), None, None, None))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


CASES = {
    "trades_80.txt": lambda: shown(busy_run(), 80),
    "trades_120.txt": lambda: shown(busy_run(), 120),
}


@pytest.mark.parametrize("name", CASES)
def test_the_list_is_as_it_was_approved(name: str) -> None:
    assert CASES[name]() == (GOLDEN / name).read_text()


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, shown(busy_run(), width).splitlines())) <= width


def test_profits_are_green_and_losses_red() -> None:
    console = Console(width=120, file=StringIO(), force_terminal=True, color_system="standard")
    print_trades(console, chosen(runs_of(busy_run()), None, None, None))
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert "\x1b[32m+1.6903\x1b[0m" in text
    assert "\x1b[31m-2.4670\x1b[0m" in text


def test_base_left_over_is_told_and_has_no_result() -> None:
    left = ladder()
    left.events.pop(-2)
    text = " ".join(shown([started(), *left.events], 80).split())
    assert "0.002 base left over" in text
    assert "1 closed with base left over: their PnL is in none of these figures" in text


@pytest.mark.parametrize("events", [refused_everything(), [started()]])
def test_a_run_without_trades(events: list[ev.Event], recovery: Command) -> None:
    recovery.write("one", events)
    assert recovery("trades").out.endswith("\n\nNo trade.\n")
    assert json.loads(recovery("trades", "--json").out)["trades"] == []
    there = recovery.refused("trades", "--picture", "all", "--to", "x")
    assert there == "--picture = all: there is no trade to draw"


def test_programs_get_the_same(recovery: Command) -> None:
    recovery.write("one", busy_run())
    view = json.loads(recovery("trades", "--json").out)
    assert view["trades"][1] == {
        "number": 2,
        "run": "one",
        "executor": "Executor1736123400004ETH-USDT",
        "signal": "recovery_channel_ETH-USDT@30/SELL",
        "strategy": "recovery_channel",
        "phase": 2,
        "pair": "ETH-USDT",
        "side": "SELL",
        "opened_at": "2025-01-06T00:30:00.004+00:00",
        "closed_at": "2025-01-07T00:10:06.000+00:00",
        "duration_s": 85205.996,
        "levels_filled": 1,
        "levels": 1,
        "average_entry": "3399.00000000",
        "average_exit": "3441.50000000",
        "amount_base": "0.05",
        "filled_quote": "169.95000000",
        "base_left": "0",
        "close_type": "EARLY_STOP",
        "cause": "channel_broken",
        "pnl_quote": "-2.46702500",
        "fees_quote": "0.34202500",
        "return": "-0.01451618",
    }
    assert view["trades"][2]["closed_at"] is None
    assert view["trades"][2]["pnl_quote"] is None
    assert view["total"] == {
        "closed": 2,
        "open": 1,
        "won": 1,
        "unclear": 0,
        "pnl_quote": "-0.77670050",
        "fees_quote": "0.71620050",
        "filled_quote": "356.00550000",
        "return": "-0.00218171",
    }


def test_a_trade_keeps_its_number_in_a_part_of_the_list() -> None:
    runs = runs_of(busy_run())
    assert [trade.number for trade in chosen(runs, None, None, 2)] == [2, 3]
    assert [trade.number for trade in chosen(runs, "recovery_dca", None, None)] == [1, 3]
    assert [trade.number for trade in chosen(runs, "recovery_dca", "SOL-USDT", 5)] == [3]
    assert chosen(runs, "recovery_channel", "SOL-USDT", None) == []


def test_a_strategy_or_pair_without_trades_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"--pair = XRP-USDT: has no trade; there are those of BTC-USDT, ETH-USDT, SOL"
    ):
        chosen(runs_of(busy_run()), None, "XRP-USDT", None)
    with pytest.raises(UsageError, match=r"--strategy = dca: has no trade; there are those of recovery_channel, reco"):
        chosen(runs_of(busy_run()), "dca", None, None)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("2", [2]),
        ("recovery_dca_SOL-USDT@40/BUY", [3]),
        ("Executor1736123400", [2]),
        ("all", [1, 2, 3]),
    ],
)
def test_a_trade_is_named_by_number_signal_or_executor(name: str, numbers: list[int]) -> None:
    listed = chosen(runs_of(busy_run()), None, None, None)
    assert [trade.number for trade in picked(listed, name)] == numbers


@pytest.mark.parametrize(("name", "why"), [("4", "is no trade of the list"), ("Exec", "are 3 trades of the list")])
def test_what_names_no_single_trade_is_refused(name: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"--picture = {name}: {why}; give a number of `recovery trades`"):
        picked(chosen(runs_of(busy_run()), None, None, None), name)


@pytest.mark.parametrize("missing", [("--picture", "1"), ("--to", "x.svg")])
def test_a_picture_and_its_place_go_together(missing: tuple[str, str], recovery: Command) -> None:
    recovery.write("one", busy_run())
    assert recovery.refused("trades", *missing) == "--picture and --to: go together, what to draw and where to"


def test_candles_without_a_picture_are_refused(recovery: Command) -> None:
    recovery.write("one", busy_run())
    assert recovery.refused("trades", "--candles", "x.csv") == "--candles = x.csv: is for --picture"


def test_a_list_needs_no_matplotlib(recovery: Command) -> None:
    """It takes a second to load."""
    recovery.write("one", finished([round_trip("1")]))
    program = "import sys; from shared.cli.main import app; app(['trades'], standalone_mode=False); "
    program += "assert not [name for name in sys.modules if name.startswith('matplotlib')]"
    environment = {"RECOVERY_HOME": str(recovery.home), "PATH": "/usr/bin"}
    subprocess.run([sys.executable, "-c", program], check=True, cwd=CHECKOUT, env=environment, capture_output=True)


def test_pictures_of_a_run_that_cannot_be_made_again_are_drawn_and_say_so(recovery: Command) -> None:
    recovery.write("one", [started("live"), *ladder().events, *short().events])
    done = recovery("trades", "--picture", "all", "--to", str(recovery.home / "pictures"))
    assert (done.code, done.err) == (0, "")
    assert sorted(path.name for path in (recovery.home / "pictures").iterdir()) == [
        "trade_1_BTC-USDT.svg",
        "trade_2_ETH-USDT.svg",
    ]
    assert done.out.count("No candles: those of live are not kept; name a recording with --candles.") == 2


if __name__ == "__main__":
    for golden, make in CASES.items():
        (GOLDEN / golden).write_text(make())
