"""Every event arrives exactly once, whatever crashes on the way: Postgres, the sidecar, or just an acknowledgement."""

import asyncio
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import migrate
from tests.acceptance.bot_home import CHECKOUT, RECOVERY
from tests.exactly_once import misplaced_events
from tests.journals import write_journal
from tests.lossy_proxy import LossyProxy
from tests.postgres_server import PostgresServer

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

EVENTS = 200_000
_PATIENCE_S = 240


class Sidecar:
    """The sidecar as a process, to be killed."""

    def __init__(self, home: Path, database_url: str) -> None:
        self._home = home
        self._environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "DATABASE_URL": database_url}
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [*RECOVERY, "sidecar", "--home", str(self._home)]
        with (self._home / "sidecar.log").open("ab") as log:
            return subprocess.Popen(command, env=self._environment, cwd=self._home, stdout=log, stderr=log)

    def crash(self) -> None:
        """Kill it with no chance to say goodbye, and start another."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "conf").mkdir()
    config = (CHECKOUT / "conf" / "sidecar.yml").read_text()
    # Small batches, so that there is always one on its way when something dies.
    assert "direct_batch_events: 5000" in config
    config = config.replace("direct_batch_events: 5000", "direct_batch_events: 500")
    (tmp_path / "conf" / "sidecar.yml").write_text(config)
    return tmp_path


@pytest.fixture
def server(short_folder: Path) -> Iterator[PostgresServer]:
    with PostgresServer(short_folder / "postgres") as server:
        asyncio.run(migrate(Address(server.url(), "test")))
        yield server


def last_shipped(server: PostgresServer) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(server.url())
        try:
            return await connection.fetchval("SELECT coalesce(max(last_seq), 0) FROM journal_cursor")
        finally:
            await connection.close()

    return asyncio.run(ask())


def wait_until_shipped(server: PostgresServer, sidecar: Sidecar, seq: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while last_shipped(server) < seq:
        assert sidecar.process.poll() is None, "the sidecar ended by itself"
        assert time.monotonic() < deadline, "shipping stands still"
        time.sleep(0.02)


@pytest.mark.slow
def test_every_event_arrives_exactly_once(home: Path, server: PostgresServer, short_folder: Path) -> None:
    journal = home / "data" / "recovery_journal.sqlite"
    write_journal(journal, uuid.uuid4().hex, EVENTS // 2)
    with LossyProxy(short_folder / "proxy", server.folder) as proxy:
        sidecar = Sidecar(home, proxy.url)
        try:
            wait_until_shipped(server, sidecar, 5_000)
            proxy.lose_acknowledgements(2)
            wait_until_shipped(server, sidecar, 20_000)
            server.kill_immediately()
            # The bot goes on trading meanwhile.
            last = write_journal(journal, uuid.uuid4().hex, EVENTS // 2)
            server.start()
            wait_until_shipped(server, sidecar, 60_000)
            sidecar.crash()
            wait_until_shipped(server, sidecar, 100_000)
            proxy.lose_acknowledgements(3)
            wait_until_shipped(server, sidecar, 120_000)
            server.kill_immediately()
            server.start()
            wait_until_shipped(server, sidecar, 160_000)
            sidecar.crash()
            wait_until_shipped(server, sidecar, last)
        finally:
            sidecar.process.terminate()
            assert sidecar.process.wait(timeout=60) == 0
    assert last == EVENTS
    assert proxy.lost == 5
    assert asyncio.run(misplaced_events(server.url(), journal)) == []
