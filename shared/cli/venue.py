"""`recovery venue`: the local venue alone, for a bot in another process or container."""

import asyncio
import signal
import time
from typing import Annotated

import typer

from shared.cli.errors import UsageError
from shared.cli.market import parse_market
from shared.simulator import scenario
from shared.simulator.server import VenueServer
from shared.simulator.venue import Venue


def venue(
    venue: Annotated[
        str, typer.Option(help="simulated, or replay:FILE@START,FILE@START,... (@START optional)")
    ] = "simulated",
    pairs: Annotated[str, typer.Option(help="Pairs of the simulated market, comma-separated.")] = "BTC-USDT,ETH-USDT",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated market.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    skip_s: Annotated[int, typer.Option(min=0, help="Begin this many seconds into the market.")] = 0,
) -> None:
    """Serve a Binance-shaped market on this machine, in real time from now on.

    Point a bot at it with RECOVERY_VENUE_URL. The simulated market's first entry comes in its minutes 4 to 7: with
    --skip-s 600 it is there at once. Stops on Ctrl-C.
    """
    market = parse_market(venue, seed)
    if market.is_live:
        raise UsageError("--venue = live: there is nothing to serve; run the bot with --venue live instead")
    start_ms = int(time.time() - skip_s) * 1000
    if market.recordings:
        served = scenario.replay(market.recordings, seed=seed, start_ms=start_ms)
    else:
        served = scenario.simulated(pairs.split(","), seed, start_ms=start_ms)
    asyncio.run(_serve(served, host, port))


async def _serve(served: Venue, host: str, port: int) -> None:
    server = VenueServer(served, host, port)
    await server.start()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    typer.echo(f"venue at {server.base_url} (RECOVERY_VENUE_URL={server.base_url}), Ctrl-C stops it")
    try:
        await stop.wait()
    finally:
        await server.stop()
