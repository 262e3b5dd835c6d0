"""Request weights: what is asked for is counted by the clock's minute, and who goes on after a 429 is banned."""

import json

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from served_venue import served

from shared.simulator import binance_weights
from shared.simulator.binance_weights import RequestWeights, error_body, weight
from shared.simulator.server import VenueServer


class Clock:
    """A stand-in for the time module."""

    def __init__(self) -> None:
        self.now_s = 1_736_121_610.0

    def time(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(binance_weights, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("path", "perpetual", "query", "weighs"),
    [
        ("/klines", False, {"limit": "1000"}, 2),
        ("/klines", True, {"limit": "99"}, 1),
        ("/klines", True, {"limit": "1500"}, 10),
        ("/klines", True, {"limit": "x"}, 5),
        ("/depth", False, {}, 5),
        ("/depth", False, {"limit": "1000"}, 50),
        ("/depth", False, {"limit": "9999"}, 250),
        ("/depth", True, {"limit": "1000"}, 20),
        ("/ticker/24hr", False, {}, 80),
        ("/ticker/24hr", False, {"symbol": "BTCUSDT"}, 2),
        ("/exchangeInfo", False, {}, 20),
        ("/exchangeInfo", True, {}, 1),
        ("/time", False, {}, 1),
    ],
)
def test_weights(path: str, perpetual: bool, query: dict[str, str], weighs: int) -> None:
    assert weight(path, perpetual, query) == weighs


def test_a_minute_is_the_clocks(clock: Clock) -> None:
    weights = RequestWeights(10)
    assert [weights.use("a", 4), weights.use("a", 4)] == [4, 8]
    assert weights.use("b", 1) == 1, "each address for itself"
    clock.now_s += 50
    assert weights.use("a", 4) == 4


def refused(weights: RequestWeights) -> tuple[int, int]:
    """Status and Retry-After of a request that is too much."""
    with pytest.raises(web.HTTPException) as caught:
        weights.use("a", 1)
    assert json.loads(caught.value.text or "")["code"] == -1003
    return caught.value.status, int(caught.value.headers["Retry-After"])


def test_too_much_is_refused_until_the_next_minute_and_going_on_is_a_ban(clock: Clock) -> None:
    weights = RequestWeights(1)
    assert weights.use("a", 1) == 1
    assert [refused(weights) for _ in range(10)] == [(429, 51)] * 10
    assert refused(weights) == (418, 121)
    clock.now_s += 60
    assert refused(weights) == (418, 61), "the next minute does not end a ban"
    clock.now_s += 61
    assert weights.use("a", 1) == 1
    assert [refused(weights)[0] for _ in range(11)][-1] == 418
    assert refused(weights)[1] > 200, "the second ban is longer"


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 30)), max_size=100))
def test_no_minute_ever_gives_more_than_the_limit(requests: list[tuple[int, float]]) -> None:
    clock, weights, given_out = Clock(), RequestWeights(100), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binance_weights, "time", clock)
        for weighs, wait_s in requests:
            clock.now_s += wait_s
            try:
                weights.use("a", weighs)
            except web.HTTPException:
                continue
            minute = clock.now_s // 60
            given_out[minute] = given_out.get(minute, 0) + weighs
    assert all(weight <= 100 for weight in given_out.values())


@pytest.mark.parametrize("status", [401, 403, 418, 429, 451, 409])
def test_every_refusal_has_a_code_and_a_text(status: int) -> None:
    assert set(error_body(status)) == {"code", "msg"}


def test_answers_tell_the_weight_used() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        told = []
        for path in ("/spot/api/v3/klines?symbol=BTCUSDT&interval=1m", "/spot/api/v3/ping", "/perpetual/fapi/v1/time"):
            async with session.get(path) as response:
                assert response.headers["X-MBX-USED-WEIGHT"] == response.headers["X-MBX-USED-WEIGHT-1M"]
                told.append(int(response.headers["X-MBX-USED-WEIGHT-1M"]))
        assert told == [2, 3, 1]

    served(use)
