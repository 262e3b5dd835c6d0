"""What keeps the embedded Postgres from starting is told in a sentence, and does no harm to the data."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from shared.adapters.postgres import embedded, server_account
from shared.adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.integration.embedded_server import postmaster, query

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts, and only root is refused by Postgres")


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


def test_the_data_of_another_version_are_left_alone(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder, 16):
        pass
    with pytest.raises(EmbeddedPostgresError, match=r"cluster: made by Postgres 16, this is 18; move it away"):
        EmbeddedPostgres(database_folder).start()
    with EmbeddedPostgres(database_folder, 16) as server:
        assert query(server.url(), "SELECT 7") == 7


def test_a_version_that_is_not_installed_is_named() -> None:
    with pytest.raises(EmbeddedPostgresError, match="Postgres 17 is not installed; there are 16, 18"):
        EmbeddedPostgres(Path("anywhere"), 17)


def test_a_cluster_half_made_is_not_taken_for_one(database_folder: Path) -> None:
    left = database_folder / "making-abc"
    left.mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(database_folder) as server:
        assert query(server.url(), "SELECT 7") == 7
    assert not left.exists()


def test_the_server_s_own_reason_is_told(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder):
        pass
    with (database_folder / "cluster" / "postgresql.conf").open("a") as settings:
        settings.write("work_mem = 'much'\n")
    with pytest.raises(
        EmbeddedPostgresError, match=r"does not start: .*postgresql\.conf.* contains errors; its log is"
    ) as told:
        EmbeddedPostgres(database_folder).start()
    assert "\n" not in str(told.value)
    assert 'invalid value for parameter "work_mem"' in (database_folder / "server.log").read_text()


def test_the_last_start_s_log_is_kept_and_no_more(database_folder: Path) -> None:
    for _ in range(3):
        with EmbeddedPostgres(database_folder):
            pass
    assert [path.name for path in sorted(database_folder.glob("server.log*"))] == ["server.log", "server.log.1"]


def test_a_file_in_the_place_of_the_folder(open_folder: Path) -> None:
    (open_folder / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="cannot hold the database: Not a directory"):
        EmbeddedPostgres(open_folder / "file" / "postgres").start()


@as_root
def test_a_full_disk_when_the_database_is_made(open_folder: Path) -> None:
    disk = open_folder / "disk"
    with small_disk(disk, "20m"):
        with pytest.raises(EmbeddedPostgresError, match="cannot be made: No space left on device") as told:
            EmbeddedPostgres(disk / "postgres").start()
        assert "\n" not in str(told.value)
        assert not (disk / "postgres" / "cluster").exists()
        assert not list((disk / "postgres").glob("making-*"))


@as_root
def test_a_full_disk_when_it_starts(open_folder: Path) -> None:
    disk = open_folder / "disk"
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
def test_a_folder_that_cannot_be_written(open_folder: Path) -> None:
    disk = open_folder / "disk"
    with small_disk(disk, "1m"):
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(EmbeddedPostgresError, match="cannot hold the database: Read-only file system"):
            EmbeddedPostgres(disk / "postgres").start()


@as_root
def test_without_namespaces_root_runs_it_as_nobody(database_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.access(embedded.binaries(18), os.X_OK):
        pytest.skip("the binaries cannot be run")
    monkeypatch.setattr(server_account, "namespaces_work", lambda: False)
    try:
        with EmbeddedPostgres(database_folder) as server:
            assert psutil.Process(postmaster(database_folder)).username() == "nobody"
            assert query(server.url(), "SELECT 7") == 7
    except EmbeddedPostgresError as error:
        assert "refuses to run as root" in str(error)
        pytest.skip("nobody cannot reach this virtual environment")
    # Where namespaces work again, what nobody made stays nobody's.
    monkeypatch.setattr(server_account, "namespaces_work", lambda: True)
    with EmbeddedPostgres(database_folder) as server:
        assert psutil.Process(postmaster(database_folder)).username() == "nobody"


@as_root
def test_without_namespaces_and_out_of_nobody_s_reach_it_says_what_to_do(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_account, "namespaces_work", lambda: False)
    open_folder.chmod(0o700)
    with pytest.raises(EmbeddedPostgresError, match="run this as an ordinary user or name a database in DATABASE_URL"):
        EmbeddedPostgres(open_folder / "postgres").start()
