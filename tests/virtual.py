"""Tests on a virtual clock: waiting costs nothing, and nothing leaves this machine."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time


def on_virtual_clock[T](main: Coroutine[Any, Any, T], now_s: float = 0.0) -> T:
    """Run to the end; `time.time()` begins at `now_s`."""
    clock = VirtualClock(now_s, None)
    with virtual_time(clock):
        return asyncio.run(main, loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))
