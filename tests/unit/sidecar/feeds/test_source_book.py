"""A source's book: what cannot be true is set aside, what settles is told once, what is missing is known."""

import asyncio

from shared.domain.bar_checks import Defect
from shared.domain.bar_ledger import Outcome
from shared.domain.bars import Span
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.source_book import GRACE_MS
from tests.conftest import VirtualRun
from tests.unit.sidecar.feeds.feed_samples import MINUTE_MS, START_MS, Books, bar

HOUR_MS = 60 * MINUTE_MS


def minutes_of(books: Books) -> list[tuple[int, Outcome]]:
    return [
        ((each.bar.open_ms - START_MS) // MINUTE_MS, each.outcome)
        for each in books.settled
        if each.bar.series.timeframe is Timeframe.MINUTE
    ]


def test_what_is_wanted_is_missing_until_it_is_filled(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        missing = {timeframe: span for _, timeframe, span in books.book.missing()}
        assert missing[Timeframe.MINUTE] == Span(START_MS - HOUR_MS, START_MS - MINUTE_MS)
        assert not books.book.is_whole
        books.fill_all()
        assert books.book.is_whole
        await asyncio.sleep((MINUTE_MS + GRACE_MS) / 1000 + 1)
        assert not books.book.is_whole, "two minutes have passed since"

    run_virtual(use())


def test_it_goes_on_where_earlier_books_ended(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books(last_good={Timeframe.MINUTE: START_MS - 5 * HOUR_MS - MINUTE_MS})
        books.book.want({"BTC-USDT": 60})
        missing = {timeframe: span for _, timeframe, span in books.book.missing()}
        assert missing[Timeframe.MINUTE].since_ms == START_MS - 6 * HOUR_MS, "from the hour before on"

    run_virtual(use())


def test_after_a_long_absence_it_goes_back_thirty_days(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books(last_good={Timeframe.MINUTE: START_MS - 400 * 24 * HOUR_MS})
        books.book.want({"BTC-USDT": 60})
        missing = {timeframe: span for _, timeframe, span in books.book.missing()}
        assert missing[Timeframe.MINUTE].since_ms == START_MS - 30 * 24 * HOUR_MS

    run_virtual(use())


def test_a_bar_that_cannot_be_true_is_set_aside_and_stays_missing(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        books.fill_all()
        await asyncio.sleep(121)
        books.book.reported([bar(-1), bar(0, "-5"), bar(500)])
        assert [defect for _, defect in books.quarantined] == [Defect.NOT_POSITIVE, Defect.FUTURE]
        assert books.book.quarantined_bars.total() == 2
        assert ("BTC-USDT", Timeframe.MINUTE, Span(START_MS, START_MS + MINUTE_MS)) in list(books.book.missing())

    run_virtual(use())


def test_an_answer_with_a_bar_that_cannot_be_true_proves_no_minute_empty(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        books.fill_all()
        await asyncio.sleep(190)
        span = Span(START_MS - MINUTE_MS, START_MS + 2 * MINUTE_MS)
        books.settled.clear()
        books.book.filled("BTC-USDT", Timeframe.MINUTE, span, [bar(-1), bar(0, "-5")])
        assert minutes_of(books) == [(-1, Outcome.NEW)]
        books.book.filled("BTC-USDT", Timeframe.MINUTE, span, [bar(-1), bar(1)])
        assert minutes_of(books) == [(-1, Outcome.NEW), (0, Outcome.EMPTY), (1, Outcome.NEW)]

    run_virtual(use())


def test_a_bar_that_is_never_true_holds_the_others_up_for_three_answers_only(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        books.fill_all()
        await asyncio.sleep(190)
        span = Span(START_MS - MINUTE_MS, START_MS + 2 * MINUTE_MS)
        books.settled.clear()
        for _ in range(2):
            books.book.filled("BTC-USDT", Timeframe.MINUTE, span, [bar(-1), bar(0, "-5"), bar(1)])
        assert minutes_of(books) == [(-1, Outcome.NEW)]
        books.book.filled("BTC-USDT", Timeframe.MINUTE, span, [bar(-1), bar(0, "-5"), bar(1)])
        assert minutes_of(books) == [(-1, Outcome.NEW), (0, Outcome.EMPTY), (1, Outcome.NEW)]
        books.book.reported([bar(0, "7")])
        assert minutes_of(books)[3:4] == [(0, Outcome.REVISED)], "once it is true it counts"

    run_virtual(use())


def test_a_bar_that_seems_too_early_is_waited_for(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        books.fill_all()
        span = Span(START_MS - MINUTE_MS, START_MS + 6 * MINUTE_MS)
        books.settled.clear()
        for _ in range(5):
            books.book.filled("BTC-USDT", Timeframe.MINUTE, span, [bar(-1), bar(5)])
        assert minutes_of(books) == [(-1, Outcome.NEW)]

    run_virtual(use())


def test_minutes_that_are_not_asked_for_now_keep_no_source_from_being_whole(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60, "ETH-USDT": 60})
        books.fill_all()
        await asyncio.sleep(125)
        books.book.reported([bar(-1), bar(0), bar(1)])
        assert not books.book.is_whole_but_for(frozenset({"ETH-USDT"})), (
            "the quarter that has passed is asked for all the same"
        )
        for symbol, timeframe, span in list(books.book.missing()):
            if timeframe is not Timeframe.MINUTE:
                opened = (span.since_ms - START_MS) // MINUTE_MS
                books.book.filled(symbol, timeframe, span, [bar(opened, symbol=symbol, timeframe=timeframe)])
        assert not books.book.is_whole_but_for(frozenset())
        assert books.book.is_whole_but_for(frozenset({"ETH-USDT"}))
        assert not books.book.is_whole_but_for(frozenset({"BTC-USDT"}))

    run_virtual(use())


def test_quarters_and_hours_are_built_of_minutes_and_told_after_them(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        books.fill_all()
        await asyncio.sleep(16 * 60)
        books.settled.clear()
        books.book.reported([bar(minute, str(100 + minute)) for minute in range(-1, 15)])
        *minutes, quarter = (each for each in books.settled if each.bar.open_ms >= START_MS)
        assert [each.bar.series.timeframe for each in minutes] == [Timeframe.MINUTE] * 15
        assert quarter.bar.series.timeframe is Timeframe.QUARTER
        assert (quarter.bar.open, quarter.bar.close, quarter.bar.volume) == (100, 114, 15)

    run_virtual(use())


def test_a_longer_book_begins_anew_a_shorter_wish_changes_nothing(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        first = books.book.book("BTC-USDT")
        books.book.want({"BTC-USDT": 30})
        assert books.book.book("BTC-USDT") is first
        books.book.want({"BTC-USDT": 61})
        assert books.book.book("BTC-USDT") is not first
        books.book.want({})
        assert books.book.symbols == frozenset()
        books.book.reported([bar(0)])  # still on its way

    run_virtual(use())


def test_a_symbol_without_a_bar_as_far_as_it_goes_back_is_lacking(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60, "XYZ-USDT": 60})
        assert not books.book.lacks("XYZ-USDT"), "not known yet"
        for symbol, timeframe, span in list(books.book.missing()):
            bars = [bar(-2, timeframe=timeframe)] if symbol == "BTC-USDT" and timeframe is Timeframe.MINUTE else []
            books.book.filled(symbol, timeframe, span, bars)
        assert books.book.lacks("XYZ-USDT")
        assert not books.book.lacks("BTC-USDT")
        assert not books.book.lacks("ETH-USDT"), "nobody asked for it"

    run_virtual(use())


def test_a_symbol_the_source_says_it_does_not_have_is_asked_for_again_later(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        books.fill_all()
        await asyncio.sleep(121)
        books.book.refuse("BTC-USDT", "no such symbol")
        assert books.book.is_whole
        await asyncio.sleep(16 * 60)
        assert not books.book.is_whole
        assert books.book.lacks("BTC-USDT"), "until it has answered"
        books.fill_all()
        assert books.book.is_whole
        assert not books.book.lacks("BTC-USDT")

    run_virtual(use())


def test_a_source_whose_clock_is_ahead_is_not_asked_for_what_goes_on(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60})
        books.fill_all()
        books.skew_ms = 2.0 * MINUTE_MS
        assert books.book.is_whole, "those two minutes have not been"
        await asyncio.sleep((MINUTE_MS + GRACE_MS) / 1000 + 1)
        assert not books.book.is_whole

    run_virtual(use())


def test_when_our_clock_is_behind_a_bar_that_came_tells_the_time(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        books = Books()
        books.book.want({"BTC-USDT": 60, "ETH-USDT": 60})
        books.fill_all()
        books.skew_ms = 5.0 * MINUTE_MS
        books.book.reported([bar(minute) for minute in range(-1, 4)])
        missing = dict.fromkeys(
            symbol for symbol, timeframe, _ in books.book.missing() if timeframe is Timeframe.MINUTE
        )
        assert list(missing) == ["ETH-USDT"], "which must have had bars meanwhile"

    run_virtual(use())
