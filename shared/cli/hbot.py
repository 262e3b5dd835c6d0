"""`recovery hbot`: Hummingbot's own `hbot` command in a home."""

import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from shared.bot import home as homes
from shared.cli.errors import UsageError

PASSES_ARGUMENTS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}
_OVERLAY = Path(homes.__file__).parent / "overlay"


def hbot(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")] = None,
) -> None:
    """Run `hbot ARGUMENTS` in a home, e.g. `recovery hbot start recovery_dca_phase1.yml --v2-script`.

    Its bot is a process of its own in real time: with RECOVERY_VENUE_URL set it trades on a `recovery venue`, otherwise on
    live public data; on paper either way. It wants a password even where there is nothing to protect: set HBOT_PASSWORD.
    The exit code is hbot's; 2 where this release has none.
    """
    if find_spec("hummingbot.cli") is None:
        raise UsageError(f"Hummingbot {version('hummingbot')} has no hbot; use `recovery console` or `recovery run`")
    bot_home = homes.prepare(home or homes.default_home())
    path = [str(_OVERLAY), str(homes.CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"RECOVERY_HOME": str(bot_home), "PYTHONPATH": os.pathsep.join(path)}
    os.execve(sys.executable, [sys.executable, "-m", "hummingbot.cli.main", *context.args], environment)
