"""Binance's websocket addresses, spot and USD-M perpetual: who may connect, and what becomes of the connection."""

from aiohttp import WSMsgType, web

from shared.simulator.binance_candles import Candles
from shared.simulator.binance_connection import (
    PERPETUAL_LIMITS,
    SPOT_LIMITS,
    Connection,
    FaultyStreams,
    PlainStreams,
)
from shared.simulator.connection_log import ConnectionLog
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Faults, Injection
from shared.simulator.rest_faults import cut_off, hang
from shared.simulator.venue import Venue
from shared.simulator.websocket import WebsocketClient

# Connections to /stream get events wrapped with their stream's name, those to /ws get them bare. Since 2026 the
# perpetual's sockets also live below /public (books) and /market (the rest); either serves everything here.
_SPOT_SOCKETS = {"/ws": False, "/stream": True}
_PERPETUAL_SOCKETS = {
    f"{group}{path}": combined for group in ("", "/public", "/market") for path, combined in _SPOT_SOCKETS.items()
}
_MAX_REQUEST_BYTES = 64 * 1024
_TURNING_AWAY = frozenset({Kind.DOWN, Kind.REFUSE, Kind.HANG})


class BinanceSockets:
    """All websockets of both halves. Faults hit the spot half: it is what the feeds listen to.

    Attributes:
        clients: Those connected now.
        log: Connections to the spot half.
    """

    def __init__(self, venue: Venue, faults: Faults) -> None:
        self.clients: set[WebsocketClient] = set()
        self.log = ConnectionLog()
        self._venue = venue
        self._faults = faults
        self._candles = Candles(venue, faults)

    def routes(self, spot_prefix: str, perpetual_prefix: str) -> list[web.RouteDef]:
        """All routes, below the prefixes."""
        routes = []
        for perpetual, prefix in ((False, spot_prefix), (True, perpetual_prefix)):
            sockets = _PERPETUAL_SOCKETS if perpetual else _SPOT_SOCKETS
            for path, combined in sockets.items():
                handler = _Handler(self, perpetual, combined)
                routes.append(web.get(prefix + path, handler.serve))
                routes.append(web.get(prefix + path + "/{streams:.+}", handler.serve))
        return routes

    def stop(self) -> None:
        """Close all connections."""
        self._candles.stop()
        for client in list(self.clients):
            client.close()

    def turned_away(self) -> Injection | None:
        """The fault that keeps a client from connecting to the spot half, if one does."""
        injection = self._faults.take(Where.BINANCE, Part.STREAM, _TURNING_AWAY)
        if injection is not None:
            self.log.turned_away()
        return injection

    def connection(self, client: WebsocketClient, perpetual: bool, combined: bool) -> Connection:
        """A new connection's life."""
        if perpetual:
            return Connection(client, PlainStreams(self._venue, True, client, combined), PERPETUAL_LIMITS)
        streams = FaultyStreams(self._venue, self._candles, self._faults, client, combined)
        return Connection(client, streams, SPOT_LIMITS)


class _Handler:
    """Websocket connections to one path."""

    def __init__(self, sockets: BinanceSockets, perpetual: bool, combined: bool) -> None:
        self._sockets = sockets
        self._perpetual = perpetual
        self._combined = combined

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self._perpetual:
            return await self._serve(request)
        if injection := self._sockets.turned_away():
            return await _turn_away(request, injection)
        with self._sockets.log.connection():
            return await self._serve(request)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        # Pings are answered by the connection: they count among its messages, and a peer that is gone answers none.
        socket = web.WebSocketResponse(compress=False, max_msg_size=_MAX_REQUEST_BYTES, autoping=False)
        await socket.prepare(request)
        if request.transport is None:
            return socket
        client = WebsocketClient(request.transport)
        self._sockets.clients.add(client)
        connection = self._sockets.connection(client, self._perpetual, self._combined)
        try:
            named = request.match_info.get("streams") or request.query.get("streams", "")
            if names := [name for name in named.split("/") if name]:
                connection.subscribe(names)
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.PING, WSMsgType.PONG):
                    connection.hear(message)
        finally:
            self._sockets.clients.discard(client)
            connection.leave()
        return socket


async def _turn_away(request: web.Request, injection: Injection) -> web.StreamResponse:
    match injection.fault.kind:
        case Kind.REFUSE:
            return web.Response(status=int(injection.fault.status or 503), text="Refused.")
        case Kind.HANG:
            return await hang(request, injection)
        case _:
            return cut_off(request)
