"""Binance's klines: no answer can be cut short by a limit, and what it says in its own words is understood."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Series, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedClosed, FeedError, FeedRefused, FeedUnavailable, UnknownSymbol
from shared.wire.binance_history import (
    ADDRESS_WEIGHT,
    PAGE_BARS,
    klines,
    read_klines,
    read_server_time,
    server_time,
    used_weight,
)
from shared.wire.rest_answer import Answer

SERIES = Series("binance", "BTC-USDT", Timeframe.MINUTE)
SPAN = Span(1_736_121_600_000, 1_736_121_900_000)
DATE = {"date": "Mon, 06 Jan 2025 00:05:00 GMT"}


def row(open_ms: int = SPAN.since_ms, **other: Any) -> list[Any]:
    named = {"o": "1.10", "h": "3", "l": "0.00000001", "c": "2.25000000", "v": "0.5", "last": open_ms + 59_999} | other
    return [open_ms, *named.values(), "1", 7, "1", "1", "0"]


def answer(content: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(status, DATE | headers, json.dumps(content).encode())


def test_the_request_names_symbol_interval_and_both_bounds() -> None:
    question = klines(SERIES, SPAN)
    assert question.path == "/api/v3/klines"
    assert question.parameters == {
        "symbol": "BTCUSDT",
        "interval": "1m",
        "startTime": "1736121600000",
        "endTime": "1736121899999",
        "limit": str(PAGE_BARS),
    }
    assert (question.weight, server_time().weight) == (2, 1)
    assert ADDRESS_WEIGHT == 6000


def test_a_row_is_a_bar_to_the_last_digit() -> None:
    (bar,) = read_klines(SERIES, SPAN, answer([row()]))
    assert [str(value) for value in bar.prices] == ["1.10", "3", "1E-8", "2.25000000", "0.5"]
    assert (bar.open_ms, bar.is_closed) == (SPAN.since_ms, True)


def test_no_rows_are_no_bars() -> None:
    assert read_klines(SERIES, SPAN, answer([])) == []


@pytest.mark.parametrize(
    "content",
    [
        {},
        None,
        [[]],
        [row()[:6]],
        [row(SPAN.since_ms - 60_000)],
        [row(SPAN.until_ms)],
        [row(last=SPAN.since_ms + 899_999)],
        [row(c="NaN")],
        [row(c="")],
        [row(c=None)],
        [row(v="1e999")],
    ],
)
def test_a_success_that_is_none_is_never_taken_for_no_bars(content: Any) -> None:
    with pytest.raises(FeedUnavailable, match="cannot be read"):
        read_klines(SERIES, SPAN, answer(content))


def test_a_symbol_it_does_not_list_is_no_fault_of_the_source() -> None:
    with pytest.raises(UnknownSymbol, match="binance: does not list BTC-USDT"):
        read_klines(SERIES, SPAN, answer({"code": -1121, "msg": "Invalid symbol."}, 400))


def test_another_bad_request_is_refused_with_its_words() -> None:
    with pytest.raises(FeedRefused, match=r"400 Bad Request: Invalid interval\.") as caught:
        read_klines(SERIES, SPAN, answer({"code": -1120, "msg": "Invalid interval."}, 400))
    assert not isinstance(caught.value, FeedClosed)


@pytest.mark.parametrize("status", [403, 451])
def test_a_blocked_country_closes_the_source(status: int) -> None:
    with pytest.raises(FeedClosed, match="restricted location"):
        read_klines(SERIES, SPAN, answer({"code": 0, "msg": "Service unavailable from a restricted location"}, status))


@pytest.mark.parametrize(
    ("status", "headers", "words", "wait_s"),
    [
        (429, {"retry-after": "7"}, "Too much request weight used", 7),
        (429, {}, "Too much request weight used", 60),
        (418, {"retry-after": "300"}, "IP banned until 1736129999999", 300),
        (418, {}, "Way too much request weight used; IP banned until 1736122500000.", 600),
        (418, {}, "Way too much request weight used; IP banned until 9999999999999.", 3 * 86_400),
        (418, {}, "Way too much request weight used", 120),
        (503, {}, "Service unavailable", None),
    ],
)
def test_how_long_to_wait_is_read_where_it_stands(
    status: int, headers: dict[str, str], words: str, wait_s: float | None
) -> None:
    with pytest.raises(FeedUnavailable) as caught:
        read_klines(SERIES, SPAN, answer({"code": -1003, "msg": words}, status, **headers))
    assert caught.value.retry_after_s == wait_s


def test_the_weight_used_is_in_a_header() -> None:
    assert used_weight(answer([], **{"x-mbx-used-weight-1m": "1234"})) == 1234
    assert used_weight(answer([])) is None
    assert used_weight(answer([], **{"x-mbx-used-weight-1m": "many"})) is None


def test_the_time() -> None:
    assert read_server_time(answer({"serverTime": 1_736_121_600_123})) == 1_736_121_600_123
    with pytest.raises(FeedUnavailable):
        read_server_time(answer({"serverTime": "now"}))
    with pytest.raises(FeedClosed):
        read_server_time(answer({}, 451))


@given(
    st.integers(100, 599),
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["code", "msg", "serverTime"]), inner),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_nothing_makes_it_raise_anything_but_a_feed_error(status: int, body: bytes) -> None:
    given_answer = Answer(status, DATE, body)
    with contextlib.suppress(FeedError):
        read_klines(SERIES, SPAN, given_answer)
    with contextlib.suppress(FeedError):
        read_server_time(given_answer)
