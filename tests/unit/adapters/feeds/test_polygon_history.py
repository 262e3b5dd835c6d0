"""Polygon's history: everything of a span whatever the pages, an end to every loop, the key nowhere but in the header."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.feeds.polygon_history import PolygonHistory
from shared.domain.bars import Bar, Span
from shared.domain.stored import Timeframe
from shared.ports import BarHistory, FeedError, FeedRefused, FeedUnavailable, UnknownSymbol
from tests.unit.adapters.feeds.rest_server import NOW_MS, Handler, RestServer, answering, serve, text

KEY = "abcd-1234-secret"
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def aggregates(open_ms: list[int], **other: Any) -> dict[str, Any]:
    rows = [{"t": one, "o": 1, "h": 2, "l": 1, "c": 2, "v": 3} for one in open_ms]
    return {"status": "OK", "ticker": "X:BTCUSD", "resultsCount": len(rows), "results": rows} | other


def paging(opens: list[int], page_bars: int) -> Handler:
    """A source that has bars at these times and gives so many a page."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "/reference/" in request.path:
            return overview(request)
        *_, since, until = request.path.split("/")
        start = int(request.query.get("cursor", 0))
        found = [one for one in opens if int(since) <= one <= int(until)]
        more = {}
        if start + page_bars < len(found):
            more["next_url"] = f"http://{request.host}{request.path}?cursor={start + page_bars}"
        return web.json_response(aggregates(found[start : start + page_bars], **more))

    return answer


def overview(request: web.Request) -> web.Response:
    return web.json_response({"status": "OK", "results": {"ticker": request.path.rpartition("/")[2]}})


