"""Our histories against the local venue's sources: every bar there is, through each fault of REST, and none made up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.adapters.feeds.binance_history import BinanceHistory
from shared.adapters.feeds.coingecko_prices import CoinGeckoPrices
from shared.adapters.feeds.polygon_history import PolygonHistory
from shared.domain.bars import Bar, Span
from shared.domain.stored import Timeframe
from shared.ports import BarHistory, FeedClosed, FeedError, FeedRefused, FeedUnavailable, UnknownSymbol
from shared.simulator import scenario
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Fault, Faults
from shared.simulator.server import VenueServer
from tests.virtual import on_virtual_clock

BEGIN_S = 1_736_164_800  # 2025-01-06T12:00Z
BEGIN_MS = BEGIN_S * 1000
MINUTE_MS = 60_000
SPAN = Span(BEGIN_MS - 120 * MINUTE_MS, BEGIN_MS)
SYMBOLS = {Where.POLYGON: "BTC-USD", Where.BINANCE: "BTC-USDT"}
Work = Callable[[VenueServer], Awaitable[Any]]


def beside_venue(work: Work, *faults: Fault) -> Any:
    async def run() -> Any:
        venue = scenario.simulated(["BTC-USDT", "ETH-USDT"], start_ms=BEGIN_MS, duration_s=4 * 3600, warmup_s=6 * 3600)
        server = VenueServer(venue, faults=Faults(faults))
        await server.start()
        try:
            return await work(server)
        finally:
            await server.stop()

    return on_virtual_clock(run(), BEGIN_S)


def history_of(where: Where, server: VenueServer) -> BarHistory:
    if where is Where.POLYGON:
        return PolygonHistory(f"{server.base_url}/polygon", "a-key", 300)
    return BinanceHistory(f"{server.base_url}/spot", 3000)


def asked_until_answered(where: Where, *faults: Fault, symbol: str | None = None) -> tuple[list[Bar], list[FeedError]]:
    """Bars in the end, and what came before them; asked every 20 s for two hours at most."""

    async def work(server: VenueServer) -> tuple[list[Bar], list[FeedError]]:
        history, errors = history_of(where, server), list[FeedError]()
        try:
            for _ in range(360):
                try:
                    return await history.bars(symbol or SYMBOLS[where], Timeframe.MINUTE, SPAN), errors
                except FeedError as error:
                    errors.append(error)
                    await asyncio.sleep(20)
            return [], errors
        finally:
            await history.close()

    outcome: tuple[list[Bar], list[FeedError]] = beside_venue(work, *faults)
    return outcome


@pytest.mark.parametrize("where", list(SYMBOLS))
@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_every_bar_of_a_quiet_source_comes(where: Where, timeframe: Timeframe) -> None:
    async def work(server: VenueServer) -> list[Bar]:
        history = history_of(where, server)
        assert abs(await history.server_time_ms() - BEGIN_MS) <= 2000
        got = await history.bars(SYMBOLS[where], timeframe, SPAN)
        await history.close()
        return got

    got = beside_venue(work)
    opens = [bar.open_ms for bar in got]
    every = list(range(SPAN.since_ms, SPAN.until_ms, timeframe.seconds * 1000))
    # Polygon has no bar of a minute in which nothing was traded.
    assert opens == every if where is Where.BINANCE else set(opens) <= set(every)
    assert len(opens) > 0.5 * len(every)
    assert all(bar.is_closed and bar.low <= bar.open <= bar.high for bar in got)


REST_FAULTS: list[tuple[Kind, dict[str, Any], type[FeedError] | None]] = [
    (Kind.HANG, {}, None),
    (Kind.HANG, {"for_s": 120}, FeedUnavailable),
    (Kind.NOT_JSON, {}, None),
    (Kind.NOT_JSON, {"for_s": 120}, FeedUnavailable),
    (Kind.CUT, {}, None),
    (Kind.SLOW, {"delay_s": 200.0}, None),
    (Kind.HUGE, {"size_bytes": 40 * 2**20}, None),
    (Kind.DOWN, {"for_s": 120}, FeedUnavailable),
    (Kind.STATUS, {"status": 500}, None),
    (Kind.STATUS, {"status": 503, "for_s": 120}, FeedUnavailable),
    (Kind.STATUS, {"status": 429}, FeedUnavailable),
    (Kind.STATUS, {"status": 429, "retry_after_s": 90.0}, FeedUnavailable),
    (Kind.STATUS, {"status": 418}, FeedUnavailable),
    (Kind.CLOCK_SKEW, {"skew_s": -30.0}, FeedUnavailable),
    (Kind.STATUS, {"status": 401}, FeedClosed),
    (Kind.STATUS, {"status": 403}, FeedRefused),  # Polygon's may be about the one request
    (Kind.STATUS, {"status": 451}, FeedClosed),
]


@pytest.mark.parametrize("where", list(SYMBOLS))
@pytest.mark.parametrize(
    ("kind", "options", "expected"), REST_FAULTS, ids=[f"{kind}-{options}" for kind, options, _ in REST_FAULTS]
)
def test_after_each_fault_nothing_is_missing(
    where: Where, kind: Kind, options: dict[str, Any], expected: type[FeedError] | None
) -> None:
    """One that hits a single request is not noticed, where asking again is allowed."""
    whole, _ = asked_until_answered(where)
    got, errors = asked_until_answered(where, Fault(where=where, part=Part.REST, kind=kind, **options))
    assert got == whole
    assert bool(errors) == (expected is not None)
    assert all(isinstance(error, expected or FeedError) for error in errors)


@pytest.mark.parametrize("kind", [Kind.LOOPING_NEXT_URL, Kind.FOREIGN_NEXT_URL])
def test_a_next_page_that_leads_nowhere_is_no_answer(kind: Kind) -> None:
    whole, _ = asked_until_answered(Where.POLYGON)
    got, errors = asked_until_answered(Where.POLYGON, Fault(where=Where.POLYGON, kind=kind))
    assert got == whole
    assert len(errors) == 1


@pytest.mark.parametrize("where", list(SYMBOLS))
def test_a_symbol_that_is_not_listed_is_not_one_without_trades(where: Where) -> None:
    unlisted = Fault(where=where, kind=Kind.UNKNOWN_SYMBOL, symbol=SYMBOLS[where], for_s=100)
    got, errors = asked_until_answered(where, unlisted)
    assert got
    assert {type(error) for error in errors} == {UnknownSymbol}
    _, errors = asked_until_answered(where, symbol="NONE-USD")
    assert {type(error) for error in errors} == {UnknownSymbol}


def test_coingecko_marks_what_it_knows() -> None:
    async def work(server: VenueServer) -> Any:
        source = CoinGeckoPrices(f"{server.base_url}/coingecko/api/v3", "demo", 30)
        marks = await source.prices(["BTC-USD", "ETH-USD", "XYZ-USD"])
        ranges = await source.ranges("BTC", 1)
        await source.close()
        return marks, ranges

    marks, ranges = beside_venue(work)
    assert set(marks) == {"BTC-USD", "ETH-USD"}
    assert abs(marks["BTC-USD"].at_ms - BEGIN_MS) <= 2 * MINUTE_MS
    assert all(one.close_ms - one.open_ms == 30 * MINUTE_MS for one in ranges)
    assert ranges[0].low <= marks["BTC-USD"].price * 2
