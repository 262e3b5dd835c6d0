"""Hummingbot on a local venue and its clock: in one process and one event loop with it, or in a process of its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.cli.market import MarketChoice
from shared.simulator.egress import EgressGuard
from shared.simulator.venue import Venue
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time

_LEFTOVER_S = 5.0  # on the venue's clock, for tasks that were cancelled to end


def run_beside_venue(
    market: MarketChoice,
    pairs: Sequence[str],
    speed: float | None,
    egress: EgressGuard,
    work: Callable[[Venue], Awaitable[None]],
) -> None:
    """Run `work` with Hummingbot's exchange traffic sent to the local venue and every other host refused.

    Call once the home is entered.

    Args:
        market: A simulated or replayed one.
        pairs: What the venue is to list.
        speed: Virtual seconds per real second; None for as fast as the CPU allows.
        egress: Refuses other hosts and counts them.
        work: Given the venue, which trades and stops trading with it.

    Raises:
        SimulatorError: A pair or recording cannot be had.
    """
    clock = VirtualClock(market.start_s, speed)
    venue = market.venue(pairs, clock.start_s, clock.time)
    _run_to_the_end(VirtualEventLoop(clock, egress), clock, lambda: _serve(venue, egress, work))


def run_on_venue(venue_url: str, clock: VirtualClock, egress: EgressGuard, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` with Hummingbot's exchange traffic sent to a venue in another process and every other host refused.

    Call once the home is entered.

    Args:
        venue_url: Where it is, `http://host:port`.
        clock: That of the venue's process.
        egress: Refuses other hosts and counts them.
        work: Trades, and stops trading.
    """

    async def trade() -> None:
        from shared.bot.redirect import redirected

        with redirected(venue_url, egress):
            await work()

    _run_to_the_end(VirtualEventLoop(clock, egress), clock, trade)


def _run_to_the_end(loop: VirtualEventLoop, clock: VirtualClock, work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.set_event_loop(loop)
    with virtual_time(clock):
        try:
            loop.run_until_complete(main())
        finally:
            loop.run_until_complete(_end_leftover_tasks())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


async def _serve(venue: Venue, egress: EgressGuard, work: Callable[[Venue], Awaitable[None]]) -> None:
    from shared.bot.redirect import redirected
    from shared.simulator.server import VenueServer

    server = VenueServer(venue)
    await server.start()
    try:
        with redirected(server.base_url, egress):
            await work(venue)
    finally:
        await server.stop()


async def _end_leftover_tasks() -> None:
    # Hummingbot's screen never ends its timers; the loop would complain of them when it is closed.
    leftover = asyncio.all_tasks() - {asyncio.current_task()}
    for task in leftover:
        task.cancel()
    if leftover:
        await asyncio.wait(leftover, timeout=_LEFTOVER_S)
