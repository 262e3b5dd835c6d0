"""The embedded Postgres: shared between processes, stopped by the last one, found again after every kind of crash."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from shared.adapters.postgres import embedded, server_account
from shared.adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

CHECKOUT = Path(__file__).resolve().parents[2]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts, and only root is refused by Postgres")

_USER = """
import sys
from pathlib import Path
from shared.adapters.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.url(), flush=True)
sys.stdin.readline()
server.stop()
"""


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder with a short path, reachable by everyone."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(base: Path) -> Iterator[Path]:
    """A database's folder; its server, if left over, is stopped."""
    yield base / "postgres"
    EmbeddedPostgres(base / "postgres").shut_down()


type User = subprocess.Popen[str]


@pytest.fixture
def a_user(folder: Path) -> Iterator[Callable[[], User]]:
    """Makes other processes, each using the database until it reads a line."""
    users = []

    def begin() -> User:
        command = [sys.executable, "-c", _USER, str(folder)]
        users.append(subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return users[-1]

    yield begin
    for user in users:
        user.kill()
        user.communicate()


def query(url: str, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def postmaster(folder: Path) -> int:
    return int((folder / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def kill_immediately(folder: Path) -> None:
    """End a server as the kernel does when memory runs out."""
    os.kill(postmaster(folder), signal.SIGKILL)


def url_of(user: User) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def leave(user: User) -> None:
    user.communicate("\n", timeout=60)
    assert user.returncode == 0


@contextmanager
def small_disk(at: Path, size: str) -> Iterator[None]:
    at.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", at], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)


@pytest.mark.parametrize("version", [16, 18])
def test_a_database_is_made_and_used(folder: Path, version: int) -> None:
    with EmbeddedPostgres(folder, version) as server:
        assert str(query(server.url(), "SELECT version()")).startswith(f"PostgreSQL {version}.")
        assert query(server.url(), "SHOW timezone") == "UTC"
        assert query(server.url(), "SHOW data_checksums") == "on"
        query(server.url(), 'CREATE DATABASE "a b/%41?ä"')
        assert query(server.url("a b/%41?ä"), "SELECT current_database()") == "a b/%41?ä"
    assert not server.is_running()


def test_it_is_reached_through_a_private_socket_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        assert query(server.url(), "SHOW listen_addresses") == ""
        listening = psutil.Process(postmaster(folder)).net_connections(kind="inet")
        assert listening == []
        assert stat.S_IMODE((folder / "socket").stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o755


def test_an_interrupt_at_the_terminal_does_not_reach_it(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        assert os.getsid(postmaster(folder)) != os.getsid(0)


def test_psql_understands_the_url(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        command = [embedded.binaries(18) / "psql", "-Atc", "SELECT 7", server.url()]
        assert subprocess.run(command, capture_output=True, text=True).stdout == "7\n"


def test_variables_of_postgres_are_not_obeyed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "6000",
        "PGHOST": "nowhere.invalid",
        "PGDATA": "/nowhere",
        "PGUSER": "nobody",
    }.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(folder) as server:
        assert query(server.url(), "SELECT 7") == 7
        monkeypatch.setenv("PGSERVICE", "nowhere")
        assert server.is_running()


def test_a_path_with_every_kind_of_character(base: Path) -> None:
    with EmbeddedPostgres(base / """it's a "b" %41 $HOME ä""") as server:
        assert query(server.url(), "SELECT 7") == 7
    assert not server.is_running()


def test_two_processes_share_it_and_the_last_one_stops_it(folder: Path, a_user: Callable[[], User]) -> None:
    first, second = a_user(), a_user()
    url = url_of(first)
    assert url_of(second) == url
    leave(first)
    assert query(url, "SELECT 7") == 7
    leave(second)
    assert not EmbeddedPostgres(folder).is_running()


def test_many_who_start_at_once_get_one_server(folder: Path, a_user: Callable[[], User]) -> None:
    users = [a_user() for _ in range(5)]
    urls = [url_of(user) for user in users]
    starts = [query(url, "SELECT pg_postmaster_start_time()::text") for url in urls]
    assert len(set(starts)) == 1
    for user in users:
        leave(user)
    assert not EmbeddedPostgres(folder).is_running()


def test_one_process_may_use_it_twice(folder: Path) -> None:
    with EmbeddedPostgres(folder) as outer:
        with EmbeddedPostgres(folder) as inner:
            assert inner.url() == outer.url()
        assert query(outer.url(), "SELECT 7") == 7
    assert not outer.is_running()


def test_a_killed_user_leaves_nothing_stale(folder: Path, a_user: Callable[[], User]) -> None:
    user = a_user()
    url = url_of(user)
    began = query(url, "SELECT pg_postmaster_start_time()::text")
    user.kill()
    user.communicate()
    with EmbeddedPostgres(folder) as server:
        assert query(server.url(), "SELECT pg_postmaster_start_time()::text") == began
    assert not server.is_running()


def test_a_killed_server_is_brought_back_with_its_data(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        query(server.url(), "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        kill_immediately(folder)
        server.start()
        assert query(server.url(), "SELECT count(*) FROM kept") == 1000
        kill_immediately(folder)
    with EmbeddedPostgres(folder) as server:
        assert query(server.url(), "SELECT count(*) FROM kept") == 1000


def test_a_server_whose_children_outlive_it_is_waited_for(folder: Path, a_user: Callable[[], User]) -> None:
    with EmbeddedPostgres(folder) as server:
        query(server.url(), "CREATE TABLE kept AS SELECT 1 AS n")
        checkpointer = query(server.url(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        child = psutil.Process(int(str(checkpointer)))
        child.suspend()  # so that it does not notice
        try:
            kill_immediately(folder)
            user = a_user()
            time.sleep(1)
            assert user.poll() is None
        finally:
            child.resume()
        assert query(url_of(user), "SELECT n FROM kept") == 1
        leave(user)


def test_a_pid_that_is_another_process_by_now_does_not_keep_it_from_starting(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pidfile, lockfile = folder / "cluster" / "postmaster.pid", folder / "socket" / ".s.PGSQL.5432.lock"
        lines, locked = pidfile.read_text().splitlines(), lockfile.read_text().splitlines()
    other = subprocess.Popen(["sleep", "600"])
    try:
        pidfile.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        lockfile.write_text("\n".join([str(other.pid), *locked[1:]]) + "\n")
        with EmbeddedPostgres(folder) as server:
            assert query(server.url(), "SELECT 7") == 7
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_empty_pid_file_after_a_power_cut_does_not_keep_it_from_starting(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    (folder / "cluster" / "postmaster.pid").touch()
    with EmbeddedPostgres(folder) as server:
        assert query(server.url(), "SELECT 7") == 7


def test_it_can_be_kept_running(folder: Path) -> None:
    with EmbeddedPostgres(folder, keep_running=True) as server:
        url = server.url()
    with EmbeddedPostgres(folder):
        pass
    assert query(url, "SELECT 7") == 7
    with EmbeddedPostgres(folder):
        assert not server.shut_down()
        assert query(url, "SELECT 7") == 7
    assert not server.is_running()
    assert server.shut_down()


def test_keeping_a_server_running_ends_with_that_server(folder: Path) -> None:
    with EmbeddedPostgres(folder, keep_running=True):
        pass
    kill_immediately(folder)
    with EmbeddedPostgres(folder):
        pass
    assert not EmbeddedPostgres(folder).is_running()


@pytest.mark.parametrize("name", ["long" * 30, "a,b"])
def test_a_path_no_client_can_take_has_its_socket_in_the_temporary_folder(base: Path, name: str) -> None:
    folder = base / name
    with EmbeddedPostgres(folder) as server:
        sockets = embedded._socket_folder(folder)
        assert sockets.parent == Path(tempfile.gettempdir())
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert query(server.url(), "SELECT 7") == 7
    assert not server.is_running()
    sockets.rmdir()


def test_a_socket_folder_made_by_somebody_else_is_refused(base: Path) -> None:
    folder = base / ("long" * 30)
    folder.mkdir()
    place = embedded._socket_folder(folder)
    place.rmdir()
    place.symlink_to(base)
    with pytest.raises(EmbeddedPostgresError, match="belongs to somebody else"):
        EmbeddedPostgres(folder).start()
    place.unlink()


def test_the_data_of_another_version_are_left_alone(folder: Path) -> None:
    with EmbeddedPostgres(folder, 16):
        pass
    with pytest.raises(EmbeddedPostgresError, match=r"cluster: made by Postgres 16, this is 18; move it away"):
        EmbeddedPostgres(folder).start()
    with EmbeddedPostgres(folder, 16) as server:
        assert query(server.url(), "SELECT 7") == 7


def test_a_version_that_is_not_installed_is_named() -> None:
    with pytest.raises(EmbeddedPostgresError, match="Postgres 17 is not installed; there are 16, 18"):
        EmbeddedPostgres(Path("anywhere"), 17)


def test_a_cluster_half_made_is_not_taken_for_one(folder: Path) -> None:
    left = folder / "making-abc"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(folder) as server:
        assert query(server.url(), "SELECT 7") == 7
    assert not left.exists()


def test_the_server_s_own_reason_is_told(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    with (folder / "cluster" / "postgresql.conf").open("a") as settings:
        settings.write("work_mem = 'much'\n")
    with pytest.raises(
        EmbeddedPostgresError, match=r"does not start: .*postgresql\.conf.* contains errors; its log is"
    ) as told:
        EmbeddedPostgres(folder).start()
    assert "\n" not in str(told.value)
    assert 'invalid value for parameter "work_mem"' in (folder / "server.log").read_text()


def test_a_url_is_had_only_while_it_is_in_use(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with pytest.raises(EmbeddedPostgresError, match="start it first"):
        server.url()
    with server:
        pass
    with pytest.raises(EmbeddedPostgresError, match="start it first"):
        server.url()


def test_the_last_start_s_log_is_kept_and_no_more(folder: Path) -> None:
    for _ in range(3):
        with EmbeddedPostgres(folder):
            pass
    assert [path.name for path in sorted(folder.glob("server.log*"))] == ["server.log", "server.log.1"]


def test_a_file_in_the_place_of_the_folder(base: Path) -> None:
    (base / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="cannot hold the database: Not a directory"):
        EmbeddedPostgres(base / "file" / "postgres").start()


@as_root
def test_a_full_disk_when_the_database_is_made(base: Path) -> None:
    disk = base / "disk"
    with small_disk(disk, "20m"):
        with pytest.raises(EmbeddedPostgresError, match="cannot be made: No space left on device") as told:
            EmbeddedPostgres(disk / "postgres").start()
        assert "\n" not in str(told.value)
        assert not (disk / "postgres" / "cluster").exists()
        assert not list((disk / "postgres").glob("making-*"))


@as_root
def test_a_full_disk_when_it_starts(base: Path) -> None:
    disk = base / "disk"
    with small_disk(disk, "100m"):
        with EmbeddedPostgres(disk / "postgres"):
            pass
        with (disk / "fill").open("wb") as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(65536))
                file.flush()
        with pytest.raises(EmbeddedPostgresError, match="No space left on device"):
            EmbeddedPostgres(disk / "postgres").start()
        (disk / "fill").unlink()
        with EmbeddedPostgres(disk / "postgres") as server:
            assert query(server.url(), "SELECT 7") == 7


@as_root
def test_a_folder_that_cannot_be_written(base: Path) -> None:
    disk = base / "disk"
    with small_disk(disk, "1m"):
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(EmbeddedPostgresError, match="cannot hold the database: Read-only file system"):
            EmbeddedPostgres(disk / "postgres").start()


@as_root
def test_without_namespaces_root_runs_it_as_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.access(embedded.binaries(18), os.X_OK):
        pytest.skip("the binaries cannot be run")
    monkeypatch.setattr(server_account, "namespaces_work", lambda: False)
    try:
        with EmbeddedPostgres(folder) as server:
            assert psutil.Process(postmaster(folder)).username() == "nobody"
            assert query(server.url(), "SELECT 7") == 7
    except EmbeddedPostgresError as error:
        assert "refuses to run as root" in str(error)
        pytest.skip("nobody cannot reach this virtual environment")
    # Where namespaces work again, what nobody made stays nobody's.
    monkeypatch.setattr(server_account, "namespaces_work", lambda: True)
    with EmbeddedPostgres(folder) as server:
        assert psutil.Process(postmaster(folder)).username() == "nobody"


@as_root
def test_without_namespaces_and_out_of_nobody_s_reach_it_says_what_to_do(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_account, "namespaces_work", lambda: False)
    base.chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match="run this as an ordinary user or name a database in DATABASE_URL"):
        EmbeddedPostgres(base / "postgres").start()
