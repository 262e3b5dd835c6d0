"""Tests on a virtual clock: waiting costs nothing, and nothing leaves this machine."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time


def in_virtual_time(work: Callable[[], Awaitable[None]], start_s: float) -> None:
    """Run `work` on an event loop that jumps from event to event, with time.time() beginning at `start_s`."""
    clock = VirtualClock(start_s, None)

    async def main() -> None:
        await work()

    with virtual_time(clock):
        asyncio.run(main(), loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))
