"""Fills take what is on offer: never more than asked, never worse than the limit, the best price first."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fills import BookLevel, Match, crosses, fill_resting, trades_through, walk_book
from shared.domain.signals import Side

sides = st.sampled_from(Side)
amounts = st.integers(1, 500).map(lambda steps: Decimal(steps) / 100)
prices = st.integers(1, 60).map(Decimal)


@st.composite
def books(draw: st.DrawFn, side: Side) -> list[BookLevel]:
    """What a taker of `side` meets, best first; levels already taken whole offer nothing."""
    found = draw(st.sets(prices, max_size=12))
    ordered = sorted(found, reverse=side is Side.SELL)
    return [BookLevel(price, draw(st.one_of(amounts, st.just(Decimal(0))))) for price in ordered]


@given(sides, amounts, st.one_of(st.none(), prices), st.data())
def test_a_taker_walks_the_book(side: Side, amount: Decimal, limit: Decimal | None, data: st.DataObject) -> None:
    levels = data.draw(books(side))
    matches = walk_book(side, amount, levels, limit)
    offered = {level.price: level.amount for level in levels}
    reachable = sum(level.amount for level in levels if limit is None or crosses(side, limit, level.price))
    assert sum(match.amount for match in matches) == min(amount, reachable)
    assert all(0 < match.amount <= offered[match.price] for match in matches)
    if limit is not None:
        assert all(match.price <= limit if side is Side.BUY else match.price >= limit for match in matches)
    for better, worse in pairwise(matches):
        assert better.price < worse.price if side is Side.BUY else better.price > worse.price
        assert better.amount == offered[better.price], "a worse price is paid only once the better one is exhausted"


def test_a_partial_fill_takes_only_what_it_needs_of_the_last_level() -> None:
    asks = [
        BookLevel(Decimal(100), Decimal(1)),
        BookLevel(Decimal(101), Decimal(2)),
        BookLevel(Decimal(102), Decimal(9)),
    ]
    assert walk_book(Side.BUY, Decimal("1.5"), asks) == (
        Match(Decimal(100), Decimal(1)),
        Match(Decimal(101), Decimal("0.5")),
    )
    assert walk_book(Side.BUY, Decimal(9), asks, Decimal(101)) == (
        Match(Decimal(100), Decimal(1)),
        Match(Decimal(101), Decimal(2)),
    )
    assert walk_book(Side.BUY, Decimal(1), asks, Decimal(99)) == ()
    assert walk_book(Side.BUY, Decimal(1), []) == ()


@given(sides, amounts, prices, st.data())
def test_a_resting_order_is_filled_at_its_own_price(
    side: Side, amount: Decimal, limit: Decimal, data: st.DataObject
) -> None:
    levels = data.draw(books(side))
    taken = sum(match.amount for match in walk_book(side, amount, levels, limit))
    match = fill_resting(side, amount, limit, levels)
    assert match == (Match(limit, Decimal(taken)) if taken else None)


@pytest.mark.parametrize(
    ("side", "traded", "through"),
    [
        (Side.BUY, 99, True),
        (Side.BUY, 100, False),
        (Side.BUY, 101, False),
        (Side.SELL, 101, True),
        (Side.SELL, 100, False),
        (Side.SELL, 99, False),
    ],
)
def test_a_trade_at_the_price_is_not_through_it(side: Side, traded: int, through: bool) -> None:
    assert trades_through(side, Decimal(100), Decimal(traded)) is through


@pytest.mark.parametrize(
    ("side", "opposite", "crossed"),
    [
        (Side.BUY, 99, True),
        (Side.BUY, 100, True),
        (Side.BUY, 101, False),
        (Side.SELL, 101, True),
        (Side.SELL, 100, True),
        (Side.SELL, 99, False),
    ],
)
def test_a_book_at_the_price_crosses(side: Side, opposite: int, crossed: bool) -> None:
    assert crosses(side, Decimal(100), Decimal(opposite)) is crossed
