"""Built bars are those of the minutes they cover, whole or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bar_building import BarBuilder, build, differs
from shared.domain.bar_ledger import BarLedger, Outcome, Settled
from shared.domain.bars import Bar, Series
from shared.domain.stored import Timeframe
from tests.unit.domain.bar_samples import MINUTES, START_MS, at, bar, span

QUARTERS = Series("polygon", "BTC-USD", Timeframe.QUARTER)


def builder(timeframe: Timeframe = Timeframe.QUARTER, *, kept: int = 1500) -> BarBuilder:
    return BarBuilder(MINUTES, timeframe, kept=kept)


def new(minute: int, close: int = 100) -> Settled:
    return Settled(bar(minute, close), Outcome.NEW, 0)


def flat(minute: int, close: int = 100, revision: int = 0) -> Settled:
    last = Decimal(close)
    return Settled(Bar(MINUTES, at(minute), last, last, last, last, Decimal(0), True), Outcome.EMPTY, revision)


def give(maker: BarBuilder, *minutes: Settled) -> list[Settled]:
    return [built for minute in minutes for built in maker.add(minute)]


def test_a_quarter_is_built_of_its_fifteen_minutes() -> None:
    maker = builder()
    assert give(maker, *[new(minute, 100 + minute) for minute in range(14)]) == []
    (built,) = give(maker, new(14, 90))
    assert built.outcome is Outcome.NEW
    assert (built.bar.series, built.bar.open_ms, built.bar.is_closed) == (QUARTERS, START_MS, True)
    assert built.bar.prices == (101, 115, 90, 90, sum(range(100, 114)) + 90)


def test_an_hour_is_built_of_sixty() -> None:
    maker = builder(Timeframe.HOUR)
    built = give(maker, *[new(minute) for minute in range(180)])
    assert [each.bar.open_ms for each in built] == [at(0), at(60), at(120)]


def test_a_bar_whose_first_minutes_are_unknown_is_never_built() -> None:
    built = give(builder(), *[new(minute) for minute in range(3, 31)])
    assert [each.bar.open_ms for each in built] == [at(15)]


def test_empty_minutes_have_no_prices_to_add() -> None:
    maker = builder()
    minutes = [flat(minute, 500) if minute in (0, 14) else new(minute) for minute in range(15)]
    (built,) = give(maker, *minutes)
    assert built.bar.prices == (101, 102, 100, 100, 1300)


def test_a_quarter_without_a_trade_is_empty_and_flat() -> None:
    (built,) = give(builder(), *[flat(minute) for minute in range(15)])
    assert built.outcome is Outcome.EMPTY
    assert built.bar.prices == (100, 100, 100, 100, 0)


def test_a_revised_minute_revises_its_quarter() -> None:
    maker = builder()
    give(maker, *[new(minute) for minute in range(30)])
    first = Settled(bar(3, 200), Outcome.REVISED, 1)
    again = Settled(bar(3, 210), Outcome.REVISED, 2)
    built = give(maker, first, again)
    assert [(each.bar.open_ms, each.outcome, each.revision) for each in built] == [
        (at(0), Outcome.REVISED, 1),
        (at(0), Outcome.REVISED, 2),
    ]
    assert built[1].bar.high == 212


def test_a_revision_that_leaves_the_quarter_as_it_was_is_not_told() -> None:
    maker = builder()
    give(maker, *[new(minute) for minute in range(15)])
    assert give(maker, Settled(bar(3), Outcome.REVISED, 1)) == []


def test_a_late_trade_ends_an_empty_quarter() -> None:
    maker = builder()
    give(maker, *[flat(minute) for minute in range(15)])
    (built,) = give(maker, Settled(flat(4).bar, Outcome.REVISED, 1))
    assert (built.outcome, built.revision) == (Outcome.REVISED, 1)


def test_an_empty_quarter_moves_once_with_the_close_before_it() -> None:
    maker = builder()
    give(maker, *[flat(minute) for minute in range(15)])
    built = give(maker, *[flat(minute, 90, 1) for minute in range(15)])
    assert [(each.outcome, each.revision, each.bar.close) for each in built] == [(Outcome.EMPTY, 1, 90)]


def test_a_quarter_too_old_to_be_remembered_is_counted() -> None:
    maker = builder(kept=30)
    give(maker, *[new(minute) for minute in range(60)])
    assert give(maker, Settled(bar(1, 90), Outcome.REVISED, 1)) == []
    assert maker.too_old == 1
    assert give(maker, Settled(bar(29, 90), Outcome.REVISED, 1)) == []
    assert maker.too_old == 2
    assert [each.bar.open_ms for each in give(maker, Settled(bar(30, 90), Outcome.REVISED, 1))] == [at(30)]


@pytest.mark.parametrize("series", [QUARTERS, Series("binance", "BTC-USDT", Timeframe.MINUTE)])
def test_minutes_of_another_series_are_refused(series: Series) -> None:
    with pytest.raises(ValueError, match="given to a builder"):
        builder().add(Settled(bar(0, series=series), Outcome.NEW, 0))


def test_bars_are_built_of_shorter_ones() -> None:
    with pytest.raises(ValueError, match="cannot be built"):
        builder(Timeframe.MINUTE)


@given(
    st.lists(st.tuples(st.integers(0, 59), st.integers(90, 110)), max_size=60),
    st.frozensets(st.integers(0, 59)),
    st.sampled_from([Timeframe.QUARTER, Timeframe.HOUR]),
)
def test_what_is_built_in_the_end_is_built_of_what_the_ledger_has_in_the_end(
    revisions: list[tuple[int, int]], had: frozenset[int], timeframe: Timeframe
) -> None:
    book, maker = BarLedger(MINUTES, START_MS), builder(timeframe)
    had |= {0}  # so that the ledger begins with the hour
    settled = book.fill(span(0, 60), [bar(minute) for minute in had])
    for minute, close in revisions:
        settled += book.offer(bar(minute, close))
    built = {each.bar.open_ms: each for each in give(maker, *settled)}
    window = book.window(60)
    size = timeframe.seconds // 60
    assert list(built) == [at(minute) for minute in range(0, 60, size)]
    for first in range(0, 60, size):
        minutes = window[first : first + size]
        traded = [each for each in minutes if each.volume]
        whole = build(maker.series, at(first), traded or minutes)
        assert built[at(first)].bar.prices == whole.prices
        assert (built[at(first)].outcome is Outcome.EMPTY) == (not traded)


def quarter(close: str = "100", volume: str = "10") -> Bar:
    last = Decimal(close)
    return Bar(QUARTERS, START_MS, Decimal(100), Decimal(110), Decimal(90), last, Decimal(volume), is_closed=True)


@pytest.mark.parametrize(
    ("close", "volume", "expected"),
    [
        ("100", "10", False),
        ("100.00000001", "10", False),
        ("100.000001", "10", True),
        ("99.999999", "10", True),
        ("100", "10.000001", False),
        ("100", "10.0001", True),
        ("100", "0", True),
    ],
)
def test_a_built_bar_differs_by_more_than_rounding(close: str, volume: str, expected: bool) -> None:
    assert differs(quarter(), quarter(close, volume)) is expected
    assert differs(quarter(close, volume), quarter()) is expected


def test_bars_without_volume_agree() -> None:
    assert not differs(quarter(volume="0"), quarter(volume="0"))


def test_only_the_same_bar_is_compared() -> None:
    with pytest.raises(ValueError, match="not the same bar"):
        differs(quarter(), bar(0))
