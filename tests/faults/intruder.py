"""Another program that connects to Polygon with the same key."""

import asyncio
import json

import aiohttp

from shared.sidecar.feeds.sources import SIMULATED_KEY
from shared.simulator.polygon_server import STREAM_PATH

# Sooner than a connection that was cut is back.
_COMES_AFTER_S = 0.1


async def intrude(base_url: str, for_s: float) -> None:
    """Connect, listen to everything, and leave after a while or when sent away."""
    await asyncio.sleep(_COMES_AFTER_S)
    async with aiohttp.ClientSession() as session, session.ws_connect(base_url + STREAM_PATH) as socket:
        await socket.send_str(json.dumps({"action": "auth", "params": SIMULATED_KEY}))
        await socket.send_str(json.dumps({"action": "subscribe", "params": "XA.*"}))
        try:
            async with asyncio.timeout(for_s):
                async for _ in socket:
                    pass
        except TimeoutError:
            return
