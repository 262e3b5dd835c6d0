"""REST answers: Binance's parameters, limits and errors, over a real port."""

import asyncio
from typing import Any

import aiohttp
import pytest
from market_samples import BTC_PERPETUAL, START_MS, market

from shared.simulator.server import VenueServer
from shared.simulator.venue import Venue

POINTS = 5000
NOW_MS = START_MS + 4000 * 5000 + 2_000  # two seconds after a point, in the middle of a candle
SPOT, PERPETUAL = "/spot/api/v3", "/perpetual/fapi/v1"
LAST_OPEN_MS = NOW_MS - NOW_MS % 60_000


def ask(*paths: str, method: str = "GET") -> list[tuple[int, Any]]:
    """Status and body of each path, from a venue whose clock stands at NOW_MS."""

    async def run() -> list[tuple[int, Any]]:
        markets = [market(POINTS), market(POINTS, instrument=BTC_PERPETUAL)]
        server = VenueServer(Venue(markets, clock=lambda: NOW_MS / 1000))
        await server.start()
        try:
            async with aiohttp.ClientSession(server.base_url) as session:
                answers = []
                for path in paths:
                    async with session.request(method, path) as response:
                        body = await response.text() if response.status == 404 else await response.json()
                        answers.append((response.status, body))
                return answers
        finally:
            await server.stop()

    return asyncio.run(run())


def answer(path: str) -> Any:
    ((status, body),) = ask(path)
    assert status == 200, body
    return body


def opens(query: str, base: str = SPOT) -> list[int]:
    return [row[0] for row in answer(f"{base}/klines?symbol=BTCUSDT&interval=1m{query}")]


def test_ping_and_time() -> None:
    assert ask(f"{SPOT}/ping", f"{PERPETUAL}/ping") == [(200, {}), (200, {})]
    assert answer(f"{SPOT}/time") == {"serverTime": NOW_MS}


def test_klines_without_bounds_are_the_latest_with_the_one_in_progress() -> None:
    rows = answer(f"{SPOT}/klines?symbol=BTCUSDT&interval=1m&limit=3")
    assert [row[0] for row in rows] == [LAST_OPEN_MS - 120_000, LAST_OPEN_MS - 60_000, LAST_OPEN_MS]
    assert all(len(row) == 12 for row in rows)
    assert len(opens("")) == min(500, (LAST_OPEN_MS - START_MS) // 60_000 + 1)


def test_klines_with_only_an_end_are_the_last_ones_that_open_by_then() -> None:
    end_ms = LAST_OPEN_MS - 600_000
    assert opens(f"&endTime={end_ms}&limit=2") == [end_ms - 60_000, end_ms]
    assert opens(f"&endTime={end_ms - 1}&limit=2") == [end_ms - 120_000, end_ms - 60_000]


def test_klines_with_a_start_are_the_first_ones_from_there() -> None:
    assert opens(f"&startTime={START_MS + 1}&limit=2") == [START_MS + 60_000, START_MS + 120_000]
    assert opens("&startTime=0&limit=2") == [START_MS, START_MS + 60_000]
    both = f"&startTime={START_MS + 60_000}&endTime={START_MS + 179_999}"
    assert opens(both) == [START_MS + 60_000, START_MS + 120_000]
    assert opens(f"&startTime={NOW_MS}") == []


def test_klines_never_show_the_future() -> None:
    assert opens(f"&endTime={NOW_MS + 10**9}&limit=1") == [LAST_OPEN_MS]
    assert opens(f"&startTime={LAST_OPEN_MS}&endTime={NOW_MS + 10**9}") == [LAST_OPEN_MS]


def test_klines_are_limited() -> None:
    everything = (LAST_OPEN_MS - START_MS) // 60_000 + 1
    assert len(opens("&limit=100000")) == len(opens("&limit=100000", PERPETUAL)) == everything
    assert len(opens("&limit=7")) == 7


def test_depth_has_as_many_levels_as_asked_for() -> None:
    body = answer(f"{SPOT}/depth?symbol=BTCUSDT&limit=3")
    assert (len(body["bids"]), len(body["asks"])) == (3, 3)
    assert len(answer(f"{PERPETUAL}/depth?symbol=BTCUSDT&limit=1000")["bids"]) == 20


def test_tickers_with_and_without_a_symbol() -> None:
    for base in (SPOT, PERPETUAL):
        for path in ("24hr", "price", "bookTicker"):
            one, every = ask(f"{base}/ticker/{path}?symbol=BTCUSDT", f"{base}/ticker/{path}")
            assert every == (200, [one[1]])


def test_premium_index_and_funding_rates() -> None:
    assert answer(f"{PERPETUAL}/premiumIndex?symbol=BTCUSDT")["lastFundingRate"] == "0.00010000"
    assert answer(f"{PERPETUAL}/fundingRate?symbol=BTCUSDT&limit=5")[0]["fundingTime"] == START_MS


def test_exchange_info_of_one_and_of_all() -> None:
    for base in (SPOT, PERPETUAL):
        one, every = ask(f"{base}/exchangeInfo?symbol=BTCUSDT", f"{base}/exchangeInfo")
        assert one == every
        assert one[1]["symbols"][0]["symbol"] == "BTCUSDT"


def test_aggregate_trades() -> None:
    trades = answer(f"{SPOT}/aggTrades?symbol=BTCUSDT&limit=50")
    assert 0 < len(trades) <= 50
    assert trades[-1]["T"] <= NOW_MS


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("klines?symbol=NOPE&interval=1m", -1121),
        ("klines?interval=1m", -1102),
        ("klines?symbol=BTCUSDT&interval=1s", -1120),
        ("klines?symbol=BTCUSDT", -1120),
        ("klines?symbol=BTCUSDT&interval=1m&limit=x", -1100),
        ("depth?symbol=NOPE", -1121),
        ("ticker/24hr?symbol=NOPE", -1121),
    ],
)
def test_bad_parameters_are_refused_as_binance_does(query: str, code: int) -> None:
    for base in (SPOT, PERPETUAL):
        ((status, body),) = ask(f"{base}/{query}")
        assert (status, body["code"]) == (400, code)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_the_venue_takes_no_orders(method: str) -> None:
    private = [f"{SPOT}/order", f"{SPOT}/account", f"{SPOT}/userDataStream", f"{PERPETUAL}/listenKey"]
    private += ["/perpetual/fapi/v2/positionRisk", f"{PERPETUAL}/positionSide/dual"]
    for status, body in ask(*private, method=method):
        assert (status, body["code"]) == (401, -2015)


def test_unknown_paths_are_not_found() -> None:
    assert [status for status, _ in ask("/", "/spot/api/v3/nope", "/api/v3/ping")] == [404, 404, 404]
