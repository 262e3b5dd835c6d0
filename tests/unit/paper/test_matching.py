"""The matching engine: which public offers and trades fill which orders."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.fills import Match
from shared.domain.margin_account import PositionSlot
from shared.domain.signals import Side
from shared.paper.matching import MatchingEngine
from shared.paper.orders import PaperOrder, PaperOrderState

PAIR = "BTC-USDT"


@dataclass
class Row:
    """A row as Hummingbot's order book gives it: floats."""

    price: float
    amount: float


@dataclass
class Book:
    """A public book, best first on both sides."""

    bids: list[tuple[float, float]] = field(default_factory=list)
    asks: list[tuple[float, float]] = field(default_factory=list)

    def bid_entries(self) -> Iterator[Row]:
        return (Row(*level) for level in self.bids)

    def ask_entries(self) -> Iterator[Row]:
        return (Row(*level) for level in self.asks)


class Market:
    """An engine over a book, keeping orders as the connector does."""

    def __init__(self, bids: list[tuple[float, float]], asks: list[tuple[float, float]]) -> None:
        self.book = Book(bids, asks)
        self.matches: list[tuple[str, Match, bool]] = []
        self.engine = MatchingEngine(lambda pair: self.book, self.on_match)

    def on_match(self, order: PaperOrder, match: Match, maker: bool) -> None:
        assert match.amount <= order.remaining
        order.filled += match.amount
        order.state = PaperOrderState.FILLED if order.remaining <= 0 else PaperOrderState.PARTIALLY_FILLED
        self.matches.append((order.order_id, match, maker))

    def send(self, name: str, side: Side, amount: str, limit: str | None, *, post_only: bool = False) -> PaperOrder:
        order = PaperOrder(
            name,
            1,
            PAIR,
            side,
            Decimal(amount),
            None if limit is None else Decimal(limit),
            post_only,
            False,
            PositionSlot.NET,
        )
        self.engine.match_arriving(order)
        return order


def match(price: str, amount: str) -> Match:
    return Match(Decimal(price), Decimal(amount))


def test_an_arriving_order_takes_and_the_rest_waits() -> None:
    market = Market([(99, 1)], [(100, 1), (101, 1)])
    market.send("a", Side.BUY, "3", "100")
    assert market.matches == [("a", match("100.0", "1.0"), False)]
    assert market.engine.pairs_with_orders() == [PAIR]
    market.engine.on_book(PAIR)
    assert len(market.matches) == 1
    market.book.asks = [(99.5, 0.25)]
    market.engine.on_book(PAIR)
    assert market.matches[1:] == [("a", match("100", "0.25"), True)]


def test_a_market_order_never_rests() -> None:
    market = Market([], [(100, 1)])
    order = market.send("a", Side.BUY, "3", None)
    assert order.filled == 1
    assert market.engine.pairs_with_orders() == []


def test_a_post_only_order_never_takes() -> None:
    market = Market([(99, 1)], [(100, 1)])
    order = market.send("a", Side.BUY, "1", "101", post_only=True)
    assert market.engine.would_take(order)
    assert market.matches == []


def test_resting_orders_share_what_is_offered() -> None:
    market = Market([(99, 1)], [(102, 1)])
    for name in ("a", "b"):
        market.send(name, Side.BUY, "1", "100")
    market.book.asks = [(100, 1.5)]
    market.engine.on_book(PAIR)
    assert market.matches == [("a", match("100", "1"), True), ("b", match("100", "0.5"), True)]
    market.engine.on_book(PAIR)
    assert len(market.matches) == 2


def test_what_a_taker_took_is_not_left_for_a_resting_order() -> None:
    market = Market([(99, 1)], [(102, 1)])
    market.send("resting", Side.BUY, "1", "100")
    market.book.asks = [(100, 1)]
    market.send("taker", Side.BUY, "1", None)
    market.engine.on_book(PAIR)
    assert [name for name, _, _ in market.matches] == ["taker"]


def test_a_removed_order_is_filled_no_more() -> None:
    market = Market([(99, 1)], [(102, 1)])
    order = market.send("a", Side.SELL, "1", "101")
    assert market.engine.remove(order)
    assert not market.engine.remove(order)
    market.engine.on_public_trade(PAIR, Decimal(200), Decimal(9))
    market.book.bids = [(150, 9)]
    market.engine.on_book(PAIR)
    assert market.matches == []


def test_an_empty_book_fills_nothing() -> None:
    market = Market([], [])
    order = market.send("a", Side.BUY, "1", "100")
    assert not market.engine.would_take(order)
    assert market.engine.quote(order) == ()
    market.engine.on_book(PAIR)
    market.engine.on_book("ETH-USDT")
    market.engine.on_public_trade("ETH-USDT", Decimal(1), Decimal(1))
    assert market.matches == []


levels = st.lists(st.tuples(st.integers(90, 110), st.integers(1, 30).map(lambda n: n / 10)), max_size=6)
sends = st.tuples(
    st.sampled_from(Side),
    st.integers(1, 50).map(lambda n: str(Decimal(n) / 10)),
    st.one_of(st.none(), st.integers(88, 112).map(str)),
)


@given(levels, levels, st.lists(sends, min_size=1, max_size=8))
def test_an_unchanging_book_gives_each_offer_once(
    bids: list[tuple[int, float]], asks: list[tuple[int, float]], wanted: list[tuple[Side, str, str | None]]
) -> None:
    sides = {
        Side.SELL: dict(sorted(bids, reverse=True)),
        Side.BUY: dict(sorted(asks)),
    }
    market = Market(sorted(sides[Side.SELL].items(), reverse=True), sorted(sides[Side.BUY].items()))
    orders = [market.send(str(number), *want) for number, want in enumerate(wanted)]
    for _ in range(3):
        market.engine.on_book(PAIR)
    for side, offered in sides.items():
        taken = sum(order.filled for order in orders if order.side is side)
        assert taken <= sum(Decimal(str(amount)) for amount in offered.values())
    for name, found, maker in market.matches:
        limit = orders[int(name)].limit_price
        if limit is not None:
            assert found.price <= limit if orders[int(name)].side is Side.BUY else found.price >= limit
        assert maker is False, "what an unchanging book offers was taken on arrival"
