"""How the embedded Postgres is reached: by a socket that is private, wherever its folder is and whatever it is called."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import psutil
import pytest

from shared.adapters.postgres import embedded, server_socket
from shared.adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.integration.embedded_server import postmaster, query

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


def test_it_is_reached_through_a_private_socket_alone(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder) as server:
        assert query(server.url(), "SHOW listen_addresses") == ""
        listening = psutil.Process(postmaster(database_folder)).net_connections(kind="inet")
        assert listening == []
        assert stat.S_IMODE((database_folder / "socket").stat().st_mode) == 0o700
        assert stat.S_IMODE(database_folder.parent.stat().st_mode) == 0o755


def test_an_interrupt_at_the_terminal_does_not_reach_it(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder):
        assert os.getsid(postmaster(database_folder)) != os.getsid(0)


def test_psql_understands_the_url(database_folder: Path) -> None:
    with EmbeddedPostgres(database_folder) as server:
        command = [embedded.binaries(18) / "psql", "-Atc", "SELECT 7", server.url()]
        assert subprocess.run(command, capture_output=True, text=True).stdout == "7\n"


def test_variables_of_postgres_are_not_obeyed(database_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGPORT": "6000",
        "PGHOST": "nowhere.invalid",
        "PGDATA": "/nowhere",
        "PGUSER": "nobody",
    }.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(database_folder) as server:
        assert query(server.url(), "SELECT 7") == 7
        monkeypatch.setenv("PGSERVICE", "nowhere")
        assert server.is_running()


def test_a_path_with_every_kind_of_character(open_folder: Path) -> None:
    with EmbeddedPostgres(open_folder / """it's a "b" %41 $HOME ä""") as server:
        assert query(server.url(), "SELECT 7") == 7
    assert not server.is_running()


@pytest.mark.parametrize("name", ["long" * 30, "a,b"])
def test_a_path_no_client_can_take_has_its_socket_in_the_temporary_folder(open_folder: Path, name: str) -> None:
    folder = open_folder / name
    with EmbeddedPostgres(folder) as server:
        sockets = server_socket.socket_folder(folder)
        assert sockets.parent == Path(tempfile.gettempdir())
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert query(server.url(), "SELECT 7") == 7
    assert not server.is_running()
    sockets.rmdir()


def test_a_socket_folder_made_by_somebody_else_is_refused(open_folder: Path) -> None:
    folder = open_folder / ("long" * 30)
    folder.mkdir()
    place = server_socket.socket_folder(folder)
    place.rmdir()
    place.symlink_to(open_folder)
    with pytest.raises(EmbeddedPostgresError, match="belongs to somebody else"):
        EmbeddedPostgres(folder).start()
    place.unlink()


def test_a_url_is_had_only_while_it_is_in_use(database_folder: Path) -> None:
    server = EmbeddedPostgres(database_folder)
    with pytest.raises(EmbeddedPostgresError, match="start it first"):
        server.url()
    with server:
        pass
    with pytest.raises(EmbeddedPostgresError, match="start it first"):
        server.url()
