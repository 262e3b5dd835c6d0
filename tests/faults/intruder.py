"""Another program that connects to Polygon with the same key."""

import asyncio
import json

import aiohttp

_KEY = "simulated"


async def intrude(base_url: str, for_s: float) -> None:
    """Connect, listen to all, and leave after a while, or when sent away."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{base_url}/polygon/crypto") as socket:
        await socket.send_str(json.dumps({"action": "auth", "params": _KEY}))
        await socket.send_str(json.dumps({"action": "subscribe", "params": "XA.*"}))
        try:
            async with asyncio.timeout(for_s):
                async for _ in socket:
                    pass
        except TimeoutError:
            return
