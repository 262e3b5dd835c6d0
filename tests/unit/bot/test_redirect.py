"""The exchanges' addresses become the venue's; every other host is refused and counted."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.core.rate_oracle.rate_oracle import RateOracle
from hummingbot.core.rate_oracle.sources.binance_rate_source import BinanceRateSource
from hummingbot.core.web_assistant.connections.rest_connection import RESTConnection
from hummingbot.core.web_assistant.connections.ws_connection import WSConnection

from shared.bot import redirect
from shared.bot.redirect import InvalidVenueUrl, local_url, redirected
from shared.simulator.egress import EgressGuard, EgressRefused

VENUE = "http://127.0.0.1:8765"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("https://api.binance.com/api/v3/time", f"{VENUE}/spot/api/v3/time"),
        (
            "https://api.binance.com/api/v3/klines?symbol=BTCUSDT&limit=5",
            f"{VENUE}/spot/api/v3/klines?symbol=BTCUSDT&limit=5",
        ),
        ("wss://stream.binance.com:9443/ws", "ws://127.0.0.1:8765/spot/ws"),
        ("https://fapi.binance.com/fapi/v1/time", f"{VENUE}/perpetual/fapi/v1/time"),
        ("wss://fstream.binance.com/public/stream", "ws://127.0.0.1:8765/perpetual/public/stream"),
        (f"{VENUE}/spot/api/v3/time", f"{VENUE}/spot/api/v3/time"),
        ("http://localhost:15888/", "http://localhost:15888/"),
    ],
)
def test_each_address_of_the_exchanges_is_the_venues(url: str, local: str) -> None:
    guard = EgressGuard()
    assert local_url(url, VENUE, guard) == local
    assert not guard.refused


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.coingecko.com/api/v3/ping", "api.coingecko.com"),
        ("https://api.binance.com.example.net/", "api.binance.com.example.net"),
        ("wss://stream.binance.us:9443/ws", "stream.binance.us"),
        ("nonsense", "nonsense"),
    ],
)
def test_every_other_host_is_refused(url: str, host: str) -> None:
    guard = EgressGuard()
    for _ in range(2):
        with pytest.raises(EgressRefused, match=host):
            local_url(url, VENUE, guard)
    assert guard.refused == {host: 2}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that would have been connected to."""
    found: list[str] = []

    async def call(self: Any, request: Any) -> str:
        found.append(request.url)
        return "answer"

    async def connect(self: Any, ws_url: str, *args: Any, **kwargs: Any) -> None:
        found.append(ws_url)

    monkeypatch.setattr(RESTConnection, "call", call)
    monkeypatch.setattr(WSConnection, "connect", connect)
    return found


async def use_both() -> Any:
    answer = await RESTConnection.call(None, SimpleNamespace(url="https://api.binance.com/api/v3/time"))
    await WSConnection.connect(None, "wss://fstream.binance.com/ws", ping_timeout=1)
    return answer


def test_hummingbots_connections_are_redirected_and_set_right_afterwards(asked: list[str]) -> None:
    before = RESTConnection.call, WSConnection.connect
    with redirected(VENUE, EgressGuard()):
        assert asyncio.run(use_both()) == "answer"
        with pytest.raises(EgressRefused):
            asyncio.run(RESTConnection.call(None, SimpleNamespace(url="https://example.com/")))  # type: ignore[call-arg,arg-type]
    assert asked == [f"{VENUE}/spot/api/v3/time", "ws://127.0.0.1:8765/perpetual/ws"]
    assert (RESTConnection.call, WSConnection.connect) == before


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> list[str]:
    monkeypatch.setattr(redirect, "_installed_for", None)
    oracle = RateOracle.get_instance()
    monkeypatch.setattr(oracle, "_source", oracle._source)
    return asked


def test_an_installed_redirect_stays_and_is_made_once(fresh: list[str], caplog: pytest.LogCaptureFixture) -> None:
    redirect.install(VENUE)
    installed = RESTConnection.call
    redirect.install("http://127.0.0.1:1")
    assert RESTConnection.call is installed
    asyncio.run(use_both())
    assert fresh == [f"{VENUE}/spot/api/v3/time", "ws://127.0.0.1:8765/perpetual/ws"]
    assert isinstance(RateOracle.get_instance().source, BinanceRateSource)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with pytest.raises(EgressRefused):
                asyncio.run(RESTConnection.call(None, SimpleNamespace(url="https://example.com/")))  # type: ignore[call-arg,arg-type]
    assert caplog.text.count("example.com was refused") == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8765", "https://127.0.0.1", "http://", "http://h:1/path", "ws://h", "x"])
def test_what_is_no_address_of_a_venue_is_named(url: str, fresh: list[str]) -> None:
    with pytest.raises(InvalidVenueUrl) as refused:
        redirect.install(url)
    assert str(refused.value) == f"RECOVERY_VENUE_URL = {url}: must be the venue's address, as in http://127.0.0.1:8765"
    assert redirect._installed_for is None
