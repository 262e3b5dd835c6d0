"""The paper venue's matching: which resting and arriving orders the public market fills, and for how much.

Sees the public order book and the public trades, knows nothing of accounts or of Hummingbot's orders.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from shared.domain.fills import ZERO, BookLevel, Match, crosses, fill_resting, trades_through, walk_book
from shared.domain.signals import Side
from shared.paper.orders import PaperOrder, TakenLiquidity

# Returns Hummingbot's public order book of a pair (hummingbot/core/data_type/order_book.pyx).
BookOf = Callable[[str], Any]
# Called for each fill: the order, the match, whether we were the maker.
OnMatch = Callable[[PaperOrder, Match, bool], None]


class MatchingEngine:
    """Keeps the resting orders and fills them.

    Args:
        book_of: Gives the public book of a pair.
        on_match: Told of each fill, before the order's `filled` is read again.
    """

    def __init__(self, book_of: BookOf, on_match: OnMatch) -> None:
        self._book_of = book_of
        self._on_match = on_match
        self._resting: dict[str, dict[str, PaperOrder]] = defaultdict(dict)
        self._taken: dict[tuple[str, Side], TakenLiquidity] = defaultdict(TakenLiquidity)

    def pairs_with_orders(self) -> list[str]:
        return [pair for pair, orders in self._resting.items() if orders]

    def would_take(self, order: PaperOrder) -> bool:
        """Whether the order would trade at once."""
        best = next(self._public_levels(order.pair, order.side.opposite), None)
        return best is not None and (order.limit_price is None or crosses(order.side, order.limit_price, best.price))

    def quote(self, order: PaperOrder) -> tuple[Match, ...]:
        """What the book would give the order now, without taking it."""
        offered = self._offered(order.pair, order.side)
        return walk_book(order.side, order.remaining, offered, order.limit_price)

    def match_arriving(self, order: PaperOrder) -> None:
        """Let a new order take what the book offers; what is left of a limit order rests."""
        if not order.post_only:
            matches = self.quote(order)
            opposite = self._public_levels(order.pair, order.side.opposite)
            self._taken[(order.pair, order.side)].take(opposite, matches)
            for match in matches:
                self._on_match(order, match, False)
        if order.is_open and order.limit_price is not None:
            self._resting[order.pair][order.order_id] = order

    def remove(self, order: PaperOrder) -> bool:
        """Take an order off the book. Whether it was there."""
        return self._resting[order.pair].pop(order.order_id, None) is not None

    def on_book(self, pair: str) -> None:
        """Fill the resting orders which the public book of `pair` has crossed."""
        for order in list(self._resting[pair].values()):
            assert order.limit_price is not None
            best = next(self._public_levels(pair, order.side.opposite), None)
            if best is None or not crosses(order.side, order.limit_price, best.price):
                continue
            matches = walk_book(order.side, order.remaining, self._offered(pair, order.side), order.limit_price)
            resting_fill = fill_resting(order.side, order.remaining, order.limit_price, self._offered(pair, order.side))
            if resting_fill is not None:
                opposite = self._public_levels(pair, order.side.opposite)
                self._taken[(pair, order.side)].take(opposite, matches)
                self._fill_resting(order, resting_fill)

    def on_public_trade(self, pair: str, price: Decimal, amount: Decimal) -> None:
        """Fill the resting orders a public trade went through, best price first, from the trade's amount."""
        left = amount
        orders = [order for order in self._resting[pair].values() if self._gone_through(order, price)]
        for order in sorted(orders, key=lambda order: abs((order.limit_price or ZERO) - price), reverse=True):
            if left <= ZERO:
                return
            assert order.limit_price is not None
            match = Match(order.limit_price, min(left, order.remaining))
            left -= match.amount
            self._fill_resting(order, match)

    @staticmethod
    def _gone_through(order: PaperOrder, price: Decimal) -> bool:
        assert order.limit_price is not None
        return trades_through(order.side, order.limit_price, price)

    def _fill_resting(self, order: PaperOrder, match: Match) -> None:
        self._on_match(order, match, True)
        if not order.is_open:
            self._resting[order.pair].pop(order.order_id, None)

    def _offered(self, pair: str, taker: Side) -> Iterator[BookLevel]:
        return self._taken[(pair, taker)].remaining(self._public_levels(pair, taker.opposite))

    def _public_levels(self, pair: str, side: Side) -> Iterator[BookLevel]:
        book = self._book_of(pair)
        rows = book.ask_entries() if side is Side.SELL else book.bid_entries()
        for row in rows:
            # The book keeps floats; their shortest decimal form is the price and amount the venue sent.
            yield BookLevel(Decimal(repr(row.price)), Decimal(repr(row.amount)))
