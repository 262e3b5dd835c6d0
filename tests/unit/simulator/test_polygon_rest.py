"""The fake Polygon's REST half: pages, bounds, keys, the clock, and where a next page must not lead."""

from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from polygon_talk import PAIRS, START_MS, polygon, source

from shared.simulator.fault_kinds import Kind, Part
from shared.simulator.faults import Fault
from tests.conftest import VirtualRun

DAY_MS = 86_400_000
FROM_MS = START_MS - DAY_MS
RANGE = "/polygon/v2/aggs/ticker/{}/range/{}/{}/{}/{}"
KEY = {"Authorization": "Bearer k"}


def _asked(run_virtual: VirtualRun, path: str, *script: Fault, headers: Any = KEY) -> tuple[int, dict[str, Any], Any]:
    async def run() -> tuple[int, dict[str, Any], Any]:
        async with (
            source(*script) as server,
            aiohttp.ClientSession(server.base_url) as session,
            session.get(path, headers=headers) as answer,
        ):
            return answer.status, await answer.json(), answer.headers

    told: tuple[int, dict[str, Any], Any] = run_virtual(run())
    return told


def _times(body: dict[str, Any]) -> list[int]:
    return [row["t"] for row in body.get("results", [])]


def test_bars_lie_between_both_bounds_which_are_part_of_it(run_virtual: VirtualRun) -> None:
    path = RANGE.format("X:BTCUSD", 1, "minute", FROM_MS, FROM_MS + 3 * 60_000)
    status, body, _ = _asked(run_virtual, path)
    assert (status, body["status"], body["ticker"], body["resultsCount"]) == (200, "OK", "X:BTCUSD", 4)
    assert _times(body) == [FROM_MS + minute * 60_000 for minute in range(4)]
    assert body["results"][0].keys() == {"v", "vw", "o", "c", "h", "l", "t", "n"}
    assert "next_url" not in body


def test_a_minute_in_progress_is_not_told(run_virtual: VirtualRun) -> None:
    path = RANGE.format("X:BTCUSD", 1, "minute", START_MS - 120_000, START_MS + 600_000)
    assert _times(_asked(run_virtual, path)[1]) == [START_MS - 120_000, START_MS - 60_000]


def test_dates_are_whole_days(run_virtual: VirtualRun) -> None:
    body = _asked(run_virtual, RANGE.format("X:BTCUSD", 1, "minute", "2025-01-05", "2025-01-05"))[1]
    assert body["resultsCount"] == 1440
    assert _times(body)[0] == FROM_MS


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_together_are_the_whole(run_virtual: VirtualRun, sort: str) -> None:
    async def run() -> tuple[list[int], int]:
        async with source() as server, aiohttp.ClientSession(headers=KEY) as session:
            first = RANGE.format("X:ETHUSD", 1, "minute", FROM_MS, FROM_MS + DAY_MS - 1)
            url: str | None = f"{server.base_url}{first}?limit=500&sort={sort}"
            times, pages = [], 0
            while url:
                assert "k" not in urlsplit(url).query.split("=")
                async with session.get(url) as answer:
                    body = await answer.json()
                times += _times(body)
                pages, url = pages + 1, body.get("next_url")
            return times, pages

    times, pages = run_virtual(run())
    assert pages == 3
    assert sorted(times) == [FROM_MS + minute * 60_000 for minute in range(1440)]
    assert times == sorted(times, reverse=sort == "desc")


@pytest.mark.parametrize(("sort", "first_ms"), [("asc", 0), ("desc", START_MS - 60_000)])
def test_a_span_of_decades_is_answered_with_its_first_page(run_virtual: VirtualRun, sort: str, first_ms: int) -> None:
    body = _asked(run_virtual, RANGE.format("X:BTCUSD", 1, "minute", 0, 2**50) + f"?sort={sort}&limit=10")[1]
    assert (body["resultsCount"], _times(body)[0], "next_url" in body) == (10, first_ms, True)


@pytest.mark.parametrize(("multiplier", "timespan", "count"), [(15, "minute", 96), (1, "hour", 24), (1, "day", 1)])
def test_longer_bars_are_joined_from_minutes(
    run_virtual: VirtualRun, multiplier: int, timespan: str, count: int
) -> None:
    body = _asked(run_virtual, RANGE.format("X:BTCUSD", multiplier, timespan, FROM_MS, START_MS - 1))[1]
    assert (body["resultsCount"], body["queryCount"]) == (count, 1440)


