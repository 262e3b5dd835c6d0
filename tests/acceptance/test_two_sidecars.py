"""Two homes on one Polygon account and one database: one socket at a time, whatever happens to who has it."""

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.bot_home import CHECKOUT, RECOVERY
from tests.postgres_server import PostgresServer

TAKEOVER_S = 30.0
PAIR = "BTC-USDT"


class Process:
    """A `recovery` command of this test, with what it printed."""

    def __init__(self, log: Path, *arguments: str, **environment: str) -> None:
        self.log = log
        with log.open("wb") as output:
            self.child = subprocess.Popen(
                [*RECOVERY, *arguments],
                env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1", **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
            )

    def said(self, pattern: str, within_s: float = 60.0) -> "re.Match[str]":
        deadline = time.monotonic() + within_s
        while (found := re.search(pattern, self.log.read_text())) is None:
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            assert self.child.poll() is None, self.log.read_text()[-3000:]
            time.sleep(0.1)
        return found

    def end(self) -> int:
        self.child.terminate()
        return self.child.wait(60)


@pytest.fixture
def database(short_folder: Path) -> Iterator[PostgresServer]:
    with PostgresServer(short_folder / "postgres", password="secret") as server:
        yield server


def connections(venue: str) -> Any:
    """What Polygon saw."""
    with urllib.request.urlopen(f"{venue}/control/connections", timeout=10) as answer:
        return json.load(answer)["polygon"]


def sidecar(folder: Path, name: str, venue: str, database: PostgresServer) -> Process:
    """A sidecar of a home of its own."""
    home = folder / name
    (home / "data").mkdir(parents=True)
    (home / "conf").mkdir()
    settings = yaml.safe_load((CHECKOUT / "conf" / "sidecar.yml").read_text())
    settings["feeds"]["pairs"] = [PAIR]
    settings["services"]["retention"] = False
    (home / "conf" / "sidecar.yml").write_text(yaml.safe_dump(settings))
    return Process(
        folder / f"{name}.log",
        *("sidecar", "--home", str(home)),
        RECOVERY_VENUE_URL=venue,
        DATABASE_URL=database.url(),
        POLYGON_API_KEY="one account",
    )


@pytest.mark.slow
def test_one_socket_at_a_time_and_a_takeover_after_a_kill(tmp_path: Path, database: PostgresServer) -> None:
    running = [Process(tmp_path / "venue.log", "venue", "--port", "0", "--pairs", PAIR)]
    try:
        venue = running[0].said(r"venue at (\S+)")[1]
        migrated = subprocess.run(
            [*RECOVERY, "db", "migrate"],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "DATABASE_URL": database.url()},
            cwd=tmp_path,
            check=False,
            capture_output=True,
            timeout=120,
        )
        assert migrated.returncode == 0, migrated.stderr
        first = sidecar(tmp_path, "first", venue, database)
        running.append(first)
        first.said("polygon: live")
        second = sidecar(tmp_path, "second", venue, database)
        running.append(second)
        second.said("binance: live")  # it serves from the other source meanwhile
        time.sleep(10)
        assert "polygon: live" not in second.log.read_text()
        assert connections(venue) == {"open_now": 1, "most_at_once": 1, "asked": 1, "most_in_a_minute": 1}

        first.child.kill()
        second.said("polygon: live", within_s=TAKEOVER_S)
        assert connections(venue)["most_at_once"] == 1

        third = sidecar(tmp_path, "third", venue, database)
        running.append(third)
        third.said("binance: live")
        assert second.end() == 0
        third.said("polygon: live", within_s=10)  # a lease that was given back is not waited for
        assert connections(venue) == {"open_now": 1, "most_at_once": 1, "asked": 3, "most_in_a_minute": 3}
        assert third.end() == 0
    finally:
        for process in running:
            if process.child.poll() is None:
                process.child.kill()
                process.child.wait()
