"""Two processes on one account and one Postgres: the right of one that is killed, or held up, goes to the other."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import migrate
from tests.postgres_server import PostgresServer

pytestmark = [pytest.mark.store, pytest.mark.slow]

CHECKOUT = Path(__file__).resolve().parents[2]
TAKEOVER_S = 30.0
# Tells each change with the time that all processes of a machine share.
_HOLDER = """
import asyncio, json, sys, time
from shared.adapters.postgres.address import Address
from shared.adapters.postgres.leases import PostgresLeases
from shared.sidecar.lease import LEASE_CARE, LeaseService, new_holder
from shared.sidecar.services import Supervision, Watched

def told(allowed):
    print(json.dumps([time.monotonic(), allowed]), flush=True)

async def main():
    service = LeaseService(PostgresLeases(Address(sys.argv[1], "test")), "account", new_holder("home"), told)
    await Supervision([Watched(service, LEASE_CARE)], lambda line: None).run()

asyncio.run(main())
"""


class Holder:
    """One process that wants the right. `told`: when it was told what, on a clock of the machine."""

    def __init__(self, url: str, log: Path) -> None:
        self._log = log
        with log.open("w") as file:
            self.process = subprocess.Popen([sys.executable, "-c", _HOLDER, url], cwd=CHECKOUT, stdout=file)

    @property
    def told(self) -> list[tuple[float, bool]]:
        return [(at_s, allowed) for at_s, allowed in map(json.loads, self._log.read_text().splitlines())]

    @property
    def is_allowed(self) -> bool:
        return bool(self.told) and self.told[-1][1]

    def wait_until(self, is_allowed: bool, within_s: float) -> float:
        """Wait until it is allowed or no more; when it was told so."""
        end_s = time.monotonic() + within_s
        while self.is_allowed is not is_allowed:
            assert time.monotonic() < end_s, f"not within {within_s} s: {self.told}"
            time.sleep(0.05)
        return self.told[-1][0]


@pytest.fixture
def holders(short_folder: Path) -> Iterator[tuple[Holder, Holder]]:
    """One who has it and one who waits."""
    with PostgresServer(short_folder / "server") as server:
        asyncio.run(migrate(Address(server.url(), "test")))
        first = Holder(server.url(), short_folder / "first")
        second = None
        try:
            first.wait_until(True, 10)
            second = Holder(server.url(), short_folder / "second")
            while not second.told:
                time.sleep(0.05)
            yield first, second
        finally:
            for holder in filter(None, (first, second)):
                holder.process.kill()
                holder.process.wait()


def test_the_right_of_a_killed_holder_is_taken_over(holders: tuple[Holder, Holder]) -> None:
    first, second = holders
    # Past a renewal or two.
    time.sleep(6)
    assert not second.is_allowed
    killed_s = time.monotonic()
    first.process.kill()
    assert second.wait_until(True, TAKEOVER_S) - killed_s <= TAKEOVER_S


def test_a_holder_that_is_held_up_finds_another_in_its_place(holders: tuple[Holder, Holder]) -> None:
    first, second = holders
    first.process.send_signal(signal.SIGSTOP)
    second.wait_until(True, TAKEOVER_S)
    first.process.send_signal(signal.SIGCONT)
    # It was told nothing while it stood still; the first thing it learns is that the right is over.
    first.wait_until(False, 5)
    time.sleep(8)
    assert second.is_allowed
    assert not first.is_allowed
    for holder in holders:
        assert all(before[1] is not after[1] for before, after in pairwise(holder.told)), "told of changes alone"
