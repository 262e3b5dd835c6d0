"""A user's mistake is told in one line, anything else keeps its traceback."""

import sys

import pytest

from shared.bot.home import HomeError
from shared.bot.launcher import StartError
from shared.bot.redirect import InvalidVenueUrl
from shared.cli import errors
from shared.cli.errors import UsageError, one_line, user_errors
from shared.ports import JournalError, StoreError
from shared.sidecar.config import SidecarConfigError
from shared.simulator.errors import RecordingError, SimulatorError, UnknownPair
from shared.wire.config_errors import ConfigError


def test_a_message_is_put_on_one_line() -> None:
    assert one_line(UsageError("--run = a:\n  there is\tno   such run\n")) == "--run = a: there is no such run"


@pytest.mark.parametrize(
    "error",
    [
        UsageError,
        HomeError,
        JournalError,
        StoreError,
        SimulatorError,
        RecordingError,
        UnknownPair,
        ConfigError,
        SidecarConfigError,
        StartError,
        InvalidVenueUrl,
    ],
)
def test_what_a_user_can_mend(error: type[Exception]) -> None:
    assert issubclass(error, user_errors())


@pytest.mark.parametrize("error", [ValueError, KeyError, AssertionError, RuntimeError, OSError])
def test_what_a_user_cannot_mend(error: type[Exception]) -> None:
    assert not issubclass(error, user_errors())


def test_the_bots_modules_are_not_loaded_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading them takes seconds and must wait until the home is set."""
    for module in ("shared.bot.launcher", "shared.bot.redirect"):
        monkeypatch.delitem(sys.modules, module)
    assert user_errors() == (UsageError, ConfigError, HomeError, JournalError, SimulatorError, StoreError)
    assert "shared.bot.launcher" not in sys.modules


def test_exit_codes_are_distinct() -> None:
    assert (errors.OK, errors.MISMATCH, errors.BAD_INPUT, errors.TIMED_OUT) == (0, 1, 2, 3)
