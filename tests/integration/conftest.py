"""Databases for tests: of retention and archive, and the folder of an embedded one."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.postgres.embedded import EmbeddedPostgres
from tests.retention_database import RetentionDatabase, Servers


@pytest.fixture(scope="session")
def retention_servers() -> Iterator[Servers]:
    """Postgres servers, started when first asked for."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    try:
        with Servers(folder) as servers:
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(retention_servers: Servers, tmp_path: Path) -> RetentionDatabase:
    """A migrated database on Postgres 18."""
    return retention_servers.database(18, tmp_path / "archive")


@pytest.fixture(params=[16, 18])
def each_database(request: pytest.FixtureRequest, retention_servers: Servers, tmp_path: Path) -> RetentionDatabase:
    """A migrated database on the oldest and on the newest Postgres."""
    return retention_servers.database(request.param, tmp_path / "archive")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder with a short path, reachable by everyone."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def database_folder(open_folder: Path) -> Iterator[Path]:
    """The folder of an embedded database; its server, if left over, is stopped."""
    yield open_folder / "postgres"
    EmbeddedPostgres(open_folder / "postgres").shut_down()
