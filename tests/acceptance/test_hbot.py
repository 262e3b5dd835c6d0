"""`recovery hbot`: Hummingbot's own command line in a home, its engine a process of its own on a `recovery venue`."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from shared.domain import events as ev
from tests.acceptance.bot_home import IS_DEFAULT_RELEASE, RECOVERY, BotHome

_FILLS_S = 300.0
_DROP_S = "600"  # into the seeded market, where prices have just fallen


@pytest.fixture
def venue_url(home: BotHome) -> Iterator[str]:
    venue = subprocess.Popen(
        [*RECOVERY, "venue", "--port", "0", "--skip-s", _DROP_S],
        env=home.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert venue.stdout is not None
        first_line = venue.stdout.readline()
        assert first_line.startswith("venue at http://"), first_line
        yield first_line.split()[2]
    finally:
        venue.send_signal(signal.SIGINT)
        venue.communicate(timeout=60)
    assert venue.returncode == 0


@pytest.mark.skipif(IS_DEFAULT_RELEASE, reason="hbot came after Hummingbot 20260126")
@pytest.mark.slow
def test_start_status_stop(home: BotHome, venue_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOVERY_VENUE_URL", venue_url)
    monkeypatch.setenv("HBOT_PASSWORD", "of this test")
    started = home.recovery("hbot", "start", "recovery_dca_phase1.yml", "--v2-script", "--timeout", "300")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        _wait_for_a_fill(home)

        shown = home.recovery("hbot", "status")
        assert shown.returncode == 0, shown.stderr
        assert "state: running" in shown.stdout
        assert "Open positions" in shown.stdout

        second = home.recovery("run", "--until-trades", "1")
        assert second.returncode == 2, "one bot a home, whoever started it"
        assert "locked by process" in second.stderr
    finally:
        stopped = home.recovery("hbot", "stop", "--timeout", "120", "--force")

    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert "killed: no" in stopped.stdout
    events = home.events()
    assert isinstance(events[0], ev.RunStarted)
    assert isinstance(events[-1], ev.RunStopped)
    verdict = home.recovery("verify", "--json")
    assert verdict.returncode == 0, verdict.stdout
    assert json.loads(verdict.stdout)["checked_fills"] > 0


@pytest.mark.skipif(not IS_DEFAULT_RELEASE, reason="this release has hbot")
def test_a_release_without_hbot_says_so(home: BotHome) -> None:
    done = home.recovery("hbot", "start", "recovery_dca_phase1.yml")

    assert done.returncode == 2
    assert "has no hbot" in done.stderr


def _wait_for_a_fill(home: BotHome) -> None:
    until_s = time.monotonic() + _FILLS_S
    while not any(isinstance(event, ev.OrderFilled) for event in home.events()):
        assert time.monotonic() < until_s, "no order was ever filled"
        time.sleep(1)
