"""Bars made of a hash: the same whoever asks, sound, and now and then missing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bars import Series
from shared.domain.stored import Timeframe
from shared.simulator.bar_book import MINUTE_MS
from shared.simulator.generated_bars import GeneratedBars

SYMBOLS = [f"S{number}-USD" for number in range(100)]
START_MINUTE = 28_935_360
MINUTES = st.integers(START_MINUTE, START_MINUTE + 100_000)


@given(st.sampled_from(SYMBOLS), MINUTES, st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_a_span_has_the_same_bars_however_it_is_asked_for(symbol: str, first: int, pieces: list[int]) -> None:
    book = GeneratedBars(SYMBOLS)
    whole = book.minutes(symbol, first * MINUTE_MS, (first + sum(pieces)) * MINUTE_MS)
    joined, at = [], first
    for piece in pieces:
        joined += GeneratedBars(SYMBOLS).minutes(symbol, at * MINUTE_MS, (at + piece) * MINUTE_MS)
        at += piece
    assert joined == whole


@given(st.sampled_from(SYMBOLS), MINUTES)
def test_bars_are_sound_and_go_on_where_the_last_one_ended(symbol: str, first: int) -> None:
    bars = GeneratedBars(SYMBOLS, empty_fraction=0.0).minutes(symbol, first * MINUTE_MS, (first + 5) * MINUTE_MS)
    assert [bar.open_ms for bar in bars] == [(first + at) * MINUTE_MS for at in range(5)]
    for bar, following in pairwise(bars):
        assert bar.close == following.open
        assert 0 < bar.low <= min(bar.open, bar.close, bar.vwap) <= max(bar.open, bar.close, bar.vwap) <= bar.high
        assert bar.volume > 0
        assert bar.trades > 0


@given(MINUTES, st.integers(-59_999, 59_999), st.integers(-59_999, 59_999))
def test_a_bar_is_in_a_span_if_it_opens_in_it(first: int, shift_ms: int, end_shift_ms: int) -> None:
    since_ms, until_ms = first * MINUTE_MS + shift_ms, (first + 3) * MINUTE_MS + end_shift_ms
    opens = [bar.open_ms for bar in GeneratedBars(SYMBOLS).minutes(SYMBOLS[0], since_ms, until_ms)]
    assert all(since_ms <= at < until_ms for at in opens)
    assert len(opens) == -(-until_ms // MINUTE_MS) - -(-since_ms // MINUTE_MS)


def test_so_many_minutes_are_empty_and_none_of_the_first_symbol() -> None:
    book = GeneratedBars(SYMBOLS, empty_fraction=0.2)
    day = START_MINUTE * MINUTE_MS, (START_MINUTE + 1440) * MINUTE_MS
    counts = [len(book.minutes(symbol, *day)) for symbol in SYMBOLS[:11]]
    assert counts[0] == 1440
    assert 0.78 < sum(counts[1:]) / (10 * 1440) < 0.82
    assert book.minutes("NO-USD", *day) == []


def test_seeds_and_symbols_differ() -> None:
    span = START_MINUTE * MINUTE_MS, (START_MINUTE + 1) * MINUTE_MS
    bars = {GeneratedBars(SYMBOLS, 0.0, seed).minutes(symbol, *span)[0] for seed in (1, 2) for symbol in SYMBOLS}
    assert len(bars) == 200


def test_a_bar_as_a_client_should_know_it() -> None:
    bar = GeneratedBars(SYMBOLS).minutes(SYMBOLS[0], START_MINUTE * MINUTE_MS, (START_MINUTE + 1) * MINUTE_MS)[0]
    known = bar.bar(Series("polygon", SYMBOLS[0], Timeframe.MINUTE))
    assert known.is_closed
    assert known.prices == (bar.open, bar.high, bar.low, bar.close, bar.volume)
    assert known.open_ms == bar.open_ms
