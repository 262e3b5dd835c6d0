"""CoinGecko over a port: keys and plans, parameters, and limits. Its own client is asked in tests/contract."""

import asyncio
from typing import Any

import aiohttp
import pytest
from served_venue import served

from shared.simulator.bar_book import USD_PER_USDT
from shared.simulator.coingecko_server import KEYLESS_CALLS_PER_MINUTE, CallCount
from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Fault
from shared.simulator.server import VenueServer

FREE, PRO = "/coingecko/api/v3", "/coingecko-pro/api/v3"
DEMO_KEY, PRO_KEY = {"x-cg-demo-api-key": "CG-demo"}, {"x-cg-pro-api-key": "CG-pro"}


def ask(path: str, headers: dict[str, str] | None = None, *faults: Fault) -> tuple[int, Any]:
    """Status and body, a minute after the market's first trade."""
    result = []

    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        await asyncio.sleep(60)
        async with session.get(path, headers=headers) as response:
            result.append((response.status, await response.json()))

    served(use, *faults)
    return result[0]


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (FREE, {}, 200, None),
        (FREE, DEMO_KEY, 200, None),
        (FREE, PRO_KEY, 400, 10010),
        (PRO, {}, 401, 10002),
        (PRO, DEMO_KEY, 400, 10011),
        (PRO, PRO_KEY, 200, None),
    ],
)
def test_each_key_has_its_host(path: str, headers: dict[str, str], status: int, code: int | None) -> None:
    answered, body = ask(f"{path}/ping", headers)
    assert answered == status
    assert body.get("status", {}).get("error_code") == code


def test_a_key_may_be_a_parameter() -> None:
    assert ask(f"{PRO}/ping?x_cg_pro_api_key=CG-pro")[0] == 200


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("/simple/price?vs_currencies=usd", 422, "Missing parameter ids"),
        ("/simple/price?ids=bitcoin", 422, "Missing parameter vs_currencies"),
        ("/simple/price?ids=bitcoin&vs_currencies=usd&precision=many", 422, "Invalid precision"),
        ("/coins/nope/ohlc?vs_currency=usd&days=1", 404, "coin not found"),
        ("/coins/bitcoin/ohlc?days=1", 422, "Missing parameter vs_currency"),
        ("/coins/bitcoin/ohlc?vs_currency=eur&days=1", 422, "invalid vs_currency"),
        ("/coins/bitcoin/ohlc?vs_currency=usd", 422, "Missing parameter days"),
        ("/coins/bitcoin/ohlc?vs_currency=usd&days=2", 422, "Invalid days or interval"),
        ("/coins/bitcoin/ohlc?vs_currency=usd&days=1&interval=minutely", 422, "Invalid days or interval"),
    ],
)
def test_bad_parameters(query: str, status: int, error: str) -> None:
    assert ask(FREE + query, DEMO_KEY) == (status, {"error": error})


def test_what_is_not_known_is_left_out_of_prices() -> None:
    assert set(ask(f"{FREE}/simple/price?ids=bitcoin,nope&vs_currencies=usd,eur")[1]) == {"bitcoin"}
    assert ask(f"{FREE}/simple/price?ids=bitcoin&vs_currencies=eur") == (200, {"bitcoin": {}})


def test_a_copy_costs_what_the_coin_costs_and_is_worth_far_less() -> None:
    query = "/simple/price?ids=bitcoin,osmosis-allbtc,tether&vs_currencies=usd&include_market_cap=true"
    prices = ask(FREE + query)[1]
    real, copy = prices["bitcoin"], prices["osmosis-allbtc"]
    assert real["usd"] == copy["usd"]
    assert real["usd_market_cap"] > 1000 * copy["usd_market_cap"]
    assert prices["tether"]["usd"] == float(USD_PER_USDT)


def test_coins_carry_platforms_when_asked() -> None:
    plain, full = ask(f"{FREE}/coins/list")[1], ask(f"{FREE}/coins/list?include_platform=true")[1]
    assert {frozenset(coin) for coin in plain} == {frozenset({"id", "symbol", "name"})}
    assert [coin["id"] for coin in full] == [coin["id"] for coin in plain]
    assert all(coin["platforms"] == {} for coin in full)


def test_an_address_without_a_key_is_limited_and_refused_calls_count() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        for _call in range(KEYLESS_CALLS_PER_MINUTE):
            async with session.get(f"{FREE}/coins/nope/ohlc") as response:
                assert response.status == 404
        async with session.get(f"{FREE}/ping") as response:
            assert (response.status, response.headers["Retry-After"]) == (429, "50")
            assert (await response.json())["status"]["error_code"] == 429
        async with session.get(f"{FREE}/ping", headers=DEMO_KEY) as response:
            assert response.status == 200

    served(use)


def test_a_caller_waits_for_the_minute_to_end() -> None:
    count = CallCount()
    assert [count.wait_s("a", 1, 600.0), count.wait_s("a", 1, 630.5), count.wait_s("b", 1, 630.5)] == [0, 30, 0]
    assert count.wait_s("a", 1, 660.0) == 0


@pytest.mark.parametrize("status", [403, 418, 429, 451])
def test_a_fault_answers_as_coingecko_does(status: int) -> None:
    fault = Fault(where=Where.COINGECKO, kind=Kind.STATUS, status=status)
    answered, body = ask(f"{FREE}/ping", DEMO_KEY, fault)
    assert (answered, body["status"]["error_code"]) == (status, status)
