"""Phase 2 as the plan wants it shown: three strategies on recorded candles to fifty trades, and gates that say what that proves."""

import json

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
    criteria = {criterion["name"]: criterion for criterion in gates[2]["criteria"]}
    events = home.events()
    closed = [event for event in events if isinstance(event, ev.ExecutorClosed)]
    assert criteria["closed trades"]["value"] == len(closed) == report["trades_closed"]
    assert criteria["order failure rate"]["verdict"] == "PASSED", "200 orders without a failure"
