"""`recovery venue`: the local venue alone, for a bot in another process or container."""

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice, parse_market
from shared.cli.shared_clock import run_on_clock, shared_clock
from shared.simulator import scenario
from shared.simulator.fault_script import read_script
from shared.simulator.faults import Faults
from shared.simulator.server import VenueServer


def venue(
    venue: Annotated[
        str, typer.Option(help="simulated, or replay:FILE@START,FILE@START,... (@START optional)")
    ] = "simulated",
    pairs: Annotated[str, typer.Option(help="Pairs of the simulated market, comma-separated.")] = "BTC-USDT,ETH-USDT",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated market.")] = 1,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8765,
    skip_s: Annotated[int, typer.Option(min=0, help="Begin this many seconds into the market.")] = 0,
    history_s: Annotated[int, typer.Option(min=0, help="Seconds of candles there are to be before that.")] = 0,
    faults: Annotated[
        Path | None, typer.Option(help="What goes wrong with the sources, and when: a YAML file.")
    ] = None,
) -> None:
    """Serve a market on this machine as Binance, Polygon and CoinGecko would, in real time from now on.

    Point a bot at it with RECOVERY_VENUE_URL. The simulated market's first entry comes in its minutes 4 to 7: with
    --skip-s 600 it is there at once. More faults can be had while it runs: POST /control/faults. Stops on Ctrl-C.
    """
    market = parse_market(venue, seed)
    if market.is_live:
        raise UsageError("--venue = live: there is nothing to serve; run the bot with --venue live instead")
    script = [] if faults is None else read_script(faults)
    market = market.with_history(history_s)
    clock = shared_clock()
    start_ms = int((time.time() if clock is None else clock.start_s) - skip_s) * 1000
    run_on_clock(lambda: _serve(market, pairs.split(","), start_ms, host, port, Faults(script)))


async def _serve(
    market: MarketChoice, pairs: Sequence[str], start_ms: int, host: str, port: int, faults: Faults
) -> None:
    if market.recordings:
        served = scenario.replay(market.recordings, seed=market.seed, warmup_s=market.history_s, start_ms=start_ms)
    else:
        served = scenario.simulated(pairs, market.seed, start_ms=start_ms)
    server = VenueServer(served, host, port, faults)
    await server.start()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    typer.echo(f"venue at {server.base_url} (RECOVERY_VENUE_URL={server.base_url}), Ctrl-C stops it")
    try:
        await stop.wait()
    finally:
        await server.stop()
