"""Another venue's history by ccxt's own client: whole or an error, in exact numbers, and optional."""

import json
import sys
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.feeds.ccxt_history import CcxtHistory
from shared.domain.bars import Bar, Span
from shared.domain.stored import Timeframe
from shared.ports import BarHistory, FeedClosed, FeedError, FeedRefused, FeedUnavailable, UnknownSymbol
from tests.python_packages import use_ccxt
from tests.unit.adapters.feeds.rest_server import NOW_MS, Handler, RestServer, serve

use_ccxt()

MINUTE_MS = 60_000
PRICE = "94321.123456789012345"
INFO = {
    "symbols": [
        {
            "symbol": "BTCUSDT",
            "status": "TRADING",
            "baseAsset": "BTC",
            "quoteAsset": "USDT",
            "isSpotTradingAllowed": True,
            "permissions": ["SPOT"],
            "filters": [],
        }
    ]
}


def exchange(opens: list[int], page_bars: int = 1000, first_ms: int = 0) -> Handler:
    """Binance's paths; keeps no bar from before `first_ms`, and gives so many at once."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/exchangeInfo"):
            return web.json_response(INFO)
        if request.path.endswith("/time"):
            return web.json_response({"serverTime": NOW_MS})
        found = [one for one in opens if one >= max(first_ms, int(request.query["startTime"]))]
        rows = [[one, PRICE, PRICE, PRICE, PRICE, "0.10", one + 59_999, "1", 1, "1", "1", "0"] for one in found]
        return web.json_response(rows[: min(page_bars, int(request.query.get("limit", 500)))])

    return answer


def failing(status: int, body: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/exchangeInfo"):
            return web.json_response(INFO)
        return web.Response(status=status, text=body, content_type="application/json")

    return answer


def bars(handler: Handler, span: Span, symbol: str = "BTC-USDT") -> list[Bar] | FeedError:
    async def scenario(server: RestServer) -> list[Bar] | FeedError:
        urls = {"api": {"public": server.base_url + "/api/v3"}}
        # Its limiter goes by the real clock.
        options = {"urls": urls, "enableRateLimit": False, "options": {"fetchMarkets": {"types": ["spot"]}}}
        history: BarHistory = CcxtHistory("binance", options)
        try:
            assert history.source == "binance"
            return await history.bars(symbol, Timeframe.MINUTE, span)
        except FeedError as error:
            return error
        finally:
            await history.close()

    outcome: list[Bar] | FeedError = serve(handler, scenario)
    return outcome


SPAN = Span(NOW_MS - 100 * MINUTE_MS, NOW_MS)
OPENS = [at for at in range(NOW_MS - 300 * MINUTE_MS, NOW_MS + 10 * MINUTE_MS, MINUTE_MS) if at % 7]
INSIDE = [at for at in OPENS if SPAN.since_ms <= at < SPAN.until_ms]


@pytest.mark.parametrize("page_bars", [1, 13, 1000])
def test_everything_of_the_span_comes_whatever_the_pages(page_bars: int) -> None:
    got = bars(exchange(OPENS, page_bars), SPAN)
    assert isinstance(got, list), got
    assert [bar.open_ms for bar in got] == INSIDE
    assert {str(bar.close) for bar in got} == {PRICE}, "no float on the way"


def test_a_history_that_may_begin_within_the_span_is_not_whole() -> None:
    """Some venues keep so many bars, and give the first they have whatever they are asked for."""
    got = bars(exchange(OPENS, first_ms=SPAN.since_ms + 10 * MINUTE_MS), SPAN)
    assert isinstance(got, FeedUnavailable)
    assert "may begin within the span" in str(got)
    assert isinstance(bars(exchange(OPENS, first_ms=SPAN.since_ms - MINUTE_MS), SPAN), list)


def test_minutes_at_the_end_may_have_no_bar() -> None:
    got = bars(exchange([at for at in OPENS if at < NOW_MS - 50 * MINUTE_MS]), SPAN)
    assert isinstance(got, list)
    assert got[-1].open_ms == max(at for at in INSIDE if at < NOW_MS - 50 * MINUTE_MS)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (451, "{}", FeedClosed),
        (401, '{"code":-2015,"msg":"Invalid API-key"}', FeedClosed),
        (429, '{"code":-1003,"msg":"Too many requests"}', FeedUnavailable),
        (418, '{"code":-1003,"msg":"banned"}', FeedUnavailable),
        (500, "<html>", FeedUnavailable),
        (200, "<html>", FeedUnavailable),
        (200, json.dumps([[NOW_MS - MINUTE_MS, "x", "1", "1", "1", "1"]]), FeedUnavailable),
    ],
)
def test_each_failure_is_one_of_ours(status: int, body: str, kind: type[FeedError]) -> None:
    got = bars(failing(status, body), SPAN)
    assert type(got) is kind, got
    assert "\n" not in str(got)


def test_a_symbol_it_does_not_list() -> None:
    assert isinstance(bars(exchange(OPENS), SPAN, "NONE-USDT"), UnknownSymbol)


def test_a_venue_nobody_knows_is_refused() -> None:
    with pytest.raises(FeedRefused, match="nowhere: is no venue that ccxt knows"):
        CcxtHistory("nowhere")


def test_without_ccxt_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    missing: Any = None
    monkeypatch.setitem(sys.modules, "ccxt.async_support", missing)
    with pytest.raises(FeedRefused, match="kraken: needs the package ccxt, which is not installed: pip install ccxt"):
        CcxtHistory("kraken")
