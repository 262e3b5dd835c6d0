"""One clock for venue and bot: real, scaled, or as fast as the CPU allows.

Both run in one process and one event loop and talk over loopback sockets. At full speed the loop is a discrete-event
simulation: asked to wait, it first asks the sockets again, and when nothing is on its way it moves the clock to the
next timer instead of waiting. Nothing is ever late, so the same seed gives the same trades.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from shared.simulator.egress import EgressGuard

# Bytes written to a loopback socket are readable before send() returns, save when the kernel defers the delivery to
# another thread; asking again a few times covers that. A real wait would cost at least 1 ms: epoll rounds up to it.
_POLLS_BEFORE_JUMP = 3
# While a thread works for the loop the clock stands still, and the sockets are asked again after this long.
_THREAD_GRACE_S = 0.001

# Every wait ends this much after its timer is due: more than the rounding of an epoch in a float.
_WAKE_UP_S = 1e-6

_real_time = time.time
_real_monotonic = time.monotonic


SHARED_CLOCK = "RECOVERY_CLOCK"
"""Environment variable: a scaled clock that processes of this machine share, as `VirtualClock.shared` writes it."""


class VirtualClock:
    """The present of a simulated run.

    Args:
        start_s: Where it begins, UTC epoch seconds.
        speed: Virtual seconds per real second, > 0; None jumps from event to event.
        real_start_s: When it began, by the machine's monotonic clock; default: now.
    """

    def __init__(self, start_s: float, speed: float | None, real_start_s: float | None = None) -> None:
        if speed is not None and speed <= 0:
            raise ValueError(f"speed = {speed}: must be above 0")
        self.start_s = start_s
        self.speed = speed
        self._jumped_s = 0.0
        self._real_start_s = _real_monotonic() if real_start_s is None else real_start_s

    @property
    def shared(self) -> str:
        """What another process of this machine makes the same clock of: the monotonic clock is one for all of them."""
        if self.speed is None:
            raise ValueError("a clock that jumps belongs to one process")
        return f"{self.start_s!r} {self.speed!r} {self._real_start_s!r}"

    @classmethod
    def of(cls, shared: str) -> "VirtualClock":
        """The clock that another process shares.

        Raises:
            ValueError: The text is not what `shared` writes.
        """
        start_s, speed, real_start_s = map(float, shared.split())
        return cls(start_s, speed, real_start_s)

    def elapsed(self) -> float:
        """Virtual seconds since the start; finer than `time`, whose float resolves 0.2 microseconds."""
        if self.speed is None:
            return self._jumped_s
        return (_real_monotonic() - self._real_start_s) * self.speed

    def time(self) -> float:
        """UTC epoch seconds."""
        return self.start_s + self.elapsed()

    def jump(self, seconds: float) -> None:
        """Move on by `seconds` (full speed only), and a little more, as a real wait never ends early.

        Hummingbot's clock repeats a tick that it wakes up for too soon (core/clock.pyx, run_til).
        """
        self._jumped_s += seconds + _WAKE_UP_S

    def real_wait_s(self, virtual_s: float) -> float:
        """Real seconds a scaled clock takes to pass `virtual_s`."""
        assert self.speed is not None
        return virtual_s / self.speed


class _VirtualSelector(selectors.BaseSelector):
    """The loop's selector, with waiting replaced by the clock's kind of waiting."""

    def __init__(self, clock: VirtualClock, threads_at_work: Callable[[], bool]) -> None:
        self._selector = selectors.DefaultSelector()
        self._clock = clock
        self._threads_at_work = threads_at_work

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return self._selector.select(timeout)
        if self._clock.speed is not None:
            return self._selector.select(self._clock.real_wait_s(timeout))
        for _ in range(_POLLS_BEFORE_JUMP):
            ready = self._selector.select(0)
            if ready:
                return ready
        if self._threads_at_work():
            return self._selector.select(_THREAD_GRACE_S)
        self._clock.jump(timeout)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._selector.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._selector.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._selector.modify(fileobj, events, data)

    def close(self) -> None:
        self._selector.close()

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._selector.get_key(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._selector.get_map()


class VirtualEventLoop(asyncio.SelectorEventLoop):
    """An event loop on a virtual clock; with a guard it reaches this machine only.

    Args:
        clock: What `loop.time()` reads.
        egress: Refuses every other host, below whatever library is asking; None refuses none.
    """

    def __init__(self, clock: VirtualClock, egress: EgressGuard | None) -> None:
        self._virtual_clock = clock
        self._egress = egress
        self._thread_jobs = 0
        super().__init__(_VirtualSelector(clock, lambda: self._thread_jobs > 0))

    def time(self) -> float:
        return self._virtual_clock.elapsed()

    def run_in_executor(  # type: ignore[override]  # typeshed types the callable with a TypeVarTuple
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        self._thread_jobs += 1
        future.add_done_callback(self._thread_job_done)
        return future

    def _thread_job_done(self, _: "asyncio.Future[Any] | Future[Any]") -> None:
        self._thread_jobs -= 1

    async def sock_connect(self, sock: Any, address: Any) -> None:
        if self._egress is not None and isinstance(address, tuple):
            self._egress.check(str(address[0]))
        await super().sock_connect(sock, address)

    async def getaddrinfo(self, host: Any, port: Any, **kwargs: Any) -> Any:
        if self._egress is not None:
            self._egress.check(host.decode() if isinstance(host, bytes) else str(host))
        return await super().getaddrinfo(host, port, **kwargs)


@contextmanager
def virtual_time(clock: VirtualClock) -> Iterator[VirtualClock]:
    """Let `time.time()` tell the clock's time for the whole process, as Hummingbot reads it everywhere."""
    before = time.time
    time.time = clock.time
    try:
        yield clock
    finally:
        time.time = before


def real_time() -> float:
    """UTC epoch seconds of the world outside, whatever `time.time` says."""
    return _real_time()
