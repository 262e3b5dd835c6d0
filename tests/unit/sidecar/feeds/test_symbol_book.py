"""One symbol's three ledgers: where they begin, and that they agree with each other."""

import pytest

from shared.domain.bar_ledger import Outcome, Settled
from shared.domain.bars import Span
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.symbol_book import SymbolBook
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, bar

MINUTE, QUARTER, HOUR = Timeframe


def book(kept: int = 60, now: int = 0, last_good: dict[Timeframe, int] | None = None) -> SymbolBook:
    """A book begun so many minutes after the tests' clock."""
    return SymbolBook("binance", "BTC-USDT", kept, START_MS + now * MINUTE_MS, last_good or {})


def begins(begun: SymbolBook) -> dict[Timeframe, int]:
    """Minutes at which its ledgers begin."""
    return {timeframe: (ledger.next_ms - START_MS) // MINUTE_MS for timeframe, ledger in begun.ledgers.items()}


def span(since: int, until: int) -> Span:
    return Span(START_MS + since * MINUTE_MS, START_MS + until * MINUTE_MS)


def short(settled: list[Settled]) -> list[tuple[Timeframe, int, Outcome]]:
    return [(each.bar.series.timeframe, (each.bar.open_ms - START_MS) // MINUTE_MS, each.outcome) for each in settled]


@pytest.mark.parametrize("now", [0, 1, 59])
def test_each_ledger_begins_at_a_whole_hour_with_as_many_bars_as_are_wanted(now: int) -> None:
    each = begins(book(kept=90, now=now))
    assert all(minute % 60 == 0 for minute in each.values())
    for timeframe, minute in each.items():
        bars = (now - minute) * 60 // timeframe.seconds
        assert 90 <= bars <= 90 + 3600 // timeframe.seconds


def test_each_goes_on_where_it_ended_thirty_days_back_at_most() -> None:
    last_good = {MINUTE: START_MS - 300 * MINUTE_MS, HOUR: START_MS - 400 * 24 * 60 * MINUTE_MS}
    assert begins(book(last_good=last_good)) == {MINUTE: -300, QUARTER: -900, HOUR: -30 * 24 * 60}
    ahead = {MINUTE: START_MS + 500 * MINUTE_MS}
    assert begins(book(last_good=ahead))[MINUTE] == -60, "a clock that was wrong leaves no hole"


def test_what_is_built_of_minutes_stands_in_the_longer_ledgers() -> None:
    begun = book()
    begun.fill(HOUR, span(-3600, 0), [bar(-60, timeframe=HOUR)])
    begun.fill(QUARTER, span(-900, 0), [bar(-15, timeframe=QUARTER)])
    settled = begun.fill(MINUTE, span(-60, 60), [bar(minute) for minute in range(-60, 60)])
    longer = [each for each in short(settled) if each[0] is not MINUTE and each[1] >= 0]
    assert sorted(longer) == sorted(
        [(QUARTER, minute, Outcome.NEW) for minute in (0, 15, 30, 45)] + [(HOUR, 0, Outcome.NEW)]
    )
    assert short(begun.offer(bar(20, "120"))) == [
        (MINUTE, 20, Outcome.REVISED),
        (QUARTER, 15, Outcome.REVISED),
        (HOUR, 0, Outcome.REVISED),
    ]


def test_a_quarter_without_a_trade_is_empty_until_a_late_trade() -> None:
    begun = book()
    begun.fill(QUARTER, span(-900, 0), [bar(-15, timeframe=QUARTER)])
    settled = begun.fill(MINUTE, span(-60, 15), [bar(minute) for minute in range(-60, 0)])
    assert short(settled)[-1] == (QUARTER, 0, Outcome.EMPTY)
    assert short(begun.offer(bar(3)))[-1] == (QUARTER, 0, Outcome.REVISED)
    (quarter,) = begun.ledgers[QUARTER].window(1)
    assert quarter.volume == 1


def test_the_longest_is_asked_for_first_and_has_time_to_be_built() -> None:
    begun = book()
    now_ms = START_MS + 60 * MINUTE_MS
    assert [timeframe for timeframe, _ in begun.missing(now_ms, 0)] == [HOUR, QUARTER, MINUTE]
    early = dict(begun.missing(now_ms + 6_000, 5_000))
    assert early[MINUTE].until_ms == now_ms
    assert early[QUARTER].until_ms == now_ms - 15 * MINUTE_MS
    late = dict(begun.missing(now_ms + 10_000, 5_000))
    assert {each.until_ms for each in late.values()} == {now_ms}


def test_a_minute_under_way_when_the_stream_broke_is_not_final_by_the_next_one() -> None:
    for is_interrupted in (False, True):
        begun = book()
        begun.fill(MINUTE, span(-60, 0), [bar(minute) for minute in range(-60, 0)])
        begun.offer(bar(0, is_closed=False))
        if is_interrupted:
            begun.interrupted()
        settled = begun.offer(bar(1, is_closed=False))
        assert bool(settled) is not is_interrupted
