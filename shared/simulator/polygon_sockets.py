"""Polygon's websocket address: every connection to it, and what all of them are told."""

import asyncio
from collections.abc import Iterable, Sequence

from aiohttp import WSMessage, WSMsgType, web

from shared.simulator import polygon_messages as messages
from shared.simulator.bar_book import BookBar
from shared.simulator.connection_log import ConnectionLog
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Faults, Injection
from shared.simulator.polygon_account import Account
from shared.simulator.polygon_connection import PolygonConnection
from shared.simulator.polygon_minutes import Delivery
from shared.simulator.rest_faults import cut_off, hang, is_gone
from shared.simulator.websocket import WebsocketClient

_MAX_REQUEST_BYTES = 256 * 1024  # names of some thousand pairs
_LOOK_S = 0.05  # sooner than any client is back: it would seem to have two connections
_UNAVAILABLE = 503
_TURNING_AWAY = (Kind.DOWN, Kind.HANG, Kind.REFUSE)
_GOING_AWAY = 1001
_SECOND_MS = 1000


class PolygonSockets:
    """All open connections.

    Args:
        pairs: What is listed, "BTC-USD".
        log: Counts connections.
    """

    def __init__(self, faults: Faults, account: Account, pairs: Iterable[str], log: ConnectionLog) -> None:
        self._faults = faults
        self._account = account
        self._pairs = frozenset(pairs)
        self._log = log
        self._connections: set[PolygonConnection] = set()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one handshake and stay until that connection is over."""
        if (injection := self._faults.take(Where.POLYGON, Part.STREAM, _TURNING_AWAY)) is not None:
            self._log.turned_away()
            return await _turn_away(request, injection)
        socket = web.WebSocketResponse(compress=False, autoping=False, autoclose=False, max_msg_size=_MAX_REQUEST_BYTES)
        await socket.prepare(request)
        if request.transport is None:
            return socket
        connection = PolygonConnection(WebsocketClient(request.transport), self._account, self._faults, self._pairs)
        self._connections.add(connection)
        with self._log.connection():
            try:
                connection.greet()
                await _listen(socket, connection)
                while connection.is_deaf and not is_gone(request):
                    await asyncio.sleep(_LOOK_S)  # a peer that is gone does not answer a goodbye
            finally:
                self._connections.discard(connection)
                connection.gone()
        return socket

    def heard(self, channel: str) -> frozenset[str]:
        """Pairs of a channel that somebody is told of."""
        return frozenset().union(*(connection.heard(channel) for connection in self._connections))

    def tell(self, deliveries: Sequence[Delivery]) -> None:
        """Say a minute's bars to everybody who listens to them."""
        for connection in list(self._connections):
            connection.tell(deliveries)

    def tell_second(self, bars: Sequence[tuple[str, BookBar]]) -> None:
        """Say a second's bars."""
        told = [(pair, messages.aggregate("XAS", pair, bar, _SECOND_MS)) for pair, bar in bars]
        for connection in list(self._connections):
            heard = connection.heard("XAS")
            if mine := [text for pair, text in told if pair in heard]:
                connection.say(mine)

    def fault_began(self) -> None:
        """Let every connection act on it."""
        for connection in list(self._connections):
            connection.fault_began()

    def close(self) -> None:
        """Close all of them."""
        for connection in list(self._connections):
            connection.close(_GOING_AWAY)


async def _turn_away(request: web.Request, injection: Injection) -> web.StreamResponse:
    match injection.fault.kind:
        case Kind.REFUSE:
            return web.Response(status=injection.fault.status or _UNAVAILABLE)
        case Kind.HANG:
            return await hang(request, injection)
        case _:
            return cut_off(request)


async def _listen(socket: web.WebSocketResponse, connection: PolygonConnection) -> None:
    message: WSMessage
    async for message in socket:
        if connection.is_deaf:
            continue
        if message.type is WSMsgType.TEXT:
            connection.hear(message.data)
        elif message.type is WSMsgType.PING:
            await socket.pong(message.data)
