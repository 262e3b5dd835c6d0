"""A Postgres server for one test: version 16, 17 or 18, on a Unix socket or, with a password, on loopback too.

The product's server is shared/adapters/postgres/embedded.py; this one may be what that one never is, e.g. Supabase's version.
"""

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Self
from urllib.parse import quote

import pytest

from shared.adapters.postgres.embedded import binaries
from tests import tools

# Postgres refuses to run as root; inside, root is an ordinary user.
_AS_ORDINARY_USER = ("unshare", "--user", "--map-user=1000", "--map-group=1000")


class PostgresServer:
    """A server in a folder of its own; skips the test where none can run.

    Args:
        folder: Made if absent. Its path must be short: a socket's path has 107 bytes.
        version: 16, 17 or 18. 17 is what Supabase runs; it is fetched, and has no psql.
        password: Of the user postgres. With one, it is asked for (scram-sha-256) and the server listens on 127.0.0.1 too.
    """

    def __init__(self, folder: Path, version: int = 18, *, password: str | None = None) -> None:
        self.folder = folder.absolute()
        self.password = password
        self.port = 5432
        self._binaries = tools.postgres_17_binaries() if version == 17 else binaries(version)
        self._cluster = self.folder / "cluster"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Make the cluster if there is none, and start."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._cluster.exists():
            self._make_cluster()
        # Between finding a free port and taking it, somebody else may take it.
        for attempt in (1, 2, 3):
            listen = ""
            if self.password is not None:
                self.port, listen = _free_port(), "127.0.0.1"
            # Nothing here outlives the test, so nothing waits for the disk.
            options = (
                f"-p {self.port} -c listen_addresses={listen} -c unix_socket_directories={self.folder} -c fsync=off"
            )
            log = self.folder / "server.log"
            result = self._run("pg_ctl", "start", "-s", "-w", "-D", self._cluster, "-l", log, "-o", options)
            if result.returncode == 0:
                return
            if attempt == 3 or self.password is None:
                pytest.fail(f"Postgres does not start: {result.stdout}\n{log.read_text() if log.exists() else ''}")

    def stop(self) -> None:
        """Stop in good order, if it runs."""
        self._run("pg_ctl", "stop", "-s", "-w", "-m", "fast", "-D", self._cluster)

    def kill_immediately(self) -> None:
        """Stop as a crash would: no shutdown checkpoint, and recovery at the next start."""
        self._run("pg_ctl", "stop", "-s", "-w", "-m", "immediate", "-D", self._cluster)

    def url(self, database: str = "postgres") -> str:
        """Where to connect: over loopback and with the password if there is one, else through the socket."""
        if self.password is None:
            return f"postgresql://postgres@/{database}?host={quote(str(self.folder))}&port={self.port}"
        return f"postgresql://postgres:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    def _make_cluster(self) -> None:
        options = ["--username=postgres", "--encoding=UTF8", "--locale-provider=libc", "--no-locale", "--no-sync"]
        if self.password is None:
            options += ["--auth=trust"]
        else:
            secret = self.folder / "password"
            secret.write_text(self.password)
            options += ["--auth=scram-sha-256", f"--pwfile={secret}"]
        result = self._run("initdb", "-D", self._cluster, *options, "--set=timezone=UTC")
        if result.returncode != 0:
            pytest.fail(f"initdb: {result.stdout}")

    def _run(self, command: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        prefix: tuple[str, ...] = ()
        if os.geteuid() == 0:
            if shutil.which("unshare") is None or subprocess.run([*_AS_ORDINARY_USER, "true"]).returncode != 0:
                pytest.skip("Postgres refuses to run as root, and unshare is not allowed here")
            prefix = _AS_ORDINARY_USER
        return subprocess.run(
            [*prefix, str(self._binaries / command), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            env={name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"},
        )


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
