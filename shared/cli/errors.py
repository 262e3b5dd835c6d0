"""Which errors are the user's to mend: those are told in one line, without a traceback."""

import sys

from shared.bot.home import HomeError
from shared.ports import JournalError, StoreError
from shared.simulator.errors import SimulatorError
from shared.wire.config_errors import ConfigError

OK, MISMATCH, BAD_INPUT, TIMED_OUT = 0, 1, 2, 3


class UsageError(Exception):
    """An option's value is wrong, or options contradict each other. The message is one sentence."""


def user_errors() -> tuple[type[Exception], ...]:
    """The errors a user can mend.

    Those of the bot are looked up only once their modules were loaded: loading them takes seconds and must wait until
    Hummingbot's home is set.
    """
    found: list[type[Exception]] = [UsageError, ConfigError, HomeError, JournalError, SimulatorError, StoreError]
    for module, name in (
        ("shared.bot.launcher", "StartError"),
        ("shared.bot.redirect", "InvalidVenueUrl"),
    ):
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)


def one_line(error: Exception) -> str:
    """The error's message on one line."""
    return " ".join(str(error).split())
