"""`recovery run`: signals become orders, orders fills, fills trades whose PnL adds up. Real Hummingbot, real sockets."""

import re
import signal
import subprocess
import sys
from importlib.metadata import version

import pytest

from shared.domain import events as ev
from tests.acceptance.bot_home import IS_DEFAULT_RELEASE, MARKET_DATA, BotHome

pytestmark = pytest.mark.slow

DOT = "bybit_perp_DOT-USDT_1m_2025-06.csv.gz@2025-06-21T16:00"
BTC = "binance_us_BTC-USDT_1m_2023-03.csv.gz@2023-03-14T16:00"


def test_the_main_job_ends_with_ten_verified_trades(home: BotHome) -> None:
    done, report = home.run()

    assert done.returncode == 0, done.stderr
    assert report["hummingbot"] == version("hummingbot")
    assert report["venue"] == "simulated"
    assert report["trades_closed"] >= 10
    assert report["orders_failed"] == {}
    assert report["refused_hosts"] == {}
    assert report["verify"] == {
        "ok": True,
        "checked": report["trades_closed"],
        "checked_signals": report["signals"],
        "checked_orders": report["orders_submitted"],
        "checked_fills": report["fills"],
        "mismatches": [],
    }
    assert sum(report["close_types"].values()) == report["trades_closed"]
    assert {"TAKE_PROFIT", "STOP_LOSS"} <= set(report["close_types"])
    assert report["signals"] > report["trades_closed"], "refused signals are recorded too"
    assert report["signals_refused"]
    assert "Verified" in done.stdout

    again = home.recovery("verify")
    assert again.returncode == 0, again.stdout


def test_the_same_seed_gives_the_same_signals_and_fills(home: BotHome) -> None:
    for _ in range(2):
        done, _ = home.run("--until-trades", "3", "--seed", "7")
        assert done.returncode == 0, done.stderr

    first, second = ([_without_ids(event) for event in home.events(run)] for run in (0, 1))

    assert [event for event in first if event[0] == "signal"]
    assert first == second


def _without_ids(event: ev.Event) -> tuple[object, ...]:
    """An event less the ids Hummingbot draws at random."""
    match event:
        case ev.SignalDecided():
            return ("signal", event.at_ms, event.signal_id, event.price, event.candle_close_ms, event.reason)
        case ev.OrderSubmitted():
            return ("order", event.at_ms, event.pair, event.side, event.price, event.amount)
        case ev.OrderFilled():
            return ("fill", event.at_ms, event.pair, event.side, event.price, event.amount, event.fee_quote)
        case ev.ExecutorClosed():
            return ("closed", event.at_ms, event.close_type, event.reported_pnl_quote)
        case _:
            return (event.kind, event.at_ms)


def test_perpetuals_are_traded_and_verified(home: BotHome) -> None:
    done, report = home.run("--perpetual")

    assert done.returncode == 0, done.stderr
    assert report["trades_closed"] >= 10
    assert report["orders_failed"] == {}
    assert report["verify"]["ok"]
    accounts = {event.account for event in home.events() if isinstance(event, ev.OrderSubmitted)}
    assert accounts == {"binance_perpetual_paper_trade"}


@pytest.mark.skipif(not MARKET_DATA.is_dir(), reason="the recorded candles are not beside this checkout")
def test_recorded_candles_are_replayed_and_verified(home: BotHome) -> None:
    # Of different dates on one clock, shifted apart. Fifty trades are test_validation_run's.
    wanted = "4" if IS_DEFAULT_RELEASE else "2"
    venue = f"replay:{MARKET_DATA / DOT},{MARKET_DATA / BTC}"

    done, report = home.run("--venue", venue, "--speed", "max", "--until-trades", wanted)

    assert done.returncode == 0, done.stderr
    assert report["trades_closed"] >= int(wanted)
    assert report["orders_failed"] == {}
    assert report["verify"]["ok"]
    pairs = {event.pair for event in home.events() if isinstance(event, ev.OrderSubmitted)}
    assert pairs <= {"DOT-USDT", "BTC-USDT"}


def test_a_time_out_stops_in_good_order_and_exits_with_3(home: BotHome) -> None:
    done, report = home.run("--until-trades", "100000", "--timeout-s", "12")

    assert done.returncode == 3, done.stderr
    assert report["verify"]["ok"], report["verify"]["mismatches"]
    assert isinstance(home.events()[-1], ev.RunStopped)


def test_control_c_closes_positions_and_ends_the_journal(home: BotHome) -> None:
    process = home.start("run", "--until-trades", "100000", "--speed", "60")
    _wait_for_an_open_position(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 0, err
    assert "Stopped: SIGINT" in out
    assert "Verified" in out
    events = home.events()
    assert isinstance(events[-1], ev.RunStopped)
    opened = {event.executor_id for event in events if isinstance(event, ev.ExecutorOpened)}
    closed = {event.executor_id for event in events if isinstance(event, ev.ExecutorClosed)}
    assert opened
    assert opened == closed


def test_a_killed_bot_leaves_a_journal_that_can_be_read_and_a_home_that_can_be_used(home: BotHome) -> None:
    process = home.start("run", "--until-trades", "100000", "--speed", "60")
    _wait_for_an_open_position(process)
    process.kill()
    process.communicate(timeout=60)

    status = home.recovery("status")
    assert status.returncode == 0
    assert "not stopped" in status.stdout
    assert home.recovery("verify").returncode == 0, "what was journaled before the kill adds up"
    done, report = home.run("--until-trades", "1")
    assert done.returncode == 0, done.stderr
    assert report["verify"]["ok"]


def _wait_for_an_open_position(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(r"fills, [1-9]\d* open", line):
            return
    raise AssertionError("the run ended without a position")


def test_a_bot_may_be_started_from_inside_its_home_again_and_again(home: BotHome) -> None:
    """Hummingbot is then imported through the home's own link, which must not come to point at itself."""
    import_through_cwd = "import sys; sys.path.insert(0, ''); from shared.cli.main import main; main()"
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", import_through_cwd, "run", "--until-trades", "1"],
            env=home.environment(),
            cwd=home.path,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
