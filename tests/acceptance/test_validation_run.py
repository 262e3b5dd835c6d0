"""Phase 2 as the plan wants it: three strategies on recorded candles to fifty trades, and gates that say what that proves."""

import json
from typing import Any

import pytest

from shared.domain import events as ev
from tests.acceptance.bot_home import IS_DEFAULT_RELEASE, MARKET_DATA, BotHome

pytestmark = [
    pytest.mark.slow,
    pytest.mark.store,
    pytest.mark.skipif(not MARKET_DATA.is_dir(), reason="the recorded candles are not beside this checkout"),
    pytest.mark.skipif(not IS_DEFAULT_RELEASE, reason="on the default release alone, for its minutes"),
]

START = "2025-04-06T20:00"
FILES = [MARKET_DATA / f"bybit_perp_{base}-USDT_5m_2025-04_2025-07.csv.gz" for base in ("ETH", "SOL", "BTC")]


def test_fifty_trades_and_gates_with_the_right_figures(home: BotHome) -> None:
    venue = "replay:" + ",".join(f"{file}@{START}" for file in FILES)

    done, report = home.run(
        *("--script", "recovery_all.py", "--conf", "recovery_all_phase2.yml"),
        *("--venue", venue, "--speed", "max", "--until-trades", "50", "--timeout-s", "1800"),
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert report["verify"]["ok"]
    assert report["trades_closed"] >= 50
    assert report["close_types"]["TAKE_PROFIT"] >= 5
    assert report["close_types"]["STOP_LOSS"] >= 5

    gates = {gate["phase"]: gate for gate in json.loads(home.recovery("phase", "status", "--json").stdout)["gates"]}
    assert gates[1]["verdict"] == "PASSED"
    assert gates[2]["verdict"] in ("PASSED", "INCONCLUSIVE")
    criteria = _criteria(gates[2])
    events = home.events()
    closed = sum(1 for event in events if isinstance(event, ev.ExecutorClosed))
    assert criteria["closed_trades"]["figures"] == {"trades": report["trades_closed"]}
    assert report["trades_closed"] <= closed, "an executor without fills is no trade"
    assert criteria["order_failure_rate"]["verdict"] == "PASSED", "some 200 orders without a failure"
    assert criteria["trades_stored"]["verdict"] == "PASSED"
    taken = sum(1 for event in events if isinstance(event, ev.SignalDecided) and event.taken)
    assert {name: gate["figures"] for name, gate in _criteria(gates[1]).items()}["signals_reach_orders"] == {
        "taken": taken,
        "reached": taken,
    }


def _criteria(gate: dict[str, Any]) -> dict[str, Any]:
    return {criterion["name"]: criterion for criterion in gate["criteria"]}
