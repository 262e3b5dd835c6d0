"""`recovery status`: what a home's bot is doing or has done, from its journal alone."""

import json
from decimal import Decimal
from typing import Any

from tests.unit.cli.command import Command
from tests.unit.domain.generated_runs import TradeBuilder, finished, round_trip, run_started, signal


def under_way() -> list[Any]:
    held = TradeBuilder("2").open()
    held.order([(Decimal(100), Decimal("0.5"), Decimal(0))], amount=Decimal(1), end="none")
    held.order([], amount=Decimal(1), end="failed")
    return [run_started(), signal("x", reason="cooldown"), *round_trip("1").events, *held.events]


def test_a_run_under_way_as_json(recovery: Command) -> None:
    recovery.write("one", under_way())
    done = recovery("status", "--json")
    assert done.code == 0
    assert json.loads(done.out) == {
        "run": "one",
        "script": "recovery_dca.py",
        "hummingbot": "20260126",
        "state": "not stopped: running, or ended without a stop",
        "signals": 3,
        "signals_taken": 2,
        "orders": 5,
        "orders_failed": 1,
        "fills": 5,
        "open_positions": {"BTC-USDT": "0.5"},
        "trades_closed": 1,
        "trades": [
            {
                "pair": "BTC-USDT",
                "signal": "signal-1",
                "close_type": "TAKE_PROFIT",
                "pnl_quote": "0.84900000",
                "fees_quote": "0.15100000",
            }
        ],
    }


def test_a_stopped_run_as_a_table(recovery: Command) -> None:
    recovery.write("one", finished([round_trip("1")]))
    done = recovery("status")
    assert done.code == 0
    for part in ("stopped", "open positions", "none", "TAKE_PROFIT", "0.84900000", "signal-1"):
        assert part in done.out


def test_a_run_that_never_began_is_named(recovery: Command) -> None:
    recovery.write("one", [signal("x", reason="cooldown")])
    assert recovery.refused("status") == "--run = one: has not begun to trade"


def test_without_a_journal_there_is_no_status(recovery: Command) -> None:
    assert "there is no journal here" in recovery.refused("status")


def test_two_positions_on_a_pair_are_both_counted(recovery: Command) -> None:
    events: list[Any] = [run_started()]
    for name, amount in (("1", "1"), ("2", "0.5")):
        held = TradeBuilder(name).open()
        held.order([(Decimal(100), Decimal(amount), Decimal(0))], amount=Decimal(amount))
        events += held.events
    recovery.write("one", events)
    shown = json.loads(recovery("status", "--json").out)["open_positions"]
    assert shown == {"BTC-USDT": "1.5"}