def listed(page: dict[str, Any]) -> Handler:
    """A source that has the symbol, and one page of aggregates."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return overview(request) if "/reference/" in request.path else web.json_response(page)

    return answer


def bars(
    handler: Handler, span: Span, timeframe: Timeframe = Timeframe.MINUTE, calls: int = 1000
) -> tuple[list[Bar] | FeedError, list[web.Request]]:
    """What came of asking, and what was asked."""

    async def scenario(server: RestServer) -> tuple[list[Bar] | FeedError, list[web.Request]]:
        history: BarHistory = PolygonHistory(server.base_url, KEY, calls)
        try:
            return await history.bars("BTC-USD", timeframe, span), server.asked
        except FeedError as error:
            return error, server.asked
        finally:
            await history.close()

    outcome: tuple[list[Bar] | FeedError, list[web.Request]] = serve(handler, scenario)
    return outcome


def opens_of(got: list[Bar] | FeedError) -> list[int]:
    assert isinstance(got, list), got
    return [bar.open_ms for bar in got]


@pytest.mark.parametrize("page_bars", [1, 7, 1000])
def test_every_page_is_read(page_bars: int) -> None:
    span = Span(NOW_MS - 60 * MINUTE_MS, NOW_MS)
    opens = [at for at in range(span.since_ms, span.until_ms, MINUTE_MS) if at % 7]
    got, asked = bars(paging(opens, page_bars), span)
    assert opens_of(got) == opens
    assert all(request.headers["Authorization"] == f"Bearer {KEY}" for request in asked)
    assert not any(KEY in str(request.url) for request in asked)


def test_long_spans_are_asked_for_in_months() -> None:
    span = Span(NOW_MS - 70 * DAY_MS, NOW_MS)
    opens = list(range(span.since_ms, span.until_ms, DAY_MS))
    got, asked = bars(paging(opens, 1000), span, Timeframe.HOUR)
    assert opens_of(got) == opens
    assert [request.path.split("/")[-2] for request in asked] == [
        str(span.since_ms + days * DAY_MS) for days in (0, 30, 60)
    ]


def test_a_span_without_a_trade_is_verified_empty() -> None:
    got, asked = bars(listed(aggregates([])), Span(NOW_MS - MINUTE_MS, NOW_MS))
    assert got == []
    assert [request.path.split("/")[2:4] for request in asked] == [["v2", "aggs"], ["v3", "reference"]]


def test_a_symbol_it_does_not_have_is_no_symbol_without_a_trade() -> None:
    page, none = text(json.dumps(aggregates([]))), text('{"status":"NOT_FOUND"}', 404)
    got, _ = bars(answering(page, none), Span(NOW_MS - MINUTE_MS, NOW_MS))
    assert isinstance(got, UnknownSymbol)


def test_where_a_bar_came_nobody_asks_whether_there_is_such_a_symbol() -> None:
    _, asked = bars(listed(aggregates([NOW_MS - MINUTE_MS])), Span(NOW_MS - 2 * MINUTE_MS, NOW_MS))
    assert len(asked) == 1


def looping(next_url: Callable[[web.Request], str]) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response(aggregates([NOW_MS - MINUTE_MS], next_url=next_url(request)))

    return answer


def test_a_page_that_names_itself_as_the_next_ends() -> None:
    got, asked = bars(looping(lambda request: str(request.url)), Span(NOW_MS - MINUTE_MS, NOW_MS))
    assert isinstance(got, FeedUnavailable)
    assert "go round in circles" in str(got)
    assert len(asked) == 1


def test_pages_without_end_end() -> None:
    numbers = iter(range(10**6))
    got, asked = bars(
        looping(lambda request: f"http://{request.host}{request.path}?cursor={next(numbers)}"),
        Span(NOW_MS - MINUTE_MS, NOW_MS),
    )
    assert isinstance(got, FeedUnavailable)
    assert "have no end" in str(got)
    assert len(asked) == 100


def test_a_page_elsewhere_is_not_followed() -> None:
    got, asked = bars(
        looping(lambda request: f"http://localhost:{request.url.port}{request.path}"),
        Span(NOW_MS - MINUTE_MS, NOW_MS),
    )
    assert isinstance(got, FeedRefused)
    assert len(asked) == 1


def test_a_page_that_fails_fails_the_whole() -> None:
    page = json.dumps(aggregates([NOW_MS - MINUTE_MS])).replace("}]", "},{}]")
    got, asked = bars(answering(text(page)), Span(NOW_MS - 2 * MINUTE_MS, NOW_MS))
    assert isinstance(got, FeedUnavailable)
    assert len(asked) == 3


def test_a_span_that_is_not_over_is_not_taken_for_empty() -> None:
    got, _ = bars(answering(text(json.dumps(aggregates([])))), Span(NOW_MS, NOW_MS + MINUTE_MS))
    assert isinstance(got, FeedUnavailable)
    assert "not over for 59 s" in str(got)


def test_a_plan_without_the_present_proves_nothing_of_the_last_quarter_of_an_hour() -> None:
    delayed = listed(aggregates([], status="DELAYED"))
    got, _ = bars(delayed, Span(NOW_MS - 2 * MINUTE_MS, NOW_MS - MINUTE_MS))
    assert isinstance(got, FeedUnavailable)
    assert "come 900 s late" in str(got)
    assert bars(delayed, Span(NOW_MS - 20 * MINUTE_MS, NOW_MS - 15 * MINUTE_MS))[0] == []


def test_no_more_calls_a_minute_than_the_plan_allows() -> None:
    async def scenario(server: RestServer) -> list[float]:
        history = PolygonHistory(server.base_url, KEY, calls_per_minute=5)
        for minutes in range(1, 13):
            await history.bars("BTC-USD", Timeframe.MINUTE, Span(NOW_MS - minutes * MINUTE_MS, NOW_MS))
        await history.close()
        return server.asked_at_s

    times = serve(listed(aggregates([NOW_MS - MINUTE_MS])), scenario)
    assert [round((at - times[0]) // 61) for at in times] == [0] * 5 + [1] * 5 + [2] * 2


def test_the_time() -> None:
    async def scenario(server: RestServer) -> int:
        history = PolygonHistory(server.base_url, KEY, 5)
        try:
            return await history.server_time_ms()
        finally:
            await history.close()

    body = '{"serverTime":"2025-01-06T00:00:00+00:00"}'
    assert serve(answering(text(body)), scenario) == NOW_MS
