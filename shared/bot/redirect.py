"""Send Hummingbot's exchange traffic to a local venue, and refuse the rest.

All of it that matters passes `RESTConnection.call` and `WSConnection.connect` (hummingbot/core/web_assistant/connections):
connectors, candle feeds, rate oracle and time synchronisation.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.core.rate_oracle.sources.binance_rate_source import BinanceRateSource
from hummingbot.core.web_assistant.connections import rest_connection, ws_connection

from shared.bot.home import VENUE_URL
from shared.simulator.egress import EgressGuard, EgressRefused
from shared.simulator.server import PERPETUAL_PREFIX, SPOT_PREFIX

_LOG = logging.getLogger(__name__)

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
    _redirect(venue_url, egress)
    try:
        yield
    finally:
        rest.call, websocket.connect = stock_call, stock_connect


class InvalidVenueUrl(ValueError):
    """RECOVERY_VENUE_URL is not of the form http://host:port."""


class _LoggingEgressGuard(EgressGuard):
    """Says in the log which host was refused, once each: this process has nobody to report to at its end."""

    def check(self, host: str) -> None:
        try:
            super().check(host)
        except EgressRefused as refusal:
            if self.refused[host] == 1:
                _LOG.error("%s (%s is set)", refusal, VENUE_URL)
            raise


def install(venue_url: str) -> None:
    """Redirect this process's Hummingbot to the venue for good. Once is enough: a second call does nothing.

    Only what passes Hummingbot's connections is redirected or refused: a bot may still reach its broker and database.

    Raises:
        InvalidVenueUrl: It is no URL of a venue.
    """
    global _installed_for
    parts = urlsplit(venue_url)
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
        raise InvalidVenueUrl(f"{VENUE_URL} = {venue_url}: must be the venue's address, as in http://127.0.0.1:8765")
    if _installed_for is not None:
        return
    _installed_for = venue_url
    _redirect(venue_url, _LoggingEgressGuard())
    RateOracle.get_instance().source = BinanceRateSource()  # the venue has rates, the trader's usual source is refused


_installed_for: str | None = None


def _redirect(venue_url: str, egress: EgressGuard) -> None:
    rest, websocket = rest_connection.RESTConnection, ws_connection.WSConnection
    rest.call = _redirected_call(rest.call, venue_url, egress)
    websocket.connect = _redirected_connect(websocket.connect, venue_url, egress)


def _redirected_call(stock: Callable[..., Any], venue_url: str, egress: EgressGuard) -> Callable[..., Any]:
    async def call(self: Any, request: Any) -> Any:
        request.url = local_url(request.url, venue_url, egress)
        return await stock(self, request)

    return call


def _redirected_connect(stock: Callable[..., Any], venue_url: str, egress: EgressGuard) -> Callable[..., Any]:
    async def connect(self: Any, ws_url: str, *args: Any, **kwargs: Any) -> Any:
        return await stock(self, local_url(ws_url, venue_url, egress), *args, **kwargs)

    return connect
