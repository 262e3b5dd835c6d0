"""A symbol whose bars come from history though the stream lives is subscribed to anew, and not too often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.silent_symbols import SilentSymbols


def asked_after(symbols: SilentSymbols, minutes: int, symbol: str = "BTC-USD") -> list[int]:
    return [minute for minute in range(1, minutes + 1) if symbols.fetched(symbol)]


def test_three_minutes_from_history_and_it_is_subscribed_to_anew() -> None:
    symbols = SilentSymbols()
    assert asked_after(symbols, 3) == [3]
    assert symbols.silent == {"BTC-USD"}


def test_a_bar_from_the_stream_begins_the_count_anew() -> None:
    symbols = SilentSymbols()
    asked_after(symbols, 2)
    symbols.streamed("BTC-USD")
    assert asked_after(symbols, 3) == [3]


def test_symbols_are_counted_each_for_itself() -> None:
    symbols = SilentSymbols()
    asked_after(symbols, 2)
    symbols.streamed("ETH-USD")
    assert not symbols.fetched("ETH-USD")
    assert symbols.fetched("BTC-USD")


def test_it_is_asked_for_ever_more_seldom() -> None:
    assert asked_after(SilentSymbols(), 1200) == [3, 9, 21, 45, 93, 189, 381, 621, 861, 1101]


def test_one_that_came_back_is_asked_for_soon_again() -> None:
    symbols = SilentSymbols()
    asked_after(symbols, 100)
    symbols.streamed("BTC-USD")
    assert symbols.silent == frozenset()
    assert asked_after(symbols, 3) == [3]


def test_a_broken_connection_excuses_all() -> None:
    symbols = SilentSymbols()
    asked_after(symbols, 2)
    symbols.interrupted()
    assert asked_after(symbols, 3) == [3]


def test_symbols_no_longer_wanted_are_forgotten() -> None:
    symbols = SilentSymbols(after=1)
    asked_after(symbols, 1, "BTC-USD")
    asked_after(symbols, 1, "ETH-USD")
    symbols.keep_only(["ETH-USD", "SOL-USD"])
    assert symbols.silent == {"ETH-USD"}


def test_a_count_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SilentSymbols(after=0)


@given(st.integers(1, 500), st.lists(st.booleans(), max_size=600))
def test_between_two_times_asked_lie_as_many_minutes_as_said(after: int, streams: list[bool]) -> None:
    symbols, silent_minutes = SilentSymbols(after=after), 0
    for came_by_stream in streams:
        if came_by_stream:
            symbols.streamed("BTC-USD")
            silent_minutes = 0
        else:
            silent_minutes += 1
            if symbols.fetched("BTC-USD"):
                assert silent_minutes >= after
                silent_minutes = 0
