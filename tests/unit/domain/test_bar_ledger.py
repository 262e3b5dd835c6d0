"""Bars settle once, in order, whatever came in between."""

from collections.abc import Iterable

import pytest

from shared.domain.bar_ledger import BarLedger, Outcome, Settled
from shared.domain.bars import Series
from shared.domain.stored import Timeframe
from tests.unit.domain.bar_samples import MINUTES, START_MS, at, bar, minute_of, span

GRACE_MS = 5_000


def ledger(*, kept: int = 100) -> BarLedger:
    return BarLedger(MINUTES, START_MS, kept=kept)


def with_bars(*minutes: int) -> BarLedger:
    book = ledger()
    for minute in minutes:
        book.offer(bar(minute, 100 + minute))
    return book


def told(settled: Iterable[Settled]) -> list[tuple[int, str, int]]:
    return [(minute_of(each.bar), each.outcome.value, each.revision) for each in settled]


def minutes_in(book: BarLedger, now: float, grace_ms: float = GRACE_MS) -> list[tuple[int, int]]:
    spans = book.missing(START_MS + now * 60_000, grace_ms)
    return [((each.since_ms - START_MS) // 60_000, (each.until_ms - START_MS) // 60_000) for each in spans]


def test_a_closed_bar_settles_at_once() -> None:
    book = ledger()
    assert told(book.offer(bar(0))) == [(0, "new", 0)]
    assert book.next_ms == at(1)
    assert book.window(5) == [bar(0)]


def test_bars_after_a_hole_wait_until_it_is_filled() -> None:
    book = ledger()
    assert told(book.offer(bar(2))) == []
    assert told(book.offer(bar(0))) == [(0, "new", 0)]
    assert told(book.offer(bar(1))) == [(1, "new", 0), (2, "new", 0)]


def test_the_same_bar_again_is_a_duplicate() -> None:
    book = ledger()
    for minute in (0, 0, 2, 2):
        book.offer(bar(minute))
    assert book.duplicates == 2
    assert book.revised == 0


def test_a_changed_bar_is_a_revision_each_time() -> None:
    book = with_bars(0, 1, 2)
    assert told(book.offer(bar(1, 90))) == [(1, "revised", 1)]
    assert told(book.offer(bar(1, 80))) == [(1, "revised", 2)]
    assert [each.close for each in book.window(3)] == [100, 80, 102]
    assert book.revised == 2


def test_a_bar_that_changes_while_it_waits_settles_as_it_is_then() -> None:
    book = ledger()
    book.offer(bar(1, 90))
    book.offer(bar(1, 80))
    assert told(book.offer(bar(0))) == [(0, "new", 0), (1, "new", 0)]
    assert book.window(1) == [bar(1, 80)]


def test_a_revision_of_a_forgotten_bar_is_told_all_the_same() -> None:
    book = ledger(kept=2)
    for minute in range(5):
        book.offer(bar(minute))
    assert told(book.offer(bar(1))) == [(1, "revised", 1)]
    assert told(book.offer(bar(-3))) == [(-3, "revised", 1)]
    assert book.window(9) == [bar(3), bar(4)]


def test_an_open_bar_does_not_settle() -> None:
    book = ledger()
    assert book.offer(bar(0, is_closed=False)) == []
    assert book.window(1) == []


def test_an_open_bar_is_final_as_last_seen_once_the_next_one_came() -> None:
    book = ledger()
    book.offer(bar(0, 100, is_closed=False))
    book.offer(bar(0, 101, is_closed=False))
    settled = book.offer(bar(1, is_closed=False))
    assert told(settled) == [(0, "new", 0)]
    assert settled[0].bar == bar(0, 101, is_closed=False)
    assert told(book.offer(bar(2))) == [(1, "new", 0), (2, "new", 0)]


def test_a_bar_final_by_its_successor_is_missing_until_history_confirms_it() -> None:
    book = ledger()
    book.offer(bar(0, is_closed=False))
    book.offer(bar(1))
    assert minutes_in(book, 2) == [(0, 1)]
    assert book.fill(span(0, 1), [bar(0)]) == []
    assert minutes_in(book, 2) == []
    assert (book.duplicates, book.revised) == (0, 0)


def test_a_bar_that_is_forgotten_is_no_longer_asked_for() -> None:
    book = ledger(kept=2)
    for minute in range(10):
        book.offer(bar(minute, is_closed=False))
    assert book.next_ms == at(9)
    assert minutes_in(book, 9.5) == [(7, 9)]


def test_a_bar_that_waits_is_confirmed_by_the_source_closing_it_late() -> None:
    book = ledger()
    book.offer(bar(1, is_closed=False))
    book.offer(bar(2))
    assert minutes_in(book, 3.5) == [(0, 2)]
    book.offer(bar(1))
    assert minutes_in(book, 3.5) == [(0, 1)]


def test_history_revises_a_bar_final_by_its_successor() -> None:
    book = ledger()
    book.offer(bar(0, is_closed=False))
    book.offer(bar(1))
    assert told(book.fill(span(0, 1), [bar(0, 99)])) == [(0, "revised", 1)]
    assert minutes_in(book, 2) == []


def test_history_without_a_bar_confirms_what_the_stream_had() -> None:
    book = ledger()
    book.offer(bar(0, is_closed=False))
    book.offer(bar(1))
    assert book.fill(span(0, 2), []) == []
    assert minutes_in(book, 2.5) == []
    assert book.window(2) == [bar(0, is_closed=False), bar(1)]


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_later_bar_that_is_not_the_next_makes_none_final(is_closed: bool) -> None:
    book = ledger()
    book.offer(bar(0, is_closed=False))
    assert book.offer(bar(2, is_closed=is_closed)) == []
    assert book.offer(bar(1, is_closed=is_closed)) == []
    assert book.next_ms == START_MS


def test_after_an_interruption_no_successor_makes_a_bar_final() -> None:
    book = ledger()
    book.offer(bar(0, is_closed=False))
    book.interrupted()
    assert book.offer(bar(1)) == []
    assert minutes_in(book, 2.5) == [(0, 1)]


def test_an_open_bar_never_replaces_a_closed_one() -> None:
    book = with_bars(0, 2)
    for minute in (0, 2):
        assert book.offer(bar(minute, 7, is_closed=False)) == []
    assert told(book.offer(bar(3))) == []
    book.offer(bar(1))
    assert [each.close for each in book.window(4)] == [100, 100, 102, 100]


def test_what_history_has_not_is_empty_and_flat() -> None:
    book = with_bars(0, 3)
    settled = book.fill(span(1, 3), [])
    assert told(settled) == [(1, "empty", 0), (2, "empty", 0), (3, "new", 0)]
    flat = settled[1].bar
    assert flat.prices == (100, 100, 100, 100, 0)
    assert flat.is_closed
    assert book.empty == 2


def test_empty_minutes_before_the_first_bar_are_dropped() -> None:
    book = ledger()
    assert told(book.fill(span(0, 3), [bar(2)])) == [(2, "new", 0)]
    assert book.window(9) == [bar(2)]
    assert book.empty == 0


def test_a_late_bar_replaces_an_empty_one_and_lifts_the_flat_ones_after_it() -> None:
    book = with_bars(0, 5)
    book.fill(span(1, 5), [])
    assert told(book.offer(bar(2, 90))) == [(2, "revised", 1), (3, "empty", 1), (4, "empty", 1)]
    assert [each.close for each in book.window(6)] == [100, 100, 90, 90, 90, 105]
    assert book.empty == 3


def test_a_revision_that_leaves_the_close_leaves_the_flat_bars() -> None:
    book = with_bars(0)
    book.fill(span(1, 2), [])
    changed = bar(0)
    changed = type(changed)(
        MINUTES, at(0), *(changed.open, changed.high + 5, changed.low, changed.close), changed.volume, True
    )
    assert told(book.offer(changed)) == [(0, "revised", 1)]


def test_a_bar_that_came_before_its_turn_outdoes_an_empty_one() -> None:
    book = ledger()
    book.fill(span(1, 2), [])
    book.offer(bar(1, 90))
    book.fill(span(1, 2), [])
    assert told(book.offer(bar(0))) == [(0, "new", 0), (1, "new", 0)]


def test_an_open_bar_in_an_answer_says_nothing() -> None:
    book = with_bars(0)
    assert book.fill(span(1, 3), [bar(1, is_closed=False)]) == []
    assert book.next_ms == at(1)
    assert minutes_in(book, 3.5) == [(1, 2)]


def test_a_minute_that_the_answer_cuts_is_not_verified() -> None:
    book = with_bars(0)
    whole = span(1, 3)
    assert book.fill(type(whole)(whole.since_ms + 1, whole.until_ms - 1), []) == []
    assert minutes_in(book, 3.5) == [(1, 3)]


def test_bars_outside_what_was_asked_for_are_taken_too() -> None:
    book = ledger()
    assert told(book.fill(span(1, 2), [bar(0), bar(2)])) == [(0, "new", 0), (1, "empty", 0), (2, "new", 0)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [(1, []), (1.05, []), (1.1, [(0, 1)]), (2.1, [(0, 2)]), (3.5, [(0, 2)]), (4.5, [(0, 2), (3, 4)])],
)
def test_missing_is_what_is_over_for_longer_than_the_grace(now: float, expected: list[tuple[int, int]]) -> None:
    book = ledger()
    book.offer(bar(2))
    assert minutes_in(book, now) == expected


def test_nothing_is_missing_before_the_first_bar_is_due() -> None:
    assert minutes_in(ledger(), -5) == []


def test_a_bar_too_far_ahead_is_not_held_but_missing_in_its_turn() -> None:
    book = ledger(kept=3)
    for minute in (2, 3, 1_000_000):
        book.offer(bar(minute))
    assert minutes_in(book, 5) == [(0, 2), (3, 4)]


@pytest.mark.parametrize(
    "wrong",
    [
        bar(0, series=Series("binance", "BTC-USDT", Timeframe.MINUTE)),
        bar(0, series=Series("polygon", "BTC-USD", Timeframe.HOUR)),
    ],
)
def test_a_bar_of_another_series_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="offered to the ledger"):
        ledger().offer(wrong)
    with pytest.raises(ValueError, match="offered to the ledger"):
        ledger().fill(span(0, 1), [wrong])


def test_opens_off_the_timeframe_are_refused() -> None:
    with pytest.raises(ValueError, match="open of a bar"):
        BarLedger(MINUTES, START_MS + 1)
    off = bar(0)
    with pytest.raises(ValueError, match="open of a bar"):
        ledger().offer(type(off)(MINUTES, START_MS + 1, *off.prices, is_closed=True))


def test_something_must_be_kept() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BarLedger(MINUTES, START_MS, kept=0)


def test_a_window_is_never_longer_than_what_is_kept() -> None:
    book = with_bars(0, 1)
    assert [len(book.window(count)) for count in (-1, 0, 1, 2, 3)] == [0, 0, 1, 2, 2]


def test_outcomes_have_the_names_the_store_and_the_bot_know() -> None:
    assert [outcome.value for outcome in Outcome] == ["new", "revised", "empty"]
