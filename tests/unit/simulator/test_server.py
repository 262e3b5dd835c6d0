"""The server: websockets on every path, ports in use, and an orderly end."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from market_samples import BTC_PERPETUAL, START_MS, market

from shared.simulator.errors import VenueError
from shared.simulator.server import VenueServer
from shared.simulator.venue import Venue


def served(use: Callable[[VenueServer, Venue, aiohttp.ClientSession], Awaitable[None]]) -> None:
    """Run `use` against a started server whose clock stands still: the test publishes."""

    async def run() -> None:
        venue = Venue([market(), market(instrument=BTC_PERPETUAL)], clock=lambda: START_MS / 1000)
        server = VenueServer(venue)
        await server.start()
        try:
            async with aiohttp.ClientSession(server.base_url) as session:
                await asyncio.wait_for(use(server, venue, session), 10)
        finally:
            await server.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "combined"),
    [
        ("/spot/ws", False),
        ("/spot/stream", True),
        ("/perpetual/ws", False),
        ("/perpetual/stream", True),
        ("/perpetual/public/stream", True),
        ("/perpetual/market/stream", True),
        ("/perpetual/market/ws", False),
    ],
)
def test_every_socket_acknowledges_and_streams(path: str, combined: bool) -> None:
    async def use(_: VenueServer, venue: Venue, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(path) as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@depth", "no@trade"], "id": 7})
            assert await socket.receive_json() == {"result": None, "id": 7}
            venue.publish_next()
            event = await socket.receive_json()
            assert ("stream" in event) == combined
            assert (event["data"] if combined else event)["e"] == "depthUpdate"
            await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@depth"], "id": "x"})
            assert await socket.receive_json() == {"result": None, "id": "x"}

    served(use)


@pytest.mark.parametrize("path", ["/spot/ws/btcusdt@depth", "/spot/stream?streams=btcusdt@depth/btcusdt@trade"])
def test_streams_named_in_the_address(path: str) -> None:
    async def use(_: VenueServer, venue: Venue, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(path) as socket:
            await socket.ping()  # the answer shows that the server has got that far
            await socket.send_str("{}")
            assert "error" in await socket.receive_json()
            venue.publish_next()
            while "depthUpdate" not in json.dumps(await socket.receive_json()):
                pass

    served(use)


@pytest.mark.parametrize("request_text", ["no json", "[]", '{"id":1}', '{"method":"LIST","id":1}', '{"method":5}'])
def test_a_bad_request_is_answered_with_an_error(request_text: str) -> None:
    async def use(_: VenueServer, __: Venue, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/spot/ws") as socket:
            await socket.send_str(request_text)
            assert "error" in await socket.receive_json()

    served(use)


def test_a_client_that_leaves_is_forgotten() -> None:
    async def use(server: VenueServer, venue: Venue, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/spot/ws") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@depth"], "id": 1})
            await socket.receive_json()
            assert len(server.binance.clients) == 1
        while server.binance.clients:
            await asyncio.sleep(0.01)
        assert not any(venue._streams.values())

    served(use)


def test_a_client_that_never_reads_is_dropped_and_does_not_hold_up_the_others() -> None:
    async def use(server: VenueServer, venue: Venue, _: aiohttp.ClientSession) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1)
        writer.write(
            b"GET /spot/ws/btcusdt@depth HTTP/1.1\r\nHost: venue\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        while not server.binance.clients:
            await asyncio.sleep(0.01)
        (client,) = server.binance.clients
        reader._transport.pause_reading()
        while server.binance.clients:
            client.send(bytes(1_000_000))  # far more than the sockets hold
            await asyncio.sleep(0.01)
        venue.publish_next()
        writer.close()

    served(use)


def test_stopping_closes_the_connections() -> None:
    async def run() -> aiohttp.WSMsgType:
        server = VenueServer(Venue([market()], clock=lambda: START_MS / 1000))
        await server.start()
        async with aiohttp.ClientSession(server.base_url) as session, session.ws_connect("/spot/ws") as socket:
            await server.stop()
            return (await socket.receive()).type

    assert asyncio.run(run()) is aiohttp.WSMsgType.CLOSE


def test_a_port_in_use_is_named_with_what_to_do() -> None:
    async def use(server: VenueServer, _: Venue, __: aiohttp.ClientSession) -> None:
        second = VenueServer(Venue([market()], clock=lambda: START_MS / 1000), port=server.port)
        with pytest.raises(VenueError, match=rf"cannot listen on 127.0.0.1:{server.port} .*: stop what uses that port"):
            await second.start()

    served(use)


def test_a_clock_outside_the_data_leaves_no_port_open() -> None:
    async def run() -> None:
        server = VenueServer(Venue([market()], clock=lambda: 0.0))
        with pytest.raises(VenueError, match="The clock says 1970-01-01"):
            await server.start()
        await server.stop()

    asyncio.run(run())
