"""A real Hummingbot connector turned to paper, with a public market the test writes by hand and no network."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bidict import bidict
from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, TradeType
from hummingbot.core.data_type.order_book import OrderBook
from hummingbot.core.data_type.order_book_row import OrderBookRow
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import (
    BuyOrderCompletedEvent,
    BuyOrderCreatedEvent,
    MarketEvent,
    MarketOrderFailureEvent,
    OrderBookTradeEvent,
    OrderCancelledEvent,
    OrderFilledEvent,
    SellOrderCompletedEvent,
    SellOrderCreatedEvent,
)

from shared.paper.injection import create_paper_trade_market

PAIR = "BTC-USDT"
ENDS = (BuyOrderCompletedEvent, SellOrderCompletedEvent, OrderCancelledEvent, MarketOrderFailureEvent)
CREATIONS = (BuyOrderCreatedEvent, SellOrderCreatedEvent)
# Longer than the round trip of an order and Hummingbot's own follow-ups.
SETTLED_S = 1.0

Levels = Iterable[tuple[float, float]]


class PaperExchange:
    """A paper connector with one pair. Make it inside a running event loop.

    Attributes:
        connector: The connector.
        events: What its listeners were told, in order.
    """

    def __init__(self, name: str = "binance", usdt: int = 1_000, btc: int = 0) -> None:
        self.connector: Any = create_paper_trade_market(name, [PAIR])
        self.connector._set_trading_pair_symbol_map(bidict({"BTCUSDT": PAIR}))
        self.connector._trading_rules[PAIR] = TradingRule(
            PAIR,
            min_order_size=Decimal("0.001"),
            min_price_increment=Decimal("0.01"),
            min_base_amount_increment=Decimal("0.001"),
            min_notional_size=Decimal(5),
            buy_order_collateral_token="USDT",
            sell_order_collateral_token="USDT",
        )
        self.book = OrderBook()
        self.connector.order_book_tracker._order_books[PAIR] = self.book
        self._update_id = 0
        self.set_book(bids=[(99, 1), (98, 2)], asks=[(100, 1), (101, 2)])
        self.connector.set_balance("USDT", usdt)
        if btc:
            self.connector.set_balance("BTC", btc)
        self.events: list[Any] = []
        self._listener = EventForwarder(self.events.append)
        for tag in MarketEvent:
            self.connector.add_listener(tag, self._listener)

    # The public market.

    def set_book(self, bids: Levels, asks: Levels) -> None:
        self._update_id += 1
        rows = [[OrderBookRow(price, amount, self._update_id) for price, amount in side] for side in (bids, asks)]
        self.book.apply_snapshot(*rows, self._update_id)

    async def tick(self) -> None:
        """The bot's clock ticks, and what follows from it happens."""
        self.connector.tick(1.0)
        await asyncio.sleep(SETTLED_S)

    async def public_trade(self, price: float, amount: float) -> None:
        self.book.apply_trade(OrderBookTradeEvent(PAIR, 1.0, TradeType.SELL, price, amount))
        await asyncio.sleep(SETTLED_S)

    # The account.

    async def place(
        self,
        side: TradeType,
        amount: str,
        price: str | None = None,
        *,
        post_only: bool = False,
        action: PositionAction = PositionAction.OPEN,
        wait: bool = True,
    ) -> str:
        """Place an order (MARKET without a price) and let what follows from it happen."""
        kind = OrderType.MARKET if price is None else OrderType.LIMIT_MAKER if post_only else OrderType.LIMIT
        place = self.connector.buy if side is TradeType.BUY else self.connector.sell
        limit = Decimal("NaN") if price is None else Decimal(price)
        order_id = str(place(PAIR, Decimal(amount), kind, limit, position_action=action))
        if wait:
            await asyncio.sleep(SETTLED_S)
        return order_id

    async def cancel(self, order_id: str) -> None:
        self.connector.cancel(PAIR, order_id)
        await asyncio.sleep(SETTLED_S)

    async def set_mode(self, mode: PositionMode) -> None:
        self.connector.set_position_mode(mode)
        await asyncio.sleep(SETTLED_S)
        assert self.connector.position_mode is mode

    def free(self, asset: str) -> Decimal:
        return self.connector.get_available_balance(asset)

    def total(self, asset: str) -> Decimal:
        return self.connector.get_balance(asset)

    # What listeners heard.

    def of(self, order_id: str, *kinds: type) -> list[Any]:
        return [event for event in self.events if event.order_id == order_id and isinstance(event, kinds or object)]

    def fills(self, order_id: str) -> list[tuple[Decimal, Decimal]]:
        """Price and amount of each fill."""
        return [(event.price, event.amount) for event in self.of(order_id, OrderFilledEvent)]

    def fees(self, order_id: str) -> list[Decimal]:
        return [event.trade_fee.flat_fees[0].amount for event in self.of(order_id, OrderFilledEvent)]

    def failure(self, order_id: str) -> str:
        """The message of the order's failure."""
        (event,) = self.of(order_id, MarketOrderFailureEvent)
        return str(event.error_message)

    def end(self, order_id: str) -> str:
        """How the order ended; empty while it is open."""
        ends = self.of(order_id, *ENDS)
        assert len(ends) <= 1, ends
        return type(ends[0]).__name__ if ends else ""
