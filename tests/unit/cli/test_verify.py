"""`recovery verify`: 0 when everything adds up, 1 when something does not, 2 when there is nothing to verify."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.unit.cli.command import Command
from tests.unit.domain.generated_runs import finished, round_trip, signal


def sound() -> list[Any]:
    return finished([round_trip("1"), round_trip("2")], [signal("x", reason="cooldown")])


def broken() -> list[Any]:
    trade = round_trip("1")
    closed: Any = trade.events[-1]
    trade.events[-1] = replace(closed, reported_pnl_quote=Decimal(5))
    return finished([trade])


def test_a_sound_run_is_verified(recovery: Command) -> None:
    recovery.write("one", sound())
    done = recovery("verify")
    assert (done.code, done.err) == (0, "")
    assert done.out == "Verified: 2 trades add up (3 signals, 6 orders, 8 fills)\n"


def test_a_mismatch_is_named(recovery: Command) -> None:
    recovery.write("one", broken())
    done = recovery("verify")
    assert done.code == 1
    assert done.out.splitlines() == [
        "NOT verified: 1 mismatches (1 signals, 3 orders, 4 fills)",
        "  - executor executor-1 reported PnL 5, its fills give 0.8490",
    ]


def test_the_verdict_as_json(recovery: Command) -> None:
    recovery.write("one", sound())
    assert json.loads(recovery("verify", "--json").out) == {
        "run": "one",
        "ok": True,
        "checked": 2,
        "checked_signals": 3,
        "checked_orders": 6,
        "checked_fills": 8,
        "mismatches": [],
    }
    recovery.write("two", broken())
    done = recovery("verify", "--json")
    assert done.code == 1
    verdict = json.loads(done.out)
    assert (verdict["run"], verdict["ok"], len(verdict["mismatches"])) == ("two", False, 1)


def test_the_last_run_is_meant_unless_one_is_named(recovery: Command) -> None:
    recovery.write("aaa-1", broken())
    recovery.write("bbb-2", sound())
    assert recovery("verify").code == 0
    assert recovery("verify", "--run", "aaa").code == 1
    sentence = recovery.refused("verify", "--run", "ccc")
    assert sentence == "--run = ccc: there is no such run; the last is bbb-2"


def test_without_a_journal_there_is_nothing_to_verify(recovery: Command) -> None:
    path = recovery.home / "data" / "recovery_journal.sqlite"
    assert recovery.refused("verify") == f"{path}: there is no journal here; run the bot first"
    recovery.write("one", [])
    assert recovery("verify").code == 2


def test_a_home_can_be_named(recovery: Command) -> None:
    recovery.write("one", sound())
    assert str(recovery.home / "elsewhere") in recovery.refused("verify", "--home", str(recovery.home / "elsewhere"))
    assert recovery("verify", "--home", str(recovery.home)).code == 0


def test_a_damaged_journal_is_named(recovery: Command) -> None:
    path = recovery.home / "data" / "recovery_journal.sqlite"
    path.parent.mkdir()
    path.write_text("not a database " * 100)
    assert recovery.refused("verify").startswith(f"{path}: cannot")
