"""A lock by a file: one holder, named, and free again however the holder ended."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.adapters.lock_file import LockHeld, hold

_HOLD = """
import sys, time
from pathlib import Path
from shared.adapters.lock_file import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_holder_who_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold(path):
        with pytest.raises(LockHeld) as raised, hold(path):
            pass
        assert raised.value.holder == str(os.getpid())
    with hold(path):
        pass


def test_a_killed_holder_holds_no_more(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockHeld) as raised, hold(path):
            pass
        assert raised.value.holder == str(holder.pid)
        holder.kill()
    with hold(path):
        pass
