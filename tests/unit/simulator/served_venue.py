"""A venue on a port in virtual time, and somebody who listens to its candles and writes down what comes."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from market_samples import START_MS, market

from shared.simulator.faults import Fault, Faults
from shared.simulator.instruments import instrument_for
from shared.simulator.server import VenueServer
from shared.simulator.venue import Venue
from tests.virtual import on_virtual_clock

CANDLES = "/spot/stream?streams=btcusdt@kline_1m"
MINUTE_MS = 60_000
Use = Callable[[VenueServer, aiohttp.ClientSession], Awaitable[None]]


def served(use: Use, *faults: Fault, count: int = 1000) -> None:
    """Run `use` against a venue of two spot markets, ten seconds into its first minute; `count` steps of 5 s."""

    async def run() -> None:
        markets = [market(count), market(count, instrument=instrument_for("ETH-USDT", perpetual=False))]
        server = VenueServer(Venue(markets), faults=Faults(faults))
        await server.start()
        try:
            async with aiohttp.ClientSession(server.base_url) as session:
                await use(server, session)
        finally:
            await server.stop()

    on_virtual_clock(run(), START_MS / 1000 + 10)


@dataclass
class Heard:
    """What came of one connection.

    Attributes:
        texts: Whole messages, as they came.
        code: What it was closed with; 1006 without a close frame, None while it is open.
        ended_s: Seconds from its beginning to its end.
    """

    texts: list[tuple[float, str]] = field(default_factory=list)
    code: int | None = None
    ended_s: float | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        """Those that are JSON, unwrapped."""
        events = []
        for _, text in self.texts:
            try:
                event = json.loads(text)
            except ValueError:
                continue
            events.append(event.get("data", event))
        return events

    def bars(self, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        """Closed candles of a symbol, in the order they came."""
        klines = [event["k"] for event in self.events if event.get("e") == "kline" and isinstance(event["k"], dict)]
        return [kline for kline in klines if kline["x"] and kline["s"] == symbol]

    def opens(self, symbol: str = "BTCUSDT") -> list[int]:
        """Minutes of its closed candles, counted from the market's start."""
        return [(kline["t"] - START_MS) // MINUTE_MS for kline in self.bars(symbol)]


async def listen(session: aiohttp.ClientSession, for_s: float, path: str = CANDLES) -> Heard:
    """Connect and listen for so long, or until the connection ends."""
    heard, began_s = Heard(), time.time()
    # Frames of any size: what a client makes of a huge one is its own affair.
    async with session.ws_connect(path, max_msg_size=0) as socket:
        try:
            async with asyncio.timeout(for_s):
                while True:
                    message = await socket.receive()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        break
                    heard.texts.append((time.time() - began_s, message.data))
        except TimeoutError:
            return heard
        heard.code, heard.ended_s = socket.close_code, time.time() - began_s
    return heard
