"""Python runs this first in every process that has this folder on PYTHONPATH: it enters the home RECOVERY_HOME names.

`hbot` runs its engine as a process of its own, which imports Hummingbot's client before any script of ours, and by then the
folders are bound. See `recovery hbot`, which sets both variables; other Python programs that inherit them are left alone.
"""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

_ENGINE = "hummingbot.cli.engine"
_PROGRAMS = {"hummingbot.cli.main", _ENGINE}
_held = ExitStack()  # until the process ends


def _enter(folder: Path) -> None:
    from shared.bot import home

    try:
        if _ENGINE in sys.orig_argv:
            _held.enter_context(home.lock(folder))
        home.enter(folder)
    except home.HomeError as error:
        sys.stderr.write(f"recovery: {error}\n")
        sys.stderr.flush()
        os._exit(2)  # Python would go on after an exception here, in the wrong home


if "RECOVERY_HOME" in os.environ and _PROGRAMS.intersection(sys.orig_argv):
    _enter(Path(os.environ["RECOVERY_HOME"]))
