"""Send Hummingbot's exchange traffic to a local venue, and refuse the rest.

All of it that matters passes `RESTConnection.call` and `WSConnection.connect` (hummingbot/core/web_assistant/connections):
connectors, candle feeds, rate oracle and time synchronisation.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hummingbot.core.web_assistant.connections import rest_connection, ws_connection

from shared.simulator.egress import EgressGuard
from shared.simulator.server import PERPETUAL_PREFIX, SPOT_PREFIX

_PREFIX_OF_HOST = {
    "api.binance.com": SPOT_PREFIX,
    "stream.binance.com": SPOT_PREFIX,
    "fapi.binance.com": PERPETUAL_PREFIX,
    "fstream.binance.com": PERPETUAL_PREFIX,
}


def local_url(url: str, venue_url: str, egress: EgressGuard) -> str:
    """The venue's address for an exchange's URL.

    Args:
        url: What Hummingbot asked for.
        venue_url: Base URL of the venue, `http://host:port`.
        egress: Counts and refuses the hosts the venue does not stand for.

    Raises:
        EgressRefused: The host is neither the venue's nor this machine.
    """
    asked = urlsplit(url)
    venue = urlsplit(venue_url)
    prefix = _PREFIX_OF_HOST.get(asked.hostname or "")
    if prefix is None:
        if asked.netloc != venue.netloc:
            egress.check(asked.hostname or url)
        return url
    scheme = "ws" if asked.scheme in ("ws", "wss") else "http"
    return urlunsplit((scheme, venue.netloc, prefix + asked.path, asked.query, ""))


@contextmanager
def redirected(venue_url: str, egress: EgressGuard) -> Iterator[None]:
    """Redirect this process's Hummingbot to the venue."""
    rest, websocket = rest_connection.RESTConnection, ws_connection.WSConnection
    stock_call, stock_connect = rest.call, websocket.connect
    rest.call = _redirected_call(stock_call, venue_url, egress)
    websocket.connect = _redirected_connect(stock_connect, venue_url, egress)
    try:
        yield
    finally:
        rest.call, websocket.connect = stock_call, stock_connect


def _redirected_call(stock: Callable[..., Any], venue_url: str, egress: EgressGuard) -> Callable[..., Any]:
    async def call(self: Any, request: Any) -> Any:
        request.url = local_url(request.url, venue_url, egress)
        return await stock(self, request)

    return call


def _redirected_connect(stock: Callable[..., Any], venue_url: str, egress: EgressGuard) -> Callable[..., Any]:
    async def connect(self: Any, ws_url: str, *args: Any, **kwargs: Any) -> Any:
        return await stock(self, local_url(ws_url, venue_url, egress), *args, **kwargs)

    return connect
