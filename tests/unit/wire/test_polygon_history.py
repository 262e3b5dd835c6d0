"""Polygon's aggregates: verified empty is told from failed, and the key follows no address but the configured one."""

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Series, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedClosed, FeedError, FeedRefused, FeedUnavailable, UnknownSymbol
from shared.wire.polygon_history import (
    LONGEST_SPAN_MS,
    aggregates,
    check_listed,
    following,
    market_status,
    read_page,
    read_server_time,
    ticker_overview,
)
from shared.wire.rest_answer import Answer

SERIES = Series("polygon", "BTC-USD", Timeframe.MINUTE)
SPAN = Span(1_736_121_600_000, 1_736_121_900_000)
BASE = "https://api.massive.com"
FOLDER = "/v2/aggs/ticker/X:BTCUSD/range/1/minute/"
EMPTY = {"ticker": "X:BTCUSD", "queryCount": 0, "resultsCount": 0, "adjusted": True, "status": "OK", "request_id": "a"}


def row(open_ms: int = SPAN.since_ms, **other: Any) -> dict[str, Any]:
    return {"v": 1.5, "vw": 2, "o": 1, "c": 2.25, "h": 3e0, "l": 0.1, "t": open_ms, "n": 7} | other


def page(*rows: dict[str, Any], **other: Any) -> Answer:
    content = EMPTY | {"resultsCount": len(rows), "results": list(rows)} | other
    return Answer(200, {}, json.dumps(content).encode())


def test_the_request_names_ticker_range_and_both_bounds() -> None:
    question = aggregates(SERIES, SPAN)
    assert question.path == FOLDER + "1736121600000/1736121899999"
    assert question.parameters == {"adjusted": "true", "sort": "asc", "limit": "50000"}
    quarter = aggregates(Series("polygon", "ETH-EUR", Timeframe.QUARTER), SPAN)
    assert quarter.path.startswith("/v2/aggs/ticker/X:ETHEUR/range/15/minute/")
    assert LONGEST_SPAN_MS // 60_000 < 50_000, "an answer is whole in one page"


def test_a_row_is_a_bar_to_the_last_digit() -> None:
    body = b'{"status":"OK","resultsCount":1,"results":[{"t":1736121600000,"o":1.10,"h":1e-7,"l":94321.123456789012345,'
    ((bar,), next_url, is_delayed) = _parts(read_page(SERIES, SPAN, Answer(200, {}, body + b'"c":2,"v":0.5}]}')))
    assert [str(value) for value in bar.prices] == ["1.10", "1E-7", "94321.123456789012345", "2", "0.5"]
    assert (bar.open_ms, bar.is_closed, next_url, is_delayed) == (SPAN.since_ms, True, None, False)


def _parts(got: Any) -> tuple[Any, Any, Any]:
    return got.bars, got.next_url, got.is_delayed


def test_no_trades_are_verified_and_no_failure() -> None:
    assert read_page(SERIES, SPAN, Answer(200, {}, json.dumps(EMPTY).encode())).bars == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"<html>",
        b'{"status":"OK"}',
        b'{"status":"OK","results":[]}',
        b'{"status":"ERROR","resultsCount":0,"error":"oops"}',
        b'{"status":"PARTIAL","resultsCount":0}',
        b'{"status":"OK","resultsCount":2,"results":[{"t":1736121600000,"o":1,"h":1,"l":1,"c":1,"v":1}]}',
        b'{"status":"OK","resultsCount":3}',
        b'{"status":"OK","resultsCount":0,"ticker":"X:ETHUSD"}',
        b'{"status":"OK","resultsCount":1,"results":[{"t":1736121600000,"o":NaN,"h":1,"l":1,"c":1,"v":1}]}',
        b'{"status":"OK","resultsCount":1,"results":[{"t":1736121600000,"o":null,"h":1,"l":1,"c":1,"v":1}]}',
        b'{"status":"OK","resultsCount":1,"results":[{"t":1736121600000,"o":1e999,"h":1,"l":1,"c":1,"v":1}]}',
        b'{"status":"OK","resultsCount":1,"results":[{"t":1736121600000,"o":1,"h":1,"l":1,"c":1}]}',
        b'{"status":"OK","resultsCount":1,"results":[{"t":0,"o":1,"h":1,"l":1,"c":1,"v":1}]}',
    ],
)
def test_a_success_that_is_none_is_never_taken_for_no_trades(body: bytes) -> None:
    with pytest.raises(FeedUnavailable):
        read_page(SERIES, SPAN, Answer(200, {}, body))


def test_bounds_rounded_outwards_are_cut() -> None:
    got = read_page(SERIES, SPAN, page(row(SPAN.since_ms - 60_000), row(), row(SPAN.until_ms)))
    assert [bar.open_ms for bar in got.bars] == [SPAN.since_ms]


def test_a_plan_without_the_present_says_so() -> None:
    assert read_page(SERIES, SPAN, page(row(), status="DELAYED")).is_delayed


def test_a_plan_that_lacks_what_was_asked_refuses_that_alone() -> None:
    body = b'{"status":"NOT_AUTHORIZED","message":"Your plan doesn\'t include this data timeframe."}'
    for status in (200, 403):
        with pytest.raises(FeedRefused, match="doesn't include this data timeframe") as caught:
            read_page(SERIES, SPAN, Answer(status, {}, body))
        assert not isinstance(caught.value, FeedClosed)


def test_a_wrong_key_closes_the_source() -> None:
    body = b'{"status":"ERROR","request_id":"a","error":"Unknown API Key"}'
    with pytest.raises(FeedClosed, match="401 Unauthorized: Unknown API Key; check its key"):
        read_page(SERIES, SPAN, Answer(401, {}, body))


