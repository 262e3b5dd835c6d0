"""The sidecar's own HTTP server: one port for candles, health and metrics."""

import asyncio
import ipaddress
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from shared.adapters.feed_address import FeedAddress, is_token, remove_address, write_address
from shared.sidecar.config import SidecarConfigError
from shared.sidecar.feed_config import ServerConfig
from shared.sidecar.http_token import Handler, token_required

TOKEN = "RECOVERY_SIDECAR_TOKEN"
_SHUTDOWN_S = 1.0

RoutesFor = Callable[[str], Sequence[web.RouteDef]]


class HttpServer:
    """Serves until its step is cancelled. Make it before anything is started: what is wrong with its address ends the command.

    Args:
        home: Gets a file that says where to find it, and with which token.
        config: The address.
        routes_for: What is served, given the token.

    Raises:
        SidecarConfigError: The address cannot be listened on, or is open to others without a token of the user's.
    """

    name = "http"

    def __init__(self, home: Path, config: ServerConfig, routes_for: RoutesFor) -> None:
        self._home = home
        self._is_loopback = ipaddress.ip_address(config.host).is_loopback
        token = os.environ.get(TOKEN)
        if not self._is_loopback and not token:
            raise SidecarConfigError(
                f"server.host = {config.host}: is open to other machines: set {TOKEN}, or listen on 127.0.0.1"
            )
        if token and not is_token(token):
            raise SidecarConfigError(f"{TOKEN}: must be 1 to 512 printable characters without a space")
        self._token = token or secrets.token_urlsafe(24)
        self._listener = _listen(config)
        port = self._listener.getsockname()[1]
        host = config.host if ":" not in config.host else f"[{config.host}]"
        self.address = FeedAddress(f"http://{host}:{port}", self._token)
        self._routes_for = routes_for

    async def step(self) -> float:
        application = web.Application(middlewares=[] if self._is_loopback else [_all_require(self._token)])
        application.add_routes(self._routes_for(self._token))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_S)
        await runner.setup()
        try:
            # A copy: the site closes what it is given, and a restart needs it again.
            await web.SockSite(runner, self._listener.dup()).start()
            write_address(self._home, self.address)
            await asyncio.Event().wait()
        finally:
            remove_address(self._home, self.address)
            await runner.cleanup()
        return 0.0

    def close(self) -> None:
        """Let go of the port."""
        self._listener.close()

    def detail(self) -> Mapping[str, str]:
        return {"url": self.address.url}


def _all_require(token: str) -> Any:
    """Others can reach the address: nothing is told without the token."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await token_required(token, handler)(request)

    return check


def _listen(config: ServerConfig) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise SidecarConfigError(
            f"server.port = {config.port}: {config.host} cannot be listened on there ({error.strerror}); choose another, or "
            "0 for any free one"
        ) from error
    listener.setblocking(False)
    return listener
