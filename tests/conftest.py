"""A home for Hummingbot, made before anything imports its client, so that no test writes into this checkout.

Hummingbot binds its folders when `hummingbot.client` is imported, so this cannot wait for a fixture. The process keeps its
working directory and environment: tests that start the `recovery` command give it a home of its own.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from shared.bot import home
from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time

CHECKOUT = Path(__file__).resolve().parents[1]
START_S = 1_736_121_600.0  # 2025-01-06T00:00Z


def _enter_a_home() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="recovery-tests-"))
    for name in ("conf/controllers", "conf/scripts"):
        shutil.copytree(CHECKOUT / name, folder / name)
    home.prepare(folder)
    before = Path.cwd()
    home.enter(folder)
    os.chdir(before)
    return folder


_HOME = _enter_a_home()

# How long an example takes says something about this machine, not about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def bot_home() -> Path:
    """The home this process's Hummingbot is in."""
    return _HOME


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A private folder with a path short enough for sockets: pytest's own can be too long for their 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="r-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


VirtualRun = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def run_virtual() -> VirtualRun:
    """Runs a coroutine on a virtual clock: waits take no real time and nothing is late."""

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        clock = VirtualClock(START_S, None)
        with virtual_time(clock):
            return asyncio.run(main, loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))

    return run
