"""A plain client of the fake Polygon, for tests on a virtual clock."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Fault, Faults
from shared.simulator.generated_bars import GeneratedBars
from shared.simulator.source_server import SourceServer

PAIRS = ("BTC-USD", "ETH-USD", "SOL-USD")
START_MS = 1_736_121_600_000  # where `run_virtual` begins


def polygon(kind: Kind, **fields: Any) -> Fault:
    """A fault of Polygon's."""
    return Fault(where=Where.POLYGON, kind=kind, **fields)


@asynccontextmanager
async def source(*script: Fault, keys: frozenset[str] | None = None) -> AsyncIterator[SourceServer]:
    """A served Polygon of three pairs that trade in every minute, with faults counted from now."""
    server = SourceServer(GeneratedBars(PAIRS, empty_fraction=0.0), Faults(script), keys=keys)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Talk:
    """One websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, action: str, params: str) -> None:
        """Ask for something."""
        await self.socket.send_json({"action": action, "params": params})

    async def said(self) -> list[dict[str, Any]]:
        """The next message."""
        told: list[dict[str, Any]] = json.loads(await self.socket.receive_str())
        return told

    async def statuses(self) -> list[str]:
        """The next message, of statuses."""
        return [one["status"] for one in await self.said()]

    async def begin(self, params: str = "XA.*", key: str = "k") -> None:
        """Everything up to the first bar."""
        assert await self.statuses() == ["connected"]
        await self.send("auth", key)
        assert await self.statuses() == ["auth_success"]
        await self.send("subscribe", params)
        assert set(await self.statuses()) == {"success"}

    async def end(self) -> tuple[list[str], int | None]:
        """All that is said until the connection is closed, and the code it is closed with."""
        texts = []
        while (message := await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
            texts.append(message.data)
        code = message.data if message.type is aiohttp.WSMsgType.CLOSE else self.socket.close_code
        return texts, code


@asynccontextmanager
async def talk(server: SourceServer) -> AsyncIterator[Talk]:
    """A websocket that answers pings and nothing else by itself."""
    async with (
        aiohttp.ClientSession(server.base_url) as session,
        session.ws_connect("/polygon/crypto", autoclose=False, timeout=aiohttp.ClientWSTimeout(ws_close=0.1)) as socket,
    ):
        yield Talk(socket)


def opened(elements: Sequence[dict[str, Any]], pair: str) -> list[int]:
    """Minutes after the start of a pair's bars."""
    return [(one["s"] - START_MS) // 60_000 for one in elements if one.get("pair") == pair]
