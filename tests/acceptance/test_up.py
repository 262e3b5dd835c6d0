"""Venue, sidecar and bot together: trades go on while Polygon dies, Binance takes over and Polygon comes back."""

import json
import os
import re
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from shared.domain import events as ev
from tests.acceptance.bot_home import BotHome

# Market seconds a real one: what real machines manage beside other tests.
SPEED = 15
POLYGON_DIES = """
faults:
- {where: polygon, kind: down, after_s: 480, for_s: 240}
"""
SWITCH = re.compile(r"sidecar \| (\S+ \S+) candles now come from (\w+)")


def on_the_sidecars_candles(home: BotHome) -> BotHome:
    for file in (home.path / "conf" / "controllers").glob("*.yml"):
        home.edit(f"controllers/{file.name}", "candles_connector: ''", "candles_connector: recovery_feed")
    return home


def switches(output: str) -> list[tuple[int, str]]:
    """When candles began to come from where, UTC epoch milliseconds of the market."""
    return [
        (int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000), source)
        for at, source in SWITCH.findall(output)
    ]


@pytest.mark.slow
def test_trades_close_and_verify_while_polygon_dies_and_comes_back(home: BotHome, tmp_path: Path) -> None:
    on_the_sidecars_candles(home)
    script = tmp_path / "faults.yml"
    script.write_text(POLYGON_DIES)
    done = home.recovery("up", "--speed", str(SPEED), "--until-trades", "5", "--faults", str(script))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    (_, first), (dead_ms, second), (back_ms, third) = switches(done.stdout)[:3]
    assert (first, second, third) == ("polygon", "binance", "polygon")
    assert re.search(r"Verified: \d+ trades add up", done.stdout)
    assert "Refused hosts   none" in done.stdout
    closed = [each.at_ms for each in home.events() if isinstance(each, ev.ExecutorClosed)]
    assert any(dead_ms < at_ms for at_ms in closed), "no trade closed after Polygon had died"
    looked = [each for each in home.events() if isinstance(each, ev.SignalDecided)]
    assert any(dead_ms < each.at_ms < back_ms for each in looked), "nothing was decided on Binance's candles"
    assert any(each.at_ms > back_ms for each in looked), "nothing was decided after Polygon's return"
    assert not (home.path / "data" / "up.json").exists()
    assert not (home.path / "data" / "feed_server.json").exists()


def up_in_the_background(home: BotHome) -> dict[str, int]:
    """`recovery up --detach`; the ids of what it started, by name."""
    done = home.recovery("up", "--speed", str(SPEED), "--detach")
    assert done.returncode == 0, done.stdout + done.stderr
    return {each["name"]: each["pid"] for each in json.loads((home.path / "data" / "up.json").read_text())}


def is_running(pid: int) -> bool:
    """Whether a process has not ended; one nobody has asked for its exit code has."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_down_ends_what_up_started_and_nothing_else(home: BotHome) -> None:
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        pids = up_in_the_background(home)
        assert list(pids) == ["venue", "sidecar", "bot"]
        again = home.recovery("up")
        assert again.returncode == 2
        assert "is up already" in again.stderr
        health = home.recovery("health", "--json")
        assert {check["name"] for check in json.loads(health.stdout)["checks"]} >= {"feeds", "disk", "process"}
        down = home.recovery("down")
        assert down.returncode == 0, down.stdout + down.stderr
        assert down.stdout.splitlines() == ["bot: stopped", "sidecar: stopped", "venue: stopped"]
        assert not any(is_running(pid) for pid in pids.values())
        assert bystander.poll() is None
        assert home.recovery("down").stdout.splitlines() == [f"{home.path}: nothing is up"]
    finally:
        home.recovery("down")  # whatever failed above: what was started detached outlives this test otherwise
        bystander.kill()
        bystander.wait()


@pytest.mark.slow
def test_a_venue_that_dies_ends_all_in_good_order(home: BotHome) -> None:
    process = home.start("up", "--speed", str(SPEED))
    record = home.path / "data" / "up.json"
    deadline = time.monotonic() + 120
    while not record.exists() or '"bot"' not in record.read_text():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.5)
    venue = next(each for each in json.loads(record.read_text()) if each["name"] == "venue")
    os.kill(venue["pid"], signal.SIGKILL)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 1, output[-3000:] + errors
    assert "venue ended by itself (-9): stopping all" in errors
    assert not record.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--speed", "max"), "--speed = max: is for one process; give a number, e.g. --speed 10"),
        (("--speed", "0"), "--speed = 0: must be above 0 and at most 1000, or max"),
        (("--venue", "live", "--faults", "x.yml"), "--faults: is for a local venue"),
        (("--venue", "elsewhere"), "--venue = elsewhere: must be"),
        (("--script", "nothing.py"), "nothing.py"),
    ],
)
def test_bad_input_starts_nothing(home: BotHome, arguments: tuple[str, ...], complaint: str) -> None:
    done = home.recovery("up", *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (home.path / "data" / "up.json").exists()
