"""Folders as hummingbot-api has them, our code copied in, and its programs run there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.bot_home import CHECKOUT

# The controllers, and the stem of their classes' names.
CLASSES = {"recovery_channel": "RecoveryChannel", "recovery_dca": "RecoveryDca", "recovery_swing": "RecoverySwing"}
STRATEGIES = list(CLASSES)


def run(program: str, *arguments: str, folder: Path) -> dict[str, Any]:
    """Run a program of this folder in a fresh interpreter, `folder` its working directory; the JSON it printed."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name(program)), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def copy_in(folder: Path, *names: str) -> None:
    for name in names:
        source = "shared" if name.endswith("shared") else name.removeprefix("bots/")
        shutil.copytree(CHECKOUT / source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
