"""CoinGecko: prices of now by coin, ranges stamped at their close, keys of two kinds."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ports import FeedClosed, FeedError, FeedUnavailable
from shared.wire.coingecko import (
    key_header,
    prices,
    ranges,
    read_coins,
    read_prices,
    read_ranges,
)
from shared.wire.rest_answer import Answer


def answer(content: Any, status: int = 200) -> Answer:
    return Answer(status, {}, json.dumps(content).encode())


def test_each_plan_has_its_header() -> None:
    assert key_header("https://api.coingecko.com/api/v3") == "x-cg-demo-api-key"
    assert key_header("https://pro-api.coingecko.com/api/v3") == "x-cg-pro-api-key"
    assert key_header("http://127.0.0.1:8000/coingecko/api/v3") == "x-cg-demo-api-key"


def test_prices_are_asked_for_with_their_age() -> None:
    question = prices({"tether", "bitcoin"}, {"usd", "eur"})
    assert question.path == "/simple/price"
    assert question.parameters["ids"] == "bitcoin,tether"
    assert question.parameters["vs_currencies"] == "eur,usd"
    assert question.parameters["include_last_updated_at"] == "true"
    assert question.parameters["precision"] == "full"


def test_prices_are_read_to_the_last_digit() -> None:
    body = b'{"bitcoin":{"usd":67187.335800000001,"usd_market_cap":1e12,"eur":61000,"last_updated_at":1736121600}}'
    bitcoin = read_prices(Answer(200, {}, body))["bitcoin"]
    assert bitcoin.by_currency == {"usd": Decimal("67187.335800000001"), "eur": Decimal(61000)}
    assert (bitcoin.market_cap_usd, bitcoin.updated_at_s) == (Decimal(10**12), 1_736_121_600)


def test_a_coin_without_a_price_has_none() -> None:
    content = {
        "dead": {},
        "ageless": {"usd": 1},
        "null": {"usd": None, "last_updated_at": None},
        "worthless": {"usd": 0, "usd_market_cap": None, "last_updated_at": 1},
    }
    found = read_prices(answer(content))
    assert set(found) == {"worthless"}
    assert found["worthless"].by_currency == {}
    assert found["worthless"].market_cap_usd is None


@pytest.mark.parametrize("content", [[], {"bitcoin": 1}, {"bitcoin": {"usd": "x", "last_updated_at": 1}}, None])
def test_other_shapes_cannot_be_read(content: Any) -> None:
    with pytest.raises(FeedUnavailable, match="cannot be read"):
        read_prices(answer(content))


def test_a_price_that_is_no_number_cannot_be_read() -> None:
    with pytest.raises(FeedUnavailable, match="bitcoin holds NaN"):
        read_prices(answer({"bitcoin": {"usd": "NaN", "last_updated_at": 1}}))


def test_coins_of_one_symbol_stand_together() -> None:
    content = [
        {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"},
        {"id": "batcat", "symbol": "btc", "name": "batcat"},
        {"id": "foo", "symbol": "FOO", "name": "Foo"},
    ]
    assert read_coins(answer(content)) == {"BTC": ["bitcoin", "batcat"], "FOO": ["foo"]}


@pytest.mark.parametrize(("days", "length_s"), [(1, 1800), (7, 14_400), (30, 14_400), (90, 345_600)])
def test_a_range_is_stamped_at_its_close(days: int, length_s: int) -> None:
    assert ranges("bitcoin", days).parameters == {"vs_currency": "usd", "days": str(days)}
    later, earlier = [1_736_123_400_000, 1, 3, 0.5, 2.10], [1_736_121_600_000, 1, 1, 1, 1]
    first, second = read_ranges(days, answer([later, earlier]))
    assert (first.close_ms, second.close_ms) == (1_736_121_600_000, 1_736_123_400_000)
    assert second.open_ms == second.close_ms - length_s * 1000
    assert (second.open, second.high, second.low, second.close) == (1, 3, Decimal("0.5"), Decimal("2.1"))


def test_ranges_of_other_days_are_not_asked_for() -> None:
    with pytest.raises(ValueError, match="days = 2: must be one of 1, 7, 14, 30, 90, 180, 365"):
        ranges("bitcoin", 2)
    assert ranges("../ping?", 1).path == "/coins/..%2Fping%3F/ohlc"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (401, {"status": {"error_code": 10002, "error_message": "API Key Missing"}}),
        (400, {"status": {"error_code": 10011, "error_message": "please change your root URL"}}),
        (400, {"error_code": 10010, "status": {"error_message": "please change your root URL"}}),
        (401, {"error": "invalid key"}),
        (403, "<html>"),
    ],
)
def test_a_key_that_does_not_fit_closes_the_source(status: int, content: Any) -> None:
    with pytest.raises(FeedClosed):
        read_prices(answer(content, status))


def test_too_many_calls_wait_for_the_next_minute() -> None:
    content = {"status": {"error_code": 429, "error_message": "You've exceeded the Rate Limit."}}
    with pytest.raises(FeedUnavailable, match="exceeded the Rate Limit") as caught:
        read_prices(answer(content, 429))
    assert caught.value.retry_after_s == 60


@given(
    st.integers(100, 599),
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["status", "error", "usd", "last_updated_at", "id"]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_nothing_makes_it_raise_anything_but_a_feed_error(status: int, body: bytes) -> None:
    given_answer = Answer(status, {}, body)
    for read in (read_prices, read_coins, lambda one: read_ranges(1, one)):
        with contextlib.suppress(FeedError):
            read(given_answer)
