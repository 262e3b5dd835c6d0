"""Commands that go by another process's clock, where the environment names one."""

import asyncio
import os
from collections.abc import Callable, Coroutine

from shared.cli.errors import UsageError
from shared.simulator.virtual_time import SHARED_CLOCK, VirtualClock, VirtualEventLoop, virtual_time


def shared_clock() -> VirtualClock | None:
    """The clock of RECOVERY_CLOCK; None where the real one counts.

    Raises:
        UsageError: The variable holds no clock.
    """
    shared = os.environ.get(SHARED_CLOCK)
    if shared is None:
        return None
    try:
        return VirtualClock.of(shared)
    except ValueError:
        raise UsageError(f"{SHARED_CLOCK} = {shared}: is set by recovery up for what it starts; unset it") from None


def run_on_clock[T](main: Callable[[], Coroutine[None, None, T]]) -> T:
    """Run to the end on the clock of RECOVERY_CLOCK, or on the real one.

    Raises:
        UsageError: As `shared_clock`.
    """
    clock = shared_clock()
    if clock is None:
        return asyncio.run(main())
    with virtual_time(clock):
        return asyncio.run(main(), loop_factory=lambda: VirtualEventLoop(clock, None))
