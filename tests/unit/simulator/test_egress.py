"""Loopback passes, every other host is refused and counted."""

import asyncio
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.simulator.egress import EgressGuard, EgressRefused, is_loopback
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_this_machine_passes(host: str) -> None:
    guard = EgressGuard()
    guard.check(host)
    assert is_loopback(host)
    assert not guard.refused


@pytest.mark.parametrize(
    "host",
    [
        "api.binance.com",
        "10.0.0.1",
        "192.168.0.1",
        "0.0.0.0",
        "::",
        "8.8.8.8",
        "",
        "localhost.example.com",
        "127.0.0.1.nip.io",
    ],
)
def test_other_hosts_are_refused_and_counted(host: str) -> None:
    guard = EgressGuard()
    for _ in range(3):
        with pytest.raises(EgressRefused) as refused:
            guard.check(host)
        assert refused.value.host == host
        assert isinstance(refused.value, ConnectionError)
    assert guard.refused == {host: 3}


@given(st.text())
def test_any_name_is_decided_on(host: str) -> None:
    assert is_loopback(host) in (True, False)


@given(st.ip_addresses())
def test_addresses_are_loopback_by_their_network(address: object) -> None:
    assert is_loopback(str(address)) is address.is_loopback  # type: ignore[attr-defined]


def refused_in_a_loop(work: str, host: str) -> EgressGuard:
    """Try to reach a host from a virtual loop, below whatever library would ask."""
    guard = EgressGuard()

    async def reach() -> None:
        loop = asyncio.get_running_loop()
        if work == "look up":
            await loop.getaddrinfo(host, 443)
        elif work == "look up bytes":
            await loop.getaddrinfo(host.encode(), 443)
        elif work == "connect":
            with socket.socket() as connection:
                connection.setblocking(False)
                await loop.sock_connect(connection, (host, 443))
        else:
            await asyncio.open_connection(host, 443)

    with pytest.raises(EgressRefused):
        asyncio.run(reach(), loop_factory=lambda: VirtualEventLoop(VirtualClock(0.0, None), guard))
    return guard


@pytest.mark.parametrize("work", ["look up", "look up bytes", "connect", "open"])
def test_a_loop_refuses_name_look_ups_and_connections(work: str) -> None:
    assert refused_in_a_loop(work, "203.0.113.7").refused == {"203.0.113.7": 1}


def test_a_loop_reaches_this_machine() -> None:
    guard = EgressGuard()

    async def echo() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(4))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("localhost", server.sockets[0].getsockname()[1])
        writer.write(b"ping")
        heard = await reader.readexactly(4)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return heard

    assert asyncio.run(echo(), loop_factory=lambda: VirtualEventLoop(VirtualClock(0.0, None), guard)) == b"ping"
    assert not guard.refused
