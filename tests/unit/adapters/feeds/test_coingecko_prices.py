"""CoinGecko's prices: one call for all pairs, a look at the list of coins for those nobody knows, and never a guess."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.feeds.coingecko_prices import CoinGeckoPrices
from shared.domain.mark_price import MarkPrice
from shared.ports import FeedUnavailable, PriceSource
from tests.unit.adapters.feeds.rest_server import Handler, RestServer, serve

AT_S = 1_736_121_590
COINS = {"bitcoin": 100_000, "tether": 1, "foo": 2, "bar-big": 3, "bar-small": 4, "twin-a": 5, "twin-b": 6}
CAPS = {"bar-big": 10**9, "bar-small": 10**3, "twin-a": 10**6, "twin-b": 10**6}
SYMBOLS = {"foo": "foo", "bar-big": "bar", "bar-small": "bar", "twin-a": "twin", "twin-b": "twin", "fake": "btc"}


def price(coin_id: str) -> dict[str, Any]:
    return {"usd": COINS[coin_id], "usd_market_cap": CAPS.get(coin_id), "last_updated_at": AT_S}


async def coingecko(request: web.Request) -> web.StreamResponse:
    if request.path.endswith("/coins/list"):
        return web.json_response([{"id": one, "symbol": symbol, "name": one} for one, symbol in SYMBOLS.items()])
    if request.path.endswith("/ohlc"):
        return web.json_response([[AT_S * 1000, 1, 3, 1, 2]])
    asked = request.query["ids"].split(",")
    return web.json_response({one: price(one) for one in asked if one in COINS})


def prices(
    *rounds: Collection[str], handler: Handler = coingecko, api_key: str | None = None
) -> tuple[list[Mapping[str, MarkPrice]], frozenset[str], list[web.Request]]:
    """What came of each round, the symbols left unresolved, and what was asked."""

    async def scenario(server: RestServer) -> tuple[list[Any], frozenset[str], list[web.Request]]:
        gecko = CoinGeckoPrices(server.base_url, api_key, 30)
        source: PriceSource = gecko
        try:
            got = [await source.prices(pairs) for pairs in rounds]
            return got, gecko.unresolved, server.asked
        finally:
            await source.close()

    outcome: tuple[list[Mapping[str, MarkPrice]], frozenset[str], list[web.Request]] = serve(handler, scenario)
    return outcome


def test_known_pairs_take_one_call() -> None:
    (got,), unresolved, asked = prices({"BTC-USDT", "BTC-USD"}, api_key="demo-key")
    mark = MarkPrice(Decimal(100_000), AT_S * 1000)
    assert got == {"BTC-USDT": mark, "BTC-USD": mark}
    assert unresolved == frozenset()
    (request,) = asked
    assert request.headers["x-cg-demo-api-key"] == "demo-key"
    assert request.query["ids"] == "bitcoin,tether"
    assert "demo-key" not in str(request.url)


def test_without_a_key_there_is_no_header() -> None:
    _, _, (request,) = prices({"BTC-USDT"})
    assert not any(name.lower().startswith("x-cg") for name in request.headers)


def test_an_unknown_symbol_is_looked_up_once_a_day() -> None:
    got, unresolved, asked = prices({"FOO-USD"}, {"FOO-USD", "BTC-USD"}, {"FOO-USD"})
    assert [one["FOO-USD"].price for one in got] == [2, 2, 2]
    assert [request.path.rpartition("/")[2] for request in asked].count("list") == 1
    assert unresolved == frozenset()


def test_a_symbol_of_several_coins_is_the_greatest_or_nobodys() -> None:
    (got,), unresolved, asked = prices({"BAR-USD", "TWIN-USD", "NONE-USD", "BTC-USD"})
    assert {pair: mark.price for pair, mark in got.items()} == {"BAR-USD": 3, "BTC-USD": 100_000}
    assert unresolved == {"TWIN", "NONE"}
    assert len(asked) == 3


def test_nothing_wanted_asks_nothing() -> None:
    (got,), _, asked = prices(set())
    assert (got, asked) == ({}, [])


def test_many_coins_take_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.adapters.feeds.coingecko_prices._MOST_COINS", 1)
    (got,), _, asked = prices({"BTC-USDT"})
    assert set(got) == {"BTC-USDT"}
    assert len(asked) == 2


def test_a_look_up_that_fails_is_not_remembered() -> None:
    """The list came, the prices that tell namesakes apart did not: nothing is kept of it, and the next round looks again."""
    fails = [True] * 3

    async def stumbling(request: web.Request) -> web.StreamResponse:
        if "twin-a" in request.query.get("ids", "") and fails:
            fails.pop()
            return web.Response(status=500)
        return await coingecko(request)

    async def scenario(server: RestServer) -> Mapping[str, MarkPrice]:
        source = CoinGeckoPrices(server.base_url, None, 30)
        try:
            with pytest.raises(FeedUnavailable):
                await source.prices({"BAR-USD", "TWIN-USD"})
            return await source.prices({"BAR-USD", "TWIN-USD"})
        finally:
            await source.close()

    assert set(serve(stumbling, scenario)) == {"BAR-USD"}


def test_ranges_are_stamped_at_their_close() -> None:
    async def scenario(server: RestServer) -> Any:
        source = CoinGeckoPrices(server.base_url, None, 30)
        try:
            return await source.ranges("BTC", 1), await source.ranges("NONE", 1)
        finally:
            await source.close()

    (one,), none = serve(coingecko, scenario)
    assert (one.close_ms, one.open_ms) == (AT_S * 1000, AT_S * 1000 - 1_800_000)
    assert none == []
