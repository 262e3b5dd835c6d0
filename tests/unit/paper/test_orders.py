"""What paper orders have taken from the public book is taken until the venue says something new about that price."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fills import BookLevel, Match, walk_book
from shared.domain.margin_account import PositionSlot
from shared.domain.signals import Side
from shared.paper.orders import PaperOrder, PaperOrderState, TakenLiquidity


def level(price: int, amount: str) -> BookLevel:
    return BookLevel(Decimal(price), Decimal(amount))


def test_a_level_is_whole_again_once_its_amount_changes() -> None:
    taken = TakenLiquidity()
    taken.take(iter([level(100, "1"), level(101, "2")]), (Match(Decimal(100), Decimal("0.75")),))
    assert list(taken.remaining(iter([level(100, "1"), level(101, "2")]))) == [level(100, "0.25"), level(101, "2")]
    assert list(taken.remaining(iter([level(100, "0.9")]))) == [level(100, "0.9")]
    assert list(taken.remaining(iter([level(100, "1")]))) == [level(100, "1")]


@given(
    st.dictionaries(st.integers(1, 9), st.integers(1, 50), min_size=1, max_size=5),
    st.lists(st.integers(1, 60), max_size=6),
)
def test_takers_together_get_what_is_displayed_and_no_more(offers: dict[int, int], wanted: list[int]) -> None:
    book = [level(price, str(amount)) for price, amount in sorted(offers.items())]
    taken = TakenLiquidity()
    got = Decimal(0)
    for amount in wanted:
        matches = walk_book(Side.BUY, Decimal(amount), taken.remaining(iter(book)))
        taken.take(iter(book), matches)
        got += sum(found.amount for found in matches)
    assert got == min(sum(wanted), sum(offers.values()))
    assert all(left.amount >= 0 for left in taken.remaining(iter(book)))


def test_an_order_is_open_until_a_final_state() -> None:
    order = PaperOrder("a", 1, "BTC-USDT", Side.BUY, Decimal(2), None, False, False, PositionSlot.NET)
    assert order.remaining == 2
    order.filled = Decimal("0.5")
    assert order.remaining == Decimal("1.5")
    opened = {PaperOrderState.OPEN, PaperOrderState.PARTIALLY_FILLED}
    for state in PaperOrderState:
        order.state = state
        assert order.is_open is (state in opened)
