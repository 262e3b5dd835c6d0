"""The virtual clock: timers fire in order and never early, traffic comes before time, threads stop the clock."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.simulator import virtual_time as module
from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, real_time, virtual_time

START_S = 1_736_121_600.0
# Far below any wait of a test, far above what waking up adds.
SLACK_S = 1e-3


def run(main: Coroutine[Any, Any, Any], clock: VirtualClock | None = None) -> Any:
    """Run on a virtual loop, with time.time telling its time."""
    clock = clock or VirtualClock(START_S, None)
    with virtual_time(clock):
        return asyncio.run(main, loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))


@settings(max_examples=50)
@given(st.lists(st.integers(1, 10**6).map(lambda milliseconds: milliseconds / 1000), min_size=1, max_size=20))
def test_timers_fire_in_order_and_never_early(delays: list[float]) -> None:
    async def scenario() -> list[tuple[float, float]]:
        loop = asyncio.get_running_loop()
        began, fired = loop.time(), []
        for delay in delays:
            loop.call_later(delay, lambda due: fired.append((due, loop.time() - began)), delay)
        await asyncio.sleep(max(delays) + 1)
        return fired

    fired = run(scenario())
    assert [due for due, _ in fired] == sorted(delays)
    for due, at in fired:
        assert due <= at < due + SLACK_S


def test_an_idle_loop_jumps_to_its_next_timer() -> None:
    async def scenario() -> float:
        await asyncio.sleep(10 * 365 * 86_400)
        return time.time()

    ended = run(scenario())
    assert ended == pytest.approx(START_S + 10 * 365 * 86_400, abs=SLACK_S)
    assert time.time() == pytest.approx(real_time(), abs=60), "ten years took no real time"


def test_a_chain_of_timers_is_never_late() -> None:
    async def scenario() -> float:
        for _ in range(3_600):
            await asyncio.sleep(1)
        return asyncio.get_running_loop().time()

    assert run(scenario()) == pytest.approx(3_600, abs=0.1)


async def echo_server() -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(64):
            writer.write(data)
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def close(server: asyncio.Server, writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


def test_what_is_on_its_way_arrives_before_time_moves_on() -> None:
    async def scenario() -> list[float]:
        loop = asyncio.get_running_loop()
        server = await echo_server()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        took = []
        for _ in range(200):
            asked = loop.time()
            writer.write(b"ping")
            await asyncio.wait_for(reader.readexactly(4), timeout=5)
            took.append(loop.time() - asked)
            await asyncio.sleep(1)
        await close(server, writer)
        return took

    assert max(run(scenario())) == 0, "a round trip over loopback takes no virtual time, nor a time-out"


def test_the_clock_stands_while_a_thread_works() -> None:
    async def scenario() -> tuple[str, float, float]:
        loop = asyncio.get_running_loop()
        go_on = threading.Event()
        # The timer is due long before the thread is told to go on; only a standing clock lets the thread win.
        waiting = asyncio.ensure_future(asyncio.sleep(30))
        began = loop.time()
        job = loop.run_in_executor(None, go_on.wait)
        for _ in range(50):
            await asyncio.sleep(0)
        threading.Timer(0.02, go_on.set).start()
        done, _ = await asyncio.wait({job, waiting}, return_when=asyncio.FIRST_COMPLETED)
        first = "thread" if job in done else "timer"
        during = loop.time() - began
        await waiting
        return first, during, loop.time() - began

    first, during, after = run(scenario())
    assert (first, during) == ("thread", 0)
    assert after == pytest.approx(30, abs=SLACK_S)


def test_a_thread_that_fails_lets_the_clock_go_on() -> None:
    def fail() -> None:
        raise ValueError("it failed")

    async def scenario() -> float:
        with pytest.raises(ValueError, match="it failed"):
            await asyncio.to_thread(fail)
        await asyncio.sleep(60)
        return asyncio.get_running_loop().time()

    assert run(scenario()) == pytest.approx(60, abs=SLACK_S)


def test_time_is_the_clocks_and_set_right_afterwards() -> None:
    before = time.time
    clock = VirtualClock(START_S, None)
    with virtual_time(clock) as entered:
        assert entered is clock
        assert time.time() == START_S
        clock.jump(5)
        assert time.time() == pytest.approx(START_S + 5, abs=SLACK_S)
        assert real_time() == pytest.approx(before(), abs=60)
    assert time.time is before


def test_time_is_set_right_after_an_error_too() -> None:
    def fail() -> None:
        with virtual_time(VirtualClock(START_S, None)):
            raise RuntimeError("inside")

    before = time.time
    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert time.time is before


def test_a_wake_up_is_never_early_for_a_clock_of_floats() -> None:
    """Hummingbot's clock repeats a tick that it wakes up for too soon."""
    clock = VirtualClock(START_S, None)
    for second in range(1, 2_000):
        due = START_S + second
        clock.jump(due - clock.time())
        assert clock.time() >= due


class FakeReal:
    """The monotonic clock of the world outside, at the test's command."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize("speed", [0.5, 1.0, 20.0])
def test_a_scaled_clock_runs_that_much_faster(speed: float, monkeypatch: pytest.MonkeyPatch) -> None:
    real = FakeReal()
    monkeypatch.setattr(module, "_real_monotonic", real)
    clock = VirtualClock(START_S, speed)
    real.now_s += 3
    assert clock.elapsed() == 3 * speed
    assert clock.time() == START_S + 3 * speed
    assert clock.real_wait_s(60) == 60 / speed


def test_a_scaled_loop_waits_and_is_not_early() -> None:
    async def scenario() -> float:
        await asyncio.sleep(5)
        return asyncio.get_running_loop().time()

    assert run(scenario(), VirtualClock(START_S, 1000.0)) >= 5


@pytest.mark.parametrize("speed", [0, -1.0])
def test_a_clock_that_does_not_go_forward_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=f"speed = {speed}: must be above 0"):
        VirtualClock(START_S, speed)


def test_the_same_work_gives_the_same_times() -> None:
    async def scenario() -> list[float]:
        server = await echo_server()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
        seen = []

        async def ask(every_s: float) -> None:
            for _ in range(20):
                await asyncio.sleep(every_s)
                writer.write(b"ping")
                await reader.readexactly(4)
                seen.append(time.time())

        await ask(0.3)
        await ask(0.7)
        await close(server, writer)
        return seen

    assert run(scenario()) == run(scenario())


def test_a_scaled_clock_is_the_same_in_another_process() -> None:
    clock = VirtualClock(START_S, 50.0)
    code = (
        "import sys; from shared.simulator.virtual_time import VirtualClock; print(VirtualClock.of(sys.argv[1]).time())"
    )
    before = clock.time()
    told = float(subprocess.run([sys.executable, "-c", code, clock.shared], capture_output=True, check=True).stdout)
    assert before <= told <= clock.time()


def test_a_clock_that_jumps_is_not_shared() -> None:
    with pytest.raises(ValueError, match="belongs to one process"):
        _ = VirtualClock(START_S, None).shared
