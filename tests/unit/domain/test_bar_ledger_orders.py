"""Whatever order bars come in, the store ends with every bar the source had, and the window shows them in order."""

import pickle
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.bar_ledger import BarLedger, Outcome, Settled
from shared.domain.bars import Bar
from tests.unit.domain.bar_samples import MINUTES, START_MS, at, bar, minute_of, span

LAST = 30
CLOSES = st.integers(90, 110)
MINUTE = st.integers(0, LAST - 1)
HAD = st.frozensets(MINUTE)
OFFERS = st.tuples(st.just("offer"), MINUTE, CLOSES)
OPEN_OFFERS = st.tuples(st.just("open"), MINUTE, CLOSES)
FILLS = st.tuples(st.just("fill"), MINUTE, st.integers(1, 10))
BREAKS = st.tuples(st.just("break"), st.just(0), st.just(0))


class Source:
    """What a source had, as it says so: the newest values of each minute are the true ones."""

    def __init__(self, minutes: frozenset[int]) -> None:
        self.closes = dict.fromkeys(minutes, 100)

    def says(self, minute: int, close: int) -> Bar | None:
        if minute not in self.closes:
            return None
        self.closes[minute] = close
        return bar(minute, close)

    def history(self, first: int, after: int) -> list[Bar]:
        return [bar(minute, self.closes[minute]) for minute in range(first, after) if minute in self.closes]

    @property
    def bars(self) -> dict[int, Bar]:
        return {at(minute): bar(minute, close) for minute, close in self.closes.items()}


def play(book: BarLedger, source: Source, steps: list[tuple[str, int, int]]) -> list[Settled]:
    """Everything settled, until nothing is missing."""
    settled: list[Settled] = []
    for kind, minute, number in steps:
        if kind == "break":
            book.interrupted()
        elif kind == "fill":
            after = min(minute + number, LAST)
            settled += book.fill(span(minute, after), source.history(minute, after))
        elif kind == "open":
            if minute in source.closes:
                settled += book.offer(bar(minute, number, is_closed=False))
        elif (said := source.says(minute, number)) is not None:
            settled += book.offer(said)
    for _ in range(LAST):
        for hole in book.missing(at(LAST), 0):
            first, after = (hole.since_ms - START_MS) // 60_000, (hole.until_ms - START_MS) // 60_000
            settled += book.fill(hole, source.history(first, after))
    assert book.missing(at(LAST), 0) == []
    return settled


def stored(settled: list[Settled]) -> dict[int, Bar]:
    """What a store that replaces has in the end."""
    return {each.bar.open_ms: each.bar for each in settled if each.outcome is not Outcome.EMPTY}


def without_finality(bars: dict[int, Bar]) -> dict[int, tuple[object, ...]]:
    """A bar that was settled as last seen and found right keeps saying that the source had not closed it."""
    return {open_ms: each.prices for open_ms, each in bars.items()}


@given(HAD, st.lists(st.one_of(OFFERS, OPEN_OFFERS, FILLS, BREAKS), max_size=80))
@settings(max_examples=150)
def test_every_bar_settles_once_and_the_newest_values_are_stored(
    had: frozenset[int], steps: list[tuple[str, int, int]]
) -> None:
    source = Source(had)
    book = BarLedger(MINUTES, START_MS)
    settled = play(book, source, steps)
    assert without_finality(stored(settled)) == without_finality(source.bars)
    assert without_finality({each.open_ms: each for each in book.window(LAST) if each.volume}) == without_finality(
        source.bars
    )


@given(HAD, st.lists(st.one_of(OFFERS, OPEN_OFFERS, FILLS, BREAKS), max_size=80))
@settings(max_examples=150)
def test_what_settles_first_is_in_order_and_without_a_hole(
    had: frozenset[int], steps: list[tuple[str, int, int]]
) -> None:
    book = BarLedger(MINUTES, START_MS)
    settled = play(book, Source(had), steps)
    first_told = [minute_of(each.bar) for each in settled if each.revision == 0]
    began = min(first_told, default=LAST)
    assert first_told == list(range(began, LAST))
    revisions: dict[int, int] = {}
    for each in settled:
        if each.bar.open_ms >= at(began):
            assert each.revision == revisions.get(each.bar.open_ms, -1) + 1
            revisions[each.bar.open_ms] = each.revision
    assert book.next_ms == at(LAST)
    assert [minute_of(each) for each in book.window(LAST)] == first_told


@given(HAD, st.lists(st.one_of(OFFERS, FILLS), max_size=80), st.integers(1, 5))
@settings(max_examples=150)
def test_a_ledger_that_remembers_little_stores_as_much(
    had: frozenset[int], steps: list[tuple[str, int, int]], kept: int
) -> None:
    source = Source(had)
    settled = play(BarLedger(MINUTES, START_MS, kept=kept), source, steps)
    assert stored(settled) == source.bars


@given(HAD, st.lists(st.one_of(OFFERS, FILLS), max_size=80))
def test_flat_bars_lie_at_the_close_before_them(had: frozenset[int], steps: list[tuple[str, int, int]]) -> None:
    source = Source(had)
    book = BarLedger(MINUTES, START_MS)
    # From the start all is settled, so that every step changes the past.
    settled = book.fill(span(0, LAST), source.history(0, LAST)) + play(book, source, steps)
    served = {each.bar.open_ms: each.bar for each in settled}
    window = book.window(LAST)
    # What was told one by one comes to the same as the window: a bot that follows it has the same candles.
    assert [served[each.open_ms] for each in window] == window
    for before, each in pairwise(window):
        if not each.volume:
            assert each.prices == (before.close, before.close, before.close, before.close, 0)


ANY_TIME = st.integers(-(10**9), 10**9)
ANYTHING = st.one_of(st.tuples(ANY_TIME, CLOSES, st.booleans()), st.tuples(st.integers(0, 40), CLOSES, st.booleans()))


@given(st.lists(ANYTHING, min_size=100, max_size=300), st.integers(1, 4))
@settings(max_examples=50)
def test_memory_is_bounded_whatever_comes(offers: list[tuple[int, int, bool]], kept: int) -> None:
    book = BarLedger(MINUTES, START_MS, kept=kept)
    for minute, close, is_closed in offers:
        book.offer(bar(minute, close, is_closed=is_closed))
        # At most `kept` settled, as many held, and one that forms.
        assert len(pickle.dumps(book)) < 1000 + 250 * (2 * kept + 1)
