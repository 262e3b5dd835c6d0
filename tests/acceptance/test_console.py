"""`recovery console`: the real Hummingbot console on a terminal, typed into as a trader does."""

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from shared.domain import events as ev
from tests.acceptance.bot_home import IS_DEFAULT_RELEASE, RECOVERY, BotHome
from tests.acceptance.terminal import Terminal

_OPENS_S = 120.0
_TRADES_S = 300.0
_STOPS_S = 120.0
_LEFT_PANE = (2, 58)  # of the 120 columns; the right one is the log

# The later release starts a script by its configuration alone.
_START = "start --script recovery_dca.py" if IS_DEFAULT_RELEASE else "start --v2 recovery_dca_phase1.yml"
_START_WITH = "start --script recovery_dca.py --conf {}" if IS_DEFAULT_RELEASE else "start --v2 {}"

# pexpect forks, which Python warns of where there are threads; the child becomes another program at once.
pytestmark = pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")


@pytest.fixture
def terminal(home: BotHome) -> Iterator[Terminal]:
    opened = Terminal([*RECOVERY, "console"], home.path, home.environment())
    try:
        opened.wait_for(">>>", _OPENS_S)
        yield opened
    finally:
        opened.close()


@pytest.mark.slow
def test_a_trader_starts_watches_stops_and_leaves(home: BotHome, terminal: Terminal) -> None:
    terminal.type(_START)
    terminal.wait_for("Strategy File: recovery_dca_phase1.yml", _OPENS_S)
    _repeat_until(terminal, "history", "Fees paid")

    terminal.type("status")
    for part in ("Markets", "Open positions", "trades closed", "Last trades"):
        terminal.wait_for(part, _OPENS_S)
    terminal.type("status --live")
    terminal.wait_for("Press escape key to stop update", _OPENS_S)
    terminal.press_escape()
    terminal.wait_for("Stopped live status display update", _OPENS_S)

    terminal.type("stop")
    terminal.wait_for("Hummingbot stopped", _STOPS_S)
    terminal.type("exit")

    assert terminal.wait_for_end(_STOPS_S) == 0
    _assert_closed_and_verified(home)


@pytest.mark.slow
def test_leaving_stops_a_running_script_first(home: BotHome, terminal: Terminal) -> None:
    terminal.type(_START_WITH.format("recovery_dca_phase1.yml"))
    _repeat_until(terminal, "history", "Fees paid")

    terminal.type("exit")

    assert terminal.wait_for_end(_STOPS_S) == 0
    _assert_closed_and_verified(home)


@pytest.mark.slow
def test_a_missing_conf_is_refused_where_the_trader_looks(home: BotHome, terminal: Terminal) -> None:
    terminal.type(_START_WITH.format("nowhere.yml"))
    terminal.wait_for(lambda _: "nowhere.yml: no such file" in terminal.columns(*_LEFT_PANE), _OPENS_S)

    named = "".join(terminal.columns(*_LEFT_PANE).split())  # a long list is broken within names
    assert "recovery_dca_phase1.yml" in named, "it says which files there are"
    assert "Strategy: None" in terminal.text
    terminal.type("exit")
    assert terminal.wait_for_end(_STOPS_S) == 0
    assert not (home.path / "data" / "recovery_journal.sqlite").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--speed", "max"], "--speed = max"), ([], "needs a terminal")],
    ids=["max", "no terminal"],
)
def test_what_it_cannot_show_is_refused_in_one_sentence(home: BotHome, arguments: list[str], reason: str) -> None:
    done = subprocess.run(
        [*RECOVERY, "console", *arguments],
        env=home.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1


def _repeat_until(terminal: Terminal, command: str, wanted: str) -> None:
    until_s = time.monotonic() + _TRADES_S
    while wanted not in terminal.text:
        assert time.monotonic() < until_s, f"{command!r} never shows {wanted!r}:\n{terminal.text}"
        terminal.type(command)
        terminal.settle()


def _assert_closed_and_verified(home: BotHome) -> None:
    verdict = home.recovery("verify", "--json")
    assert verdict.returncode == 0, verdict.stdout
    assert json.loads(verdict.stdout)["checked_fills"] > 0
    events = home.events()
    assert isinstance(events[-1], ev.RunStopped)
    opened = {event.executor_id for event in events if isinstance(event, ev.ExecutorOpened)}
    closed = {event.executor_id for event in events if isinstance(event, ev.ExecutorClosed)}
    assert opened
    assert opened == closed
