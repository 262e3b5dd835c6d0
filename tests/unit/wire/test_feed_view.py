"""The bot's candles are always a stretch of what the sidecar has, without a hole, however it came."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedProtocolError, FeedWindow, Subscription
from shared.wire.feed_view import FeedView

STEP_MS = 60_000


def candle(minute: int, price: int = 1) -> FeedCandle:
    value = Decimal(price)
    return FeedCandle(minute * STEP_MS, value, value, value, value, value)


def window(minutes: range, generation: int = 1) -> FeedWindow:
    held = tuple(candle(minute) for minute in minutes)
    return FeedWindow("A-B", Timeframe.MINUTE, "polygon", "USD", generation, Mode.LIVE, "", 180, held)


def close(minute: int, price: int = 1, generation: int = 1) -> FeedClose:
    return FeedClose("A-B", Timeframe.MINUTE, generation, candle(minute, price), 0)


def view(limit: int = 5) -> FeedView:
    return FeedView(Subscription("A-B", Timeframe.MINUTE, limit))


def minutes(of: FeedView) -> list[int]:
    return [int(row[0]) // 60 for row in of.rows]


def test_before_the_first_window_there_is_nothing_to_rest_on() -> None:
    fresh = view()
    fresh.take_close(close(3))
    assert (len(fresh.rows), len(fresh), fresh.has_window, fresh.last_close_ms) == (0, 0, False, None)
    assert (fresh.mode, fresh.stale_after_s, fresh.quote) == (Mode.STALE, None, None)


def test_a_window_has_the_newest_candles_and_whose_they_are() -> None:
    held = view(3)
    held.take_window(window(range(10, 20)))
    assert minutes(held) == [17, 18, 19]
    assert held.last_close_ms == 20 * STEP_MS
    assert (held.source, held.quote, held.mode, held.stale_after_s) == ("polygon", "USD", Mode.LIVE, 180)
    assert held.rows[0].tolist() == [17 * 60, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_an_empty_window_is_carried_on_too() -> None:
    held = view()
    held.take_window(window(range(0)))
    assert held.has_window
    held.take_close(close(7))
    assert minutes(held) == [7]


def test_what_it_has_stays_until_other_candles_come() -> None:
    """A sidecar that has just begun has none yet."""
    held = view()
    held.take_window(window(range(3)))
    void = FeedWindow("A-B", Timeframe.MINUTE, None, None, 1, Mode.STALE, "it has just begun", 240, ())
    held.take_window(void)
    assert minutes(held) == [0, 1, 2]
    assert (held.source, held.quote, held.mode, held.stale_after_s) == ("polygon", "USD", Mode.STALE, 240)
    held.take_close(close(3))  # of the new window, whose first candle it is: never spliced to the old ones
    assert minutes(held) == [3]
    held.take_close(close(4))
    assert minutes(held) == [3, 4]
    held.take_window(void)
    held.take_window(window(range(10, 12), generation=2))
    assert minutes(held) == [10, 11]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (close(12), "A-B 1m: the candle of 720000 does not follow the one before it"),
        (close(10, generation=2), "A-B 1m: a candle of generation 2 came to a window of 1"),
        (close(9, generation=0), "A-B 1m: a candle of generation 0 came to a window of 1"),
    ],
)
def test_a_candle_that_does_not_belong_is_refused(wrong: FeedClose, told: str) -> None:
    held = view()
    held.take_window(window(range(5, 10)))
    with pytest.raises(FeedProtocolError) as refused:
        held.take_close(wrong)
    assert str(refused.value) == told
    assert minutes(held) == [5, 6, 7, 8, 9]


def test_a_refusal_says_why_and_a_window_takes_it_back() -> None:
    held = view()
    held.take_refusal("no source has it")
    assert (held.mode, held.reason, held.refusal) == (Mode.STALE, "no source has it", "no source has it")
    held.take_window(window(range(3)))
    assert (held.mode, held.reason, held.refusal) == (Mode.LIVE, "", "")
    held.take_mode(Mode.DEGRADED, "one price is all there is")
    assert (held.mode, held.reason) == (Mode.DEGRADED, "one price is all there is")


@given(
    st.integers(1, 6),
    st.integers(1, 8),
    st.lists(st.tuples(st.integers(90, 115), st.integers(2, 9)), max_size=30),
)
def test_whatever_comes_the_candles_are_the_newest_without_a_hole(
    limit: int, count: int, told: list[tuple[int, int]]
) -> None:
    held = view(limit)
    held.take_window(window(range(100 - count, 100)))
    kept = dict.fromkeys(range(100 - count, 100), 1)  # what a reader with all the room in the world has
    for minute, price in told:
        try:
            held.take_close(close(minute, price))
        except FeedProtocolError:
            assert minute > max(kept) + 1
        else:
            kept[minute] = price
        stretch = minutes(held)
        assert stretch == list(range(stretch[0], stretch[0] + len(stretch)))
        assert stretch[-1] == max(kept)
        assert len(stretch) <= limit
        assert [row[4] for row in held.rows] == [kept[each] for each in stretch]
