"""The embedded Postgres: shared between processes, stopped by the last one, found again after every kind of crash."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from shared.adapters.postgres.embedded import EmbeddedPostgres
from tests.integration.embedded_server import kill_immediately, query

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


CHECKOUT = Path(__file__).resolve().parents[2]


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


type User = subprocess.Popen[str]


@pytest.fixture
def a_user(database_folder: Path) -> Iterator[Callable[[], User]]:
    """Makes other processes, each using the database until it reads a line."""
    users = []

    def begin() -> User:
        command = [sys.executable, "-c", _USER, str(database_folder)]
        users.append(subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return users[-1]

    yield begin
    for user in users:
        user.kill()
        user.communicate()


def url_of(user: User) -> str:
    assert user.stdout is not None
    return user.stdout.readline().strip()


def leave(user: User) -> None:
    user.communicate("\n", timeout=60)
    assert user.returncode == 0


@pytest.mark.parametrize("version", [16, 18])
def test_a_database_is_made_and_used(database_folder: Path, version: int) -> None:
    with EmbeddedPostgres(database_folder, version) as server:
        assert str(query(server.url(), "SELECT version()")).startswith(f"PostgreSQL {version}.")
        assert query(server.url(), "SHOW timezone") == "UTC"
        assert query(server.url(), "SHOW data_checksums") == "on"
        query(server.url(), 'CREATE DATABASE "a b/%41?ä"')
        assert query(server.url("a b/%41?ä"), "SELECT current_database()") == "a b/%41?ä"
    assert not server.is_running()


def test_two_processes_share_it_and_the_last_one_stops_it(database_folder: Path, a_user: Callable[[], User]) -> None:
    first, second = a_user(), a_user()
    url = url_of(first)
    assert url_of(second) == url
    leave(first)
    assert query(url, "SELECT 7") == 7
    leave(second)
    assert not EmbeddedPostgres(database_folder).is_running()


def test_many_who_start_at_once_get_one_server(database_folder: Path, a_user: Callable[[], User]) -> None:
    users = [a_user() for _ in range(5)]
    urls = [url_of(user) for user in users]
    starts = [query(url, "SELECT pg_postmaster_start_time()::text") for url in urls]
    assert len(set(starts)) == 1
    for user in users:
        leave(user)
    assert not EmbeddedPostgres(database_folder).is_running()


def test_one_process_may_use_it_twice(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder) as outer:
        with EmbeddedPostgres(database_folder) as inner:
            assert inner.url() == outer.url()
        assert query(outer.url(), "SELECT 7") == 7
    assert not outer.is_running()


def test_it_can_be_kept_running(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder, keep_running=True) as server:
        url = server.url()
    with EmbeddedPostgres(database_folder):
        pass
    assert query(url, "SELECT 7") == 7
    with EmbeddedPostgres(database_folder):
        assert not server.shut_down()
        assert query(url, "SELECT 7") == 7
    assert not server.is_running()
    assert server.shut_down()


def test_keeping_a_server_running_ends_with_that_server(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder, keep_running=True):
        pass
    kill_immediately(database_folder)
    with EmbeddedPostgres(database_folder):
        pass
    assert not EmbeddedPostgres(database_folder).is_running()


def test_a_killed_user_leaves_nothing_stale(database_folder: Path, a_user: Callable[[], User]) -> None:
    user = a_user()
    url = url_of(user)
    began = query(url, "SELECT pg_postmaster_start_time()::text")
    user.kill()
    user.communicate()
    with EmbeddedPostgres(database_folder) as server:
        assert query(server.url(), "SELECT pg_postmaster_start_time()::text") == began
    assert not server.is_running()


def test_a_killed_server_is_brought_back_with_its_data(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder) as server:
        query(server.url(), "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
        kill_immediately(database_folder)
        server.start()
        assert query(server.url(), "SELECT count(*) FROM kept") == 1000
        kill_immediately(database_folder)
    with EmbeddedPostgres(database_folder) as server:
        assert query(server.url(), "SELECT count(*) FROM kept") == 1000


def test_a_server_whose_children_outlive_it_is_waited_for(database_folder: Path, a_user: Callable[[], User]) -> None:
    with EmbeddedPostgres(database_folder) as server:
        query(server.url(), "CREATE TABLE kept AS SELECT 1 AS n")
        checkpointer = query(server.url(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        child = psutil.Process(int(str(checkpointer)))
        child.suspend()  # so that it does not notice
        try:
            kill_immediately(database_folder)
            user = a_user()
            time.sleep(1)
            assert user.poll() is None
        finally:
            child.resume()
        assert query(url_of(user), "SELECT n FROM kept") == 1
        leave(user)


def test_a_pid_that_is_another_process_by_now_does_not_keep_it_from_starting(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder):
        pidfile, lockfile = (
            database_folder / "cluster" / "postmaster.pid",
            database_folder / "socket" / ".s.PGSQL.5432.lock",
        )
        lines, locked = pidfile.read_text().splitlines(), lockfile.read_text().splitlines()
    other = subprocess.Popen(["sleep", "600"])
    try:
        pidfile.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        lockfile.write_text("\n".join([str(other.pid), *locked[1:]]) + "\n")
        with EmbeddedPostgres(database_folder) as server:
            assert query(server.url(), "SELECT 7") == 7
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_empty_pid_file_after_a_power_cut_does_not_keep_it_from_starting(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder):
        pass
    (database_folder / "cluster" / "postmaster.pid").touch()
    with EmbeddedPostgres(database_folder) as server:
        assert query(server.url(), "SELECT 7") == 7