def test_a_gateways_page_passes() -> None:
    with pytest.raises(FeedUnavailable, match=r"502 Bad Gateway$"):
        read_page(SERIES, SPAN, Answer(502, {}, b"<html>bad gateway</html>"))


@pytest.mark.parametrize("base", [BASE, "http://127.0.0.1:8000/polygon"])
def test_the_next_page_is_asked_for_at_the_configured_address(base: str) -> None:
    for folder in {base + FOLDER, base.replace("/polygon", "") + FOLDER}:
        question = following(SERIES, folder + "1736121660000/1736121899999?cursor=bGlt%3D&limit=2&apiKey=s", base)
        assert question.path == FOLDER + "1736121660000/1736121899999"
        assert question.parameters == {"cursor": "bGlt=", "limit": "2"}


@pytest.mark.parametrize(
    "next_url",
    [
        "https://evil.example" + FOLDER + "1/2",
        "http://api.massive.com" + FOLDER + "1/2",
        "https://api.massive.com:8443" + FOLDER + "1/2",
        "https://api.massive.com.evil.example" + FOLDER + "1/2",
        "https://user@api.massive.com" + FOLDER + "1/2",
        "https://api.massive.com@evil.example" + FOLDER + "1/2",
        "//evil.example" + FOLDER + "1/2",
        "https://[bad" + FOLDER,
        FOLDER + "1/2",
        "",
        BASE + "/v2/aggs/ticker/X:ETHUSD/range/1/minute/1/2",
        BASE + "/v2/aggs/ticker/X:BTCUSD/range/1/hour/1/2",
        BASE + FOLDER + "../../../../../v3/account",
        BASE + FOLDER + "1/2 /x",
    ],
)
def test_no_other_address_is_followed(next_url: str) -> None:
    with pytest.raises(FeedRefused):
        following(SERIES, next_url + "?apiKey=secret", BASE)
    try:
        following(SERIES, next_url + "?apiKey=secret", BASE)
    except FeedRefused as error:
        assert "secret" not in str(error)


def test_a_symbol_that_does_not_exist_is_told_from_one_without_a_trade() -> None:
    assert ticker_overview(SERIES).path == "/v3/reference/tickers/X:BTCUSD"
    check_listed(SERIES, Answer(200, {}, b'{"status":"OK","results":{"ticker":"X:BTCUSD","active":true}}'))
    with pytest.raises(UnknownSymbol, match="polygon: does not list BTC-USD"):
        check_listed(SERIES, Answer(404, {}, b'{"status":"NOT_FOUND","message":"Ticker not found."}'))
    # A plan without reference data cannot tell.
    check_listed(SERIES, Answer(403, {}, b'{"status":"NOT_AUTHORIZED","message":"You are not entitled to this data."}'))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b"<html>", FeedClosed),
        (401, b'{"status":"ERROR","error":"Unknown API Key"}', FeedClosed),
        (429, b"{}", FeedUnavailable),
        (500, b"<html>", FeedUnavailable),
        (200, b"<html>", FeedUnavailable),
        (200, b'{"status":"OK"}', FeedUnavailable),
        (200, b'{"status":"OK","results":{"ticker":"X:ETHUSD"}}', FeedUnavailable),
    ],
)
def test_a_look_up_that_failed_proves_nothing(status: int, body: bytes, kind: type[FeedError]) -> None:
    with pytest.raises(kind):
        check_listed(SERIES, Answer(status, {}, body))


def test_the_time_is_read_with_its_zone() -> None:
    assert market_status().path == "/v1/marketstatus/now"
    body = b'{"market":"open","serverTime":"2025-01-05T19:00:00-05:00","currencies":{"crypto":"open"}}'
    assert read_server_time(Answer(200, {}, body)) == 1_736_121_600_000
    for other in (b'{"serverTime":"2025-01-05T19:00:00"}', b'{"serverTime":1}', b"{}"):
        with pytest.raises(FeedUnavailable):
            read_server_time(Answer(200, {}, other))


@given(
    st.integers(100, 599),
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["status", "results", "resultsCount", "t"]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_nothing_makes_it_raise_anything_but_a_feed_error(status: int, body: bytes) -> None:
    answer = Answer(status, {}, body)
    for read in (lambda: read_page(SERIES, SPAN, answer), lambda: read_server_time(answer)):
        with contextlib.suppress(FeedError):
            read()


@given(st.text(), st.text())
def test_no_next_page_makes_it_raise_anything_but_a_refusal(start: str, end: str) -> None:
    for next_url in (start, BASE + start, BASE + FOLDER + start, f"https://{start}@api.massive.com{end}"):
        try:
            question = following(SERIES, next_url, BASE)
        except FeedRefused:
            continue
        assert question.path.startswith(FOLDER)
        assert ".." not in question.path


@given(st.lists(st.integers(0, 4), unique=True), st.decimals(-(10**12), 10**12, places=8))
def test_bars_come_back_as_they_were_sent(minutes: list[int], price: Decimal) -> None:
    sent = [row(SPAN.since_ms + minute * 60_000) for minute in minutes]
    body = json.dumps(EMPTY | {"resultsCount": len(sent), "results": sent}).replace("2.25", format(price, "f"))
    got = read_page(SERIES, SPAN, Answer(200, {}, body.encode()))
    assert [bar.open_ms for bar in got.bars] == [one["t"] for one in sent]
    assert all(bar.close == price for bar in got.bars)
