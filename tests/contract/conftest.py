"""Fixtures of the stores' tests."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.contract.supabase_clients import Api
from tests.store_backends import BACKENDS, Backend, Databases, open_backend


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Servers of this worker, shared by its tests."""
    with Databases() as databases:
        yield databases


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all of a test: store and gateway live in it."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, runner: asyncio.Runner, databases: Databases) -> Iterator[Backend]:
    """Each store in turn, empty."""
    with ExitStack() as stack:
        yield open_backend(request.param, runner, databases, stack)


@pytest.fixture
def supabase(runner: asyncio.Runner, databases: Databases) -> Iterator[Backend]:
    """The store by the API."""
    with ExitStack() as stack:
        yield open_backend("supabase", runner, databases, stack)


@pytest.fixture
def api(supabase: Backend) -> Api:
    """Stores by the API whose gateway can be told to fail."""
    return Api(supabase)


@pytest.fixture
def postgres(runner: asyncio.Runner, databases: Databases) -> Iterator[Backend]:
    """The store by a direct connection."""
    with ExitStack() as stack:
        yield open_backend("postgres18", runner, databases, stack)
