"""A full disk under the home's own Postgres: one sentence, nothing lost, and on it goes once there is space."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.postgres.embedded import EmbeddedPostgres
from tests.acceptance.bot_home import CHECKOUT, RECOVERY
from tests.exactly_once import misplaced_events
from tests.journals import write_journal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

RUN_ID = "8a7f0a3d6c1b4e7e9f0011223344aabb"
EVENTS = 60_000


def mount(*arguments: str) -> bool:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def home(short_folder: Path) -> Iterator[Path]:
    """A home whose database is on a disk of its own, a small one."""
    home = short_folder / "home"
    disk = home / "data" / "postgres"
    disk.mkdir(parents=True)
    if not mount("-t", "tmpfs", "-o", "size=72m,mode=0700", "tmpfs", str(disk)):
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield home
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def ship(home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*RECOVERY, "sidecar", "--once", "--json", "--home", str(home)],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        cwd=home,
        timeout=180,
    )


@pytest.mark.slow
def test_a_full_disk_loses_nothing(home: Path) -> None:
    journal = home / "data" / "recovery_journal.sqlite"
    write_journal(journal, RUN_ID, EVENTS)
    for _ in range(2):
        # The first finds out on the way, the second at the start.
        full = ship(home)
        assert full.returncode == 2, full.stdout + full.stderr
        assert len(full.stderr.splitlines()) == 1, full.stderr
        assert "No space left on device" in full.stderr
    assert mount("-o", "remount,size=1g", str(home / "data" / "postgres"))
    shipped = ship(home)
    assert shipped.returncode == 0, shipped.stderr
    assert 0 < json.loads(shipped.stdout)["events"] <= EVENTS
    with EmbeddedPostgres(home / "data" / "postgres") as postgres:
        assert asyncio.run(misplaced_events(postgres.url(), journal)) == []
