"""Commands that go by another process's clock."""

import asyncio
import time

import pytest

from shared.cli.errors import UsageError
from shared.cli.shared_clock import run_on_clock, shared_clock
from shared.simulator.virtual_time import SHARED_CLOCK, VirtualClock, VirtualEventLoop
from tests.conftest import START_S


async def look() -> tuple[float, float, type]:
    """Wall clock, loop's clock, and the loop."""
    loop = asyncio.get_running_loop()
    return time.time(), loop.time(), type(loop)


def test_without_one_the_real_clock_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SHARED_CLOCK, raising=False)
    assert shared_clock() is None
    before_s = time.time()
    wall_s, _, loop = run_on_clock(look)
    assert before_s <= wall_s <= time.time()
    assert loop is not VirtualEventLoop


def test_a_shared_clock_is_the_same_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock(START_S, 10.0)
    monkeypatch.setenv(SHARED_CLOCK, clock.shared)
    before_s, before_elapsed_s = clock.time(), clock.elapsed()
    wall_s, loop_s, loop = run_on_clock(look)
    assert before_s <= wall_s <= clock.time()
    assert before_elapsed_s <= loop_s <= clock.elapsed()
    assert loop is VirtualEventLoop
    assert abs(time.time() - wall_s) > 1e6, "the real clock is back"


@pytest.mark.parametrize("text", ["", "soon", "1 2", "1 0 3", "1 2 3 4"])
def test_what_is_no_clock_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(SHARED_CLOCK, text)
    with pytest.raises(UsageError) as raised:
        run_on_clock(look)
    assert str(raised.value) == f"RECOVERY_CLOCK = {text}: is set by recovery up for what it starts; unset it"
