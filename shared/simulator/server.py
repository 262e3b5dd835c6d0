"""The venue on a port: REST and websockets of both halves, spot below `/spot` and USD-M perpetual below `/perpetual`.

https://api.binance.com           ->  http://HOST:PORT/spot
wss://stream.binance.com:9443     ->  ws://HOST:PORT/spot
https://fapi.binance.com          ->  http://HOST:PORT/perpetual
wss://fstream.binance.com         ->  ws://HOST:PORT/perpetual
"""

import json
import socket
from typing import Any

from aiohttp import WSMsgType, web

from shared.simulator.errors import VenueError
from shared.simulator.rest import RestApi
from shared.simulator.venue import Venue
from shared.simulator.websocket import WebsocketClient, text_frame

SPOT_PREFIX = "/spot"
PERPETUAL_PREFIX = "/perpetual"

# Connections to /stream get events wrapped with their stream's name, those to /ws get them bare. Since 2026 the
# perpetual's sockets also live below /public (books) and /market (the rest); either serves everything here.
_SPOT_SOCKETS = {"/ws": False, "/stream": True}
_PERPETUAL_SOCKETS = {
    f"{group}{path}": combined for group in ("", "/public", "/market") for path, combined in _SPOT_SOCKETS.items()
}
_MAX_REQUEST_BYTES = 64 * 1024
# Idle connections are kept longer than any client keeps them, so that none is closed while a request is on its way.
_KEEPALIVE_S = 3600.0
_SHUTDOWN_S = 1.0


class VenueServer:
    """Serves one venue; starting and stopping it starts and stops the venue.

    Args:
        host: Address to listen on; a numeric one, so that no name is looked up.
        port: 0 takes any free port; see `port` after `start`.
    """

    def __init__(self, venue: Venue, host: str = "127.0.0.1", port: int = 0) -> None:
        self._venue = venue
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._clients: set[WebsocketClient] = set()

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        return self._port

    @property
    def base_url(self) -> str:
        """`http://host:port`, once started."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Open the port and take up trading.

        Raises:
            VenueError: The port cannot be listened on, or the clock stands outside the venue's data.
        """
        listener = self._listen()
        try:
            self._venue.start()
        except VenueError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self._runner = web.AppRunner(
            self._application(), access_log=None, keepalive_timeout=_KEEPALIVE_S, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def stop(self) -> None:
        """Close all connections and the port, and end trading; what made the venue fail is raised here."""
        for client in list(self._clients):
            client.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._venue.stop()

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise VenueError(
                f"The local venue cannot listen on {self._host}:{self._port} ({error.strerror}): stop what uses that"
                " port, or choose another one, or 0 for any free one."
            ) from error
        listener.setblocking(False)
        return listener

    def _application(self) -> web.Application:
        application = web.Application()
        for perpetual, prefix in ((False, SPOT_PREFIX), (True, PERPETUAL_PREFIX)):
            application.add_routes(RestApi(self._venue, perpetual).routes(prefix))
            sockets = _PERPETUAL_SOCKETS if perpetual else _SPOT_SOCKETS
            for path, combined in sockets.items():
                handler = _SocketHandler(self._venue, self._clients, perpetual, combined)
                application.router.add_get(prefix + path, handler.serve)
                application.router.add_get(prefix + path + "/{streams:.+}", handler.serve)
        return application


class _SocketHandler:
    """Websocket connections to one path."""

    def __init__(self, venue: Venue, clients: set[WebsocketClient], perpetual: bool, combined: bool) -> None:
        self._venue = venue
        self._clients = clients
        self._perpetual = perpetual
        self._combined = combined

    async def serve(self, request: web.Request) -> web.StreamResponse:
        connection = web.WebSocketResponse(compress=False, max_msg_size=_MAX_REQUEST_BYTES)
        await connection.prepare(request)
        if request.transport is None:
            return connection
        client = WebsocketClient(request.transport)
        self._clients.add(client)
        try:
            named = request.match_info.get("streams") or request.query.get("streams", "")
            self._subscribe(client, [name for name in named.split("/") if name])
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    self._request(client, message.data)
        finally:
            self._clients.discard(client)
            self._venue.drop(client)
        return connection

    def _request(self, client: WebsocketClient, text: str) -> None:
        """Answer one SUBSCRIBE or UNSUBSCRIBE request."""
        try:
            request = json.loads(text)
            method, names, identity = request["method"], request.get("params", []), request.get("id")
            known = isinstance(names, list) and all(isinstance(name, str) for name in names)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _reply(client, {"error": {"code": 3, "msg": "Invalid JSON: a method and params are expected."}})
        if not known or method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return _reply(client, {"error": {"code": 2, "msg": f"Invalid request: {method}."}, "id": identity})
        _reply(client, {"result": None, "id": identity})
        if method == "SUBSCRIBE":
            return self._subscribe(client, names)
        for name in names:
            self._venue.unsubscribe(self._perpetual, name, client)
        return None

    def _subscribe(self, client: WebsocketClient, names: list[str]) -> None:
        for name in names:
            self._venue.subscribe(self._perpetual, name, client, self._combined)


def _reply(client: WebsocketClient, answer: dict[str, Any]) -> None:
    client.send(text_frame(json.dumps(answer)))
