"""The vendor's own client, unmodified and with nothing but the address changed, against the fake Polygon.

The clock runs, 30 times as fast as the real one: the vendor's REST client waits in a thread of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.simulator import scenario
from shared.simulator.fault_kinds import Kind, Moment, Part, Where
from shared.simulator.faults import Fault, Faults
from shared.simulator.server import VenueServer
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time

massive = pytest.importorskip("massive", reason="the vendor's client is not installed")

SPEED = 30.0
BEGIN_S = 1_736_164_800.0  # 2025-01-06T12:00Z
PAIRS = ["BTC-USDT", "ETH-USDT"]


@asynccontextmanager
async def _served(*script: Fault) -> AsyncIterator[VenueServer]:
    venue = scenario.simulated(PAIRS, start_ms=int(BEGIN_S) * 1000, duration_s=3600, warmup_s=86_400)
    server = VenueServer(venue, faults=Faults(script))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _run(main: Callable[[], Any]) -> Any:
    clock = VirtualClock(BEGIN_S, SPEED)
    with virtual_time(clock):
        return asyncio.run(main(), loop_factory=lambda: VirtualEventLoop(clock, None))


def _polygon(kind: Kind, **fields: Any) -> Fault:
    return Fault(where=Where.POLYGON, kind=kind, **fields)


def _stream(server: VenueServer, *subscriptions: str, **options: Any) -> Any:
    address = f"{server.base_url.removeprefix('http://')}/polygon"
    return massive.WebSocketClient(
        api_key="k", feed=address, market="crypto", subscriptions=list(subscriptions), secure=False, **options
    )


async def _bars(client: Any, count: int) -> list[Any]:
    """The first messages a client hands on."""
    told: list[Any] = []

    async def take(messages: list[Any]) -> None:
        told.extend(messages)

    running = asyncio.create_task(client.connect(take))
    while len(told) < count and not running.done():
        await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.wait([running])
    return told


def test_minutes_by_websocket_are_the_books() -> None:
    async def run() -> None:
        async with _served() as server:
            told = await _bars(_stream(server, "XA.*"), 4)
            book = server.polygon.bars
            assert {bar.pair for bar in told} == {"BTC-USD", "ETH-USD"}
            for bar in told:
                known = book.minutes(bar.pair, bar.start_timestamp, bar.end_timestamp)[0]
                said = (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.vwap)
                kept = (known.open, known.high, known.low, known.close, known.volume, known.vwap)
                assert said == tuple(map(float, kept))

    _run(run)


def test_seconds_by_websocket() -> None:
    async def run() -> None:
        async with _served() as server:
            told = await _bars(_stream(server, "XAS.BTC-USD"), 3)
            assert {(bar.event_type, bar.pair) for bar in told} == {("XAS", "BTC-USD")}
            assert all(bar.end_timestamp - bar.start_timestamp == 1000 for bar in told)

    _run(run)


def test_a_wrong_key_raises_what_the_client_has_for_it() -> None:
    async def run() -> None:
        async with _served(_polygon(Kind.AUTH_FAILED)) as server:
            with pytest.raises(massive.exceptions.AuthError, match="authentication failed"):
                await _stream(server, "XA.*").connect(None)

    _run(run)


def test_a_normal_close_ends_the_client_for_good() -> None:
    """Why this project has a client of its own: the vendor's returns as if all were done."""

    async def run() -> None:
        async with _served(_polygon(Kind.CLOSE, code=1000, moment=Moment.SUBSCRIBE)) as server:
            async with asyncio.timeout(30 * SPEED):
                await _stream(server, "XA.*").connect(None)
            assert server.polygon.log.report()["asked"] == 1

    _run(run)


def test_too_many_connections_are_asked_for_again_and_again() -> None:
    async def run() -> None:
        async with _served(_polygon(Kind.MAX_CONNECTIONS, for_s=3600)) as server:
            client = _stream(server, "XA.*", max_reconnects=20)
            with pytest.raises(Exception, match="1008"):
                async with asyncio.timeout(60 * SPEED):
                    await client.connect(None)
            assert server.polygon.log.report()["asked"] == 21

    _run(run)


async def _rest(server: VenueServer, ask: Callable[[Any], Any], prefix: str = "", **options: Any) -> Any:
    client = massive.RESTClient("k", base=server.base_url + prefix, retries=0, **options)
    return await asyncio.to_thread(ask, client)


def _day_before(client: Any, limit: int = 500) -> list[Any]:
    since, until = int(BEGIN_S - 7200) * 1000, int(BEGIN_S) * 1000 - 1
    return list(client.list_aggs("X:BTCUSD", 1, "minute", since, until, limit=limit))


def test_pages_by_rest_are_the_books() -> None:
    async def run() -> None:
        async with _served() as server:
            whole = await _rest(server, _day_before)
            paged = await _rest(server, lambda client: _day_before(client, limit=50))
            assert [vars(bar) for bar in whole] == [vars(bar) for bar in paged]
            known = server.polygon.bars.minutes("BTC-USD", whole[0].timestamp, int(BEGIN_S) * 1000)
            assert [bar.timestamp for bar in whole] == [bar.open_ms for bar in known]
            assert [bar.close for bar in whole] == [float(bar.close) for bar in known]
            assert len(whole) == 120
            below = await _rest(server, _day_before, prefix="/polygon")
            assert len(below) == 120

    _run(run)


def test_the_servers_time_by_rest() -> None:
    async def run() -> None:
        async with _served() as server:
            status = await _rest(server, lambda client: client.get_market_status())
            assert status.currencies.crypto == "open"
            assert status.server_time.startswith("2025-01-06T07:00:")

    _run(run)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_polygon(Kind.STATUS, part=Part.REST, status=403), "NOT_AUTHORIZED"),
        (_polygon(Kind.STATUS, part=Part.REST, status=401), "Unknown API Key"),
        (_polygon(Kind.STATUS, part=Part.REST, status=451), "Something went wrong"),
    ],
)
def test_a_refusal_by_rest_raises_what_the_client_has_for_it(fault: Fault, said: str) -> None:
    async def run() -> None:
        async with _served(fault) as server:
            with pytest.raises(massive.exceptions.BadResponse, match=said):
                await _rest(server, _day_before)

    _run(run)


def test_a_ticker_that_does_not_exist() -> None:
    async def run() -> None:
        async with _served() as server:
            assert await _rest(server, lambda client: client.get_aggs("X:NOUSD", 1, "minute", 0, 2**41)) == []
            with pytest.raises(massive.exceptions.BadResponse, match="NOT_FOUND"):
                await _rest(server, lambda client: client.get_ticker_details("X:NOUSD"))
            told = await _rest(server, lambda client: client.get_ticker_details("X:BTCUSD"))
            assert (told.ticker, told.base_currency_symbol) == ("X:BTCUSD", "BTC")

    _run(run)
