"""What sidecar and bot say to each other survives the way as text; anything else is refused in one sentence."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.wire.feed_messages import (
    MAX_CANDLES,
    FeedAlert,
    FeedCandle,
    FeedClose,
    FeedHeartbeat,
    FeedMessage,
    FeedProtocolError,
    FeedRefusal,
    FeedWindow,
    ModeChange,
    Subscription,
)
from shared.wire.feed_protocol import (
    MAX_MESSAGE_BYTES,
    query_of,
    read_message,
    read_query,
    read_subscriptions,
    write_message,
    write_subscriptions,
)

HOUR_MS = 3_600_000
pairs = st.from_regex(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}", fullmatch=True)
intervals = st.sampled_from(list(Timeframe))
counts = st.integers(0, 10**12)
prices = st.decimals("1e-12", "1e12", allow_nan=False, allow_infinity=False)


@st.composite
def candles(draw: st.DrawFn, open_ms: int = HOUR_MS) -> FeedCandle:
    low, *between, high = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
    first, last = draw(st.permutations(between))
    return FeedCandle(open_ms, first, high, low, last, draw(st.just(Decimal(0)) | prices))


@st.composite
def windows(draw: st.DrawFn) -> FeedWindow:
    interval = draw(intervals)
    opens = [HOUR_MS + place * interval.seconds * 1000 for place in range(draw(st.integers(0, 4)))]
    return FeedWindow(
        draw(pairs),
        interval,
        draw(st.none() | st.text()),
        draw(st.none() | st.text()),
        draw(counts),
        draw(st.sampled_from(list(Mode))),
        draw(st.text()),
        draw(counts),
        tuple(draw(candles(open_ms)) for open_ms in opens),
    )


messages: st.SearchStrategy[FeedMessage] = st.one_of(
    windows(),
    st.builds(FeedClose, pairs, intervals, counts, candles(), counts),
    st.builds(FeedRefusal, pairs, intervals, st.text()),
    st.builds(ModeChange, pairs, st.sampled_from(list(Mode)), st.text()),
    st.builds(FeedAlert, st.text()),
    st.builds(FeedHeartbeat, counts),
)
subscriptions = st.builds(Subscription, pairs, intervals, st.integers(1, MAX_CANDLES))


@given(messages)
def test_a_message_comes_as_it_was_sent(message: FeedMessage) -> None:
    assert read_message(write_message(message)) == message


@given(st.lists(subscriptions, max_size=5, unique_by=lambda each: (each.pair, each.interval)))
def test_subscriptions_come_as_they_were_sent(wanted: list[Subscription]) -> None:
    assert read_subscriptions(write_subscriptions(wanted)) == tuple(wanted)


@given(subscriptions)
def test_a_query_comes_as_it_was_sent(wanted: Subscription) -> None:
    assert read_query(query_of(wanted)) == wanted


def test_a_query_without_a_limit_asks_for_all() -> None:
    assert read_query({"pair": "BTC-USDT", "interval": "1m"}).limit == MAX_CANDLES


def test_the_words_on_the_wire() -> None:
    """The other side may be of another version of this project: what is written here does not change by accident."""
    candle = FeedCandle(60_000, Decimal("1.10"), Decimal(2), Decimal(1), Decimal("1.5"), Decimal(0))
    window = FeedWindow("BTC-USDT", Timeframe.MINUTE, "polygon", "USD", 3, Mode.DEGRADED, "why", 180, (candle,))
    assert json.loads(write_message(window)) == {
        **{
            "type": "window",
            "pair": "BTC-USDT",
            "interval": "1m",
            "source": "polygon",
            "quote": "USD",
            "generation": 3,
        },
        **{"mode": "degraded", "reason": "why", "stale_after_s": 180},
        "candles": [[60_000, "1.10", "2", "1", "1.5", "0"]],
    }
    close = FeedClose("BTC-USDT", Timeframe.MINUTE, 3, candle, 1)
    assert json.loads(write_message(close)) == {
        **{"type": "candle", "pair": "BTC-USDT", "interval": "1m", "generation": 3, "revision": 1},
        "candle": [60_000, "1.10", "2", "1", "1.5", "0"],
    }
    assert write_message(FeedHeartbeat(7)) == '{"type":"heartbeat","at_ms":7}'
    assert write_subscriptions([Subscription("BTC-USDT", Timeframe.HOUR, 9)]) == (
        '{"subscribe":[{"pair":"BTC-USDT","interval":"1h","limit":9}]}'
    )


def test_the_longest_window_fits_into_a_message() -> None:
    long = Decimal("123456789012345.123456789012345")
    held = tuple(FeedCandle(place * 60_000, long, long, long, long, long) for place in range(MAX_CANDLES))
    window = FeedWindow("BTC-USDT", Timeframe.MINUTE, "polygon", "USD", 1, Mode.LIVE, "", 180, held)
    assert len(write_message(window)) < MAX_MESSAGE_BYTES
    assert read_message(write_message(window)) == window


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a message must be a JSON object"),
        ("[]", "a message must be a JSON object"),
        ('{"type":"tick"}', "type = 'tick': must be window, candle, refused, mode, alert or heartbeat"),
        ('{"type":["window"]}', "type = a list: must be window, candle, refused, mode, alert or heartbeat"),
        ('{"type":"heartbeat","at_ms":true}', "at_ms = True: must be a whole number of 0 or more"),
        ('{"type":"alert"}', "text = None: must be text"),
        ('{"type":"mode","pair":"A-B","mode":"fine"}', "mode = 'fine': must be one of live, degraded, stale"),
        ('{"type":"refused","pair":"A-B","interval":"5m"}', "interval = '5m': must be one of 1m, 15m, 1h"),
        ('{"type":"refused","pair":"A-B","interval":[]}', "interval = a list: must be one of 1m, 15m, 1h"),
    ],
)
def test_what_is_no_message(text: str, told: str) -> None:
    with pytest.raises(FeedProtocolError) as refused:
        read_message(text)
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([60_000, "1", "1", "1", "1"], "must be [open_ms, open, high, low, close, volume]"),
        ([60_000, 1, 1, 1, 1, 1], "must be [open_ms, open, high, low, close, volume]"),
        ([True, "1", "1", "1", "1", "1"], "must be [open_ms, open, high, low, close, volume]"),
        ([-60_000, "1", "1", "1", "1", "1"], "must be [open_ms, open, high, low, close, volume]"),
        ([60_000, "1", "1", "1", "x", "1"], "'x': must be a number as text"),
        ([60_000, "1", "NaN", "1", "1", "1"], "its prices must be positive and below 1E+30"),
        ([60_000, "1", "1", "0", "1", "1"], "its prices must be positive and below 1E+30"),
        ([60_000, "1", "1e999", "1", "1", "1"], "its prices must be positive and below 1E+30"),
        ([60_000, "1", "1", "1", "2", "1"], "high and low must enclose open and close"),
        ([60_000, "2", "2", "1", "0.5", "1"], "high and low must enclose open and close"),
        ([60_000, "1", "1", "1", "1", "-1"], "its volume must be at least 0 and below 1E+30"),
        ([60_000, "1", "1", "1", "1", "sNaN"], "its volume must be at least 0 and below 1E+30"),
        ([60_001, "1", "1", "1", "1", "1"], "no candle opens at 60001"),
    ],
)
def test_what_is_no_candle(row: list[Any], told: str) -> None:
    content = {"type": "candle", "pair": "A-B", "interval": "1m", "generation": 1, "revision": 0, "candle": row}
    with pytest.raises(FeedProtocolError) as refused:
        read_message(json.dumps(content))
    assert str(refused.value).endswith(told)


@pytest.mark.parametrize("opens", [[0, 120], [60, 0], [0, 0], [30]])
def test_a_window_with_a_hole_is_none(opens: list[int]) -> None:
    one = Decimal(1)
    held = tuple(FeedCandle(at_s * 1000, one, one, one, one, one) for at_s in opens)
    with pytest.raises(FeedProtocolError, match="the window of A-B 1m: its candles must ascend by 60 s"):
        FeedWindow("A-B", Timeframe.MINUTE, "polygon", "USD", 1, Mode.LIVE, "", 180, held)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "subscribe: must be a list of at most 2000"),
        ('{"subscribe":[7]}', "7: must be an object"),
        ('{"subscribe":[{"pair":"A-B","interval":"1m","limit":0}]}', "limit = 0: must be 1 to 1500"),
        (
            '{"subscribe":[{"pair":"A-B","interval":"1m","limit":"9"}]}',
            "limit = '9': must be a whole number of 0 or more",
        ),
        (
            '{"subscribe":[{"pair":"A/B","interval":"1m","limit":9}]}',
            "pair = 'A/B': must be a trading pair such as BTC-USDT",
        ),
        (
            json.dumps({"subscribe": 2 * [{"pair": "A-B", "interval": "1m", "limit": 9}]}),
            "subscribe: must name each pair and interval once",
        ),
        (json.dumps({"subscribe": 2001 * [{}]}), "subscribe: must be a list of at most 2000"),
    ],
)
def test_what_is_no_subscription(text: str, told: str) -> None:
    with pytest.raises(FeedProtocolError) as refused:
        read_subscriptions(text)
    assert str(refused.value) == told


@pytest.mark.parametrize("limit", ["", "-1", "1e3", "9" * 5000])
def test_a_limit_that_is_no_number(limit: str) -> None:
    with pytest.raises(FeedProtocolError, match="limit = "):
        read_query({"pair": "A-B", "interval": "1m", "limit": limit})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(messages, st.data())
def test_nothing_but_a_refusal_comes_of_a_message_with_anything_in_it(
    message: FeedMessage, data: st.DataObject
) -> None:
    content = json.loads(write_message(message))
    content[data.draw(st.sampled_from(sorted(content)))] = data.draw(anything)
    for text in (json.dumps(content), data.draw(st.text())):
        for read in (read_message, read_subscriptions):
            try:
                read(text)
            except FeedProtocolError as error:
                assert len(str(error)) < 300