@pytest.mark.parametrize("ticker", ["X:NOUSD", "AAPL", "X:BTC-USD"])
def test_an_unknown_ticker_has_no_bars_and_is_no_error(run_virtual: VirtualRun, ticker: str) -> None:
    status, body, _ = _asked(run_virtual, RANGE.format(ticker, 1, "minute", FROM_MS, START_MS))
    assert (status, body["status"], body["resultsCount"], "results" in body) == (200, "OK", 0, False)


def test_whether_a_ticker_exists(run_virtual: VirtualRun) -> None:
    status, body, _ = _asked(run_virtual, "/polygon/v3/reference/tickers/X:BTCUSD")
    assert (status, body["results"]["base_currency_symbol"]) == (200, "BTC")
    assert _asked(run_virtual, "/polygon/v3/reference/tickers/X:NOUSD")[0] == 404
    gone = polygon(Kind.UNKNOWN_SYMBOL, symbol="BTC-USD")
    assert _asked(run_virtual, "/polygon/v3/reference/tickers/X:BTCUSD", gone)[0] == 404
    assert _asked(run_virtual, RANGE.format("X:BTCUSD", 1, "minute", FROM_MS, START_MS), gone)[1]["resultsCount"] == 0


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [({}, "", 401), ({}, "?apiKey=k", 200), (KEY, "", 200), ({"Authorization": "Basic k"}, "", 401)],
)
def test_a_key_in_the_header_or_in_the_query(
    run_virtual: VirtualRun, headers: dict[str, str], query: str, status: int
) -> None:
    seen, body, _ = _asked(run_virtual, "/polygon/v1/marketstatus/now" + query, headers=headers)
    assert seen == status
    assert body.get("error") == (None if status == 200 else "API Key was not provided")


@pytest.mark.parametrize(
    "path",
    [
        RANGE.format("X:BTCUSD", 0, "minute", FROM_MS, START_MS),
        RANGE.format("X:BTCUSD", 1, "fortnight", FROM_MS, START_MS),
        RANGE.format("X:BTCUSD", 1, "minute", START_MS, FROM_MS),
        RANGE.format("X:BTCUSD", 1, "minute", "yesterday", START_MS),
        RANGE.format("X:BTCUSD", 1, "minute", FROM_MS, START_MS) + "?limit=many",
        RANGE.format("X:BTCUSD", 1, "minute", FROM_MS, START_MS) + "?cursor=%21",
    ],
)
def test_what_cannot_be_asked_is_refused(run_virtual: VirtualRun, path: str) -> None:
    status, body, _ = _asked(run_virtual, path)
    assert (status, body["status"]) == (400, "ERROR")


def test_the_servers_clock(run_virtual: VirtualRun) -> None:
    body = _asked(run_virtual, "/polygon/v1/marketstatus/now")[1]
    assert body["serverTime"] == "2025-01-05T19:00:00-05:00"
    skewed = polygon(Kind.CLOCK_SKEW, skew_s=90)
    _, body, headers = _asked(run_virtual, "/polygon/v1/marketstatus/now", skewed)
    assert body["serverTime"] == "2025-01-05T19:01:30-05:00"
    assert headers["Date"] == "Mon, 06 Jan 2025 00:01:30 GMT"


def test_a_next_page_that_is_this_page(run_virtual: VirtualRun) -> None:
    path = RANGE.format("X:BTCUSD", 1, "minute", FROM_MS, START_MS - 1) + "?limit=10"
    body = _asked(run_virtual, path, polygon(Kind.LOOPING_NEXT_URL))[1]
    assert body["next_url"].endswith(path)


def test_a_next_page_at_another_host(run_virtual: VirtualRun) -> None:
    path = RANGE.format("X:BTCUSD", 1, "minute", FROM_MS, START_MS - 1) + "?limit=10"
    body = _asked(run_virtual, path, polygon(Kind.FOREIGN_NEXT_URL))[1]
    assert urlsplit(body["next_url"]).hostname == "127.0.0.2"


def test_a_fault_of_one_symbol_leaves_the_others_alone(run_virtual: VirtualRun) -> None:
    fault = polygon(Kind.STATUS, part=Part.REST, status=403, symbol="BTC-USD", for_s=600)
    for pair, status in zip(PAIRS, (403, 200, 200), strict=True):
        ticker = "X:" + pair.replace("-", "")
        assert _asked(run_virtual, RANGE.format(ticker, 1, "minute", FROM_MS, START_MS), fault)[0] == status
    assert _asked(run_virtual, "/polygon/v1/marketstatus/now", fault)[0] == 200
