"""Venue and Hummingbot in one process: its requests reach the venue, on the venue's clock, and nobody else."""

import asyncio
import time

import aiohttp
import pytest
from hummingbot.core.web_assistant.connections.data_types import RESTMethod, RESTRequest
from hummingbot.core.web_assistant.connections.rest_connection import RESTConnection

from shared.cli.local_venue import run_beside_venue
from shared.cli.market import MarketChoice
from shared.simulator.egress import EgressGuard, EgressRefused
from shared.simulator.scenario import DEFAULT_START_MS
from shared.simulator.venue import Venue

MARKET = MarketChoice("simulated", 1, ())


async def get(url: str) -> dict[str, int]:
    async with aiohttp.ClientSession() as session:
        answer = await RESTConnection(session).call(RESTRequest(RESTMethod.GET, url=url))
        found: dict[str, int] = await answer.json()
        return found


def test_hummingbots_requests_reach_the_venue_on_its_clock() -> None:
    egress, call, real_time = EgressGuard(), RESTConnection.call, time.time
    seen: list[int] = []

    async def work(venue: Venue) -> None:
        for _ in range(2):
            seen.append((await get("https://api.binance.com/api/v3/time"))["serverTime"])
            await asyncio.sleep(600)
        with pytest.raises(EgressRefused):
            await get("https://api.example.com/")
        assert time.time() >= venue.start_ms / 1000 + 1200
        asyncio.ensure_future(asyncio.sleep(10**6))  # noqa: RUF006  # a task nobody ends is ended for it

    run_beside_venue(MARKET, ["BTC-USDT"], None, egress, work)
    assert seen[0] == pytest.approx(DEFAULT_START_MS, abs=60_000)
    assert seen[1] - seen[0] == pytest.approx(600_000, abs=1)
    assert egress.refused == {"api.example.com": 1}
    assert RESTConnection.call is call
    assert time.time is real_time


def test_what_fails_beside_the_venue_is_raised_and_all_is_set_right() -> None:
    call, real_time = RESTConnection.call, time.time

    async def work(venue: Venue) -> None:
        raise RuntimeError("it failed")

    with pytest.raises(RuntimeError, match="it failed"):
        run_beside_venue(MARKET, ["BTC-USDT"], None, EgressGuard(), work)
    assert RESTConnection.call is call
    assert time.time is real_time
