"""The paper connector: a mixin over a REAL Hummingbot connector class that simulates only what needs an account.

Public data, symbol map, trading rules, quantisation, order tracking and events are inherited, so V2 executors meet what they
meet live. Placing and cancelling orders, their status, balances and fees are answered here. `spot` and `perpetual` add their
accounts. Nothing is ever sent to the venue's private endpoints.
"""

import asyncio
import itertools
import time
from collections import OrderedDict
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, ClassVar

from hummingbot.client.config.trade_fee_schema_loader import TradeFeeSchemaLoader
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.trade_fee import TradeFeeBase, TradeFeeSchema
from hummingbot.core.event.event_forwarder import EventForwarder
from hummingbot.core.event.events import OrderBookEvent, OrderBookTradeEvent
from hummingbot.core.utils.async_utils import safe_ensure_future

from shared.domain.fills import Match
from shared.domain.margin_account import PositionSlot
from shared.domain.signals import Side
from shared.domain.spot_account import AccountError
from shared.paper import rejection
from shared.paper.matching import MatchingEngine
from shared.paper.order_tracker import PaperOrderTracker
from shared.paper.orders import PaperOrder, PaperOrderState
from shared.paper.public_only import PublicOnlyConnector
from shared.paper.rejection import VenueRejection

# Order acknowledgement takes this long: the round trip a trader near the venue sees. The book may move meanwhile.
ORDER_LATENCY_S = 0.05
# Ended orders whose status can still be asked for.
_ENDED_ORDERS_KEPT = 10_000
_FEE_UNIT = Decimal("1e-8")

_STATES = {
    PaperOrderState.OPEN: OrderState.OPEN,
    PaperOrderState.PARTIALLY_FILLED: OrderState.PARTIALLY_FILLED,
    PaperOrderState.FILLED: OrderState.FILLED,
    PaperOrderState.CANCELLED: OrderState.CANCELED,
    PaperOrderState.EXPIRED: OrderState.FAILED,
}


class PaperConnector(PublicOnlyConnector):
    """What spot and perpetual paper connectors share. Mixed in front of the real connector class.

    Attributes:
        paper_base_name: Name of the real connector, e.g. "binance"; set on the class by the factory.
    """

    paper_base_name: ClassVar[str]

    def __init__(self, **parameters: Any) -> None:
        fees = TradeFeeSchemaLoader.configured_schema_for_exchange(exchange_name=self.paper_base_name)
        self._paper_fees = TradeFeeSchema(
            maker_percent_fee_decimal=fees.maker_percent_fee_decimal,
            taker_percent_fee_decimal=fees.taker_percent_fee_decimal,
        )
        self._venue_order_ids = itertools.count(1)
        self._trade_ids = itertools.count(1)
        self._open_orders: dict[str, PaperOrder] = {}
        self._ended_orders: OrderedDict[str, PaperOrder] = OrderedDict()
        self._trade_updates: dict[str, list[TradeUpdate]] = {}
        self._matching = MatchingEngine(lambda pair: self.get_order_book(pair), self._on_match)
        self._on_trade_forwarder = EventForwarder(self._on_public_trade)
        self._watched_books: dict[str, Any] = {}
        super().__init__(**parameters)

    # What the account kind answers; see spot.py and perpetual.py.

    def set_balance(self, asset: str, balance: Any) -> None:
        """Give the account a starting balance, as Hummingbot does from `paper_trade_account_balance`."""
        raise NotImplementedError

    def paper_balances(self) -> Mapping[str, Decimal]:
        """Total balance of each asset."""
        raise NotImplementedError

    def _lock_funds(self, order: PaperOrder, notional: Decimal, fee: Decimal) -> None:
        raise NotImplementedError

    def _release_funds(self, order: PaperOrder) -> None:
        raise NotImplementedError

    def _book_fill(self, order: PaperOrder, match: Match, fee: Decimal) -> TradeFeeBase:
        raise NotImplementedError

    def _publish_account(self) -> None:
        raise NotImplementedError

    def _post_only_reason(self) -> rejection.RejectionReason:
        raise NotImplementedError

    def _slot_of(self, side: Side, position_action: PositionAction) -> PositionSlot:
        raise NotImplementedError

    # Identity and fees.

    @property
    def name(self) -> str:
        return f"{self.paper_base_name}_paper_trade"

    def trade_fee_schema(self) -> TradeFeeSchema:
        return self._paper_fees

    def estimate_fee_pct(self, is_maker: bool) -> Decimal:
        fees = self._paper_fees
        return fees.maker_percent_fee_decimal if is_maker else fees.taker_percent_fee_decimal

    def _fee_quote(self, notional: Decimal, *, maker: bool) -> Decimal:
        """Cut to the venue's unit, so that the fees of an order's parts never exceed the fee of the whole."""
        return (notional * self.estimate_fee_pct(maker)).quantize(_FEE_UNIT, ROUND_DOWN)

    # Orders.

    def _create_order_tracker(self) -> PaperOrderTracker:
        return PaperOrderTracker(connector=self)

    async def _place_order(
        self,
        order_id: str,
        trading_pair: str,
        amount: Decimal,
        trade_type: TradeType,
        order_type: OrderType,
        price: Decimal,
        position_action: PositionAction = PositionAction.NIL,
        **_: Any,
    ) -> tuple[str, float]:
        await asyncio.sleep(ORDER_LATENCY_S)
        side = Side.BUY if trade_type is TradeType.BUY else Side.SELL
        order = PaperOrder(
            order_id=order_id,
            venue_order_id=next(self._venue_order_ids),
            pair=trading_pair,
            side=side,
            amount=amount,
            limit_price=None if order_type is OrderType.MARKET else price,
            post_only=order_type is OrderType.LIMIT_MAKER,
            closing=position_action is PositionAction.CLOSE,
            slot=self._slot_of(side, position_action),
        )
        self._accept(order)
        safe_ensure_future(self._match_once_acknowledged(order))
        return str(order.venue_order_id), time.time()

    def _accept(self, order: PaperOrder) -> None:
        """Take an order into the venue, or refuse it with the venue's code."""
        if order.post_only and self._matching.would_take(order):
            raise VenueRejection(self._post_only_reason())
        if order.limit_price is not None:
            notional = order.limit_price * order.amount
        else:
            offered = self._matching.quote(order)
            if not offered:
                raise VenueRejection(rejection.NO_LIQUIDITY, f"{order.pair} has no offers")
            notional = sum((match.price * match.amount for match in offered), Decimal(0))
        self._lock_funds(order, notional, self._fee_quote(notional, maker=False))
        self._open_orders[order.order_id] = order
        self._trade_updates[order.order_id] = []
        self._watch_trades(order.pair)
        self._publish_account()

    async def _match_once_acknowledged(self, order: PaperOrder) -> None:
        """Fill only after Hummingbot knows the order: a fill before its creation event would find no listener."""
        tracked = self._order_tracker.fetch_order(order.order_id)
        if tracked is not None:
            await tracked.wait_until_processed_by_exchange()
        if not order.is_open:
            return
        reason = rejection.NO_LIQUIDITY
        try:
            self._matching.match_arriving(order)
        except AccountError:
            # A market order was accepted at a price the book has left meanwhile.
            reason = rejection.INSUFFICIENT_BALANCE
        if order.is_open and order.limit_price is None:
            order.state = PaperOrderState.EXPIRED
            self._finish(order, {"error_type": "EXPIRED", "error_message": str(VenueRejection(reason))})

    async def _place_cancel(self, order_id: str, tracked_order: InFlightOrder) -> bool:
        await asyncio.sleep(ORDER_LATENCY_S)
        order = self._open_orders.get(order_id)
        if order is None:
            raise VenueRejection(rejection.UNKNOWN_ORDER)
        self._matching.remove(order)
        order.state = PaperOrderState.CANCELLED
        self._retire(order)
        return True

    async def _request_order_status(self, tracked_order: InFlightOrder) -> OrderUpdate:
        order = self._open_orders.get(tracked_order.client_order_id) or self._ended_orders.get(
            tracked_order.client_order_id
        )
        if order is None:
            raise VenueRejection(rejection.ORDER_NOT_EXIST)
        return self._order_update(order)

    async def _all_trade_updates_for_order(self, order: InFlightOrder) -> list[TradeUpdate]:
        return list(self._trade_updates.get(order.client_order_id, []))

    def _update_order_after_failure(self, order_id: str, trading_pair: str, exception: Exception | None = None) -> None:
        """Give the failures Hummingbot finds by itself the code the venue would have given them."""
        if isinstance(exception, ValueError):
            unsupported = "order types" in str(exception)
            reason = rejection.UNSUPPORTED_TYPE if unsupported else rejection.FILTER_FAILURE
            exception = VenueRejection(reason, str(exception))
        super()._update_order_after_failure(order_id, trading_pair, exception)

    # Fills.

    def tick(self, timestamp: float) -> None:
        super().tick(timestamp)
        for pair in self._matching.pairs_with_orders():
            self._matching.on_book(pair)

    def _watch_trades(self, pair: str) -> None:
        book = self.get_order_book(pair)
        if self._watched_books.get(pair) is not book:
            book.add_listener(OrderBookEvent.TradeEvent, self._on_trade_forwarder)
            self._watched_books[pair] = book

    def _on_public_trade(self, event: OrderBookTradeEvent) -> None:
        self._matching.on_public_trade(event.trading_pair, Decimal(str(event.price)), Decimal(str(event.amount)))

    def _on_match(self, order: PaperOrder, match: Match, maker: bool) -> None:
        fee_quote = self._fee_quote(match.price * match.amount, maker=maker)
        fee = self._book_fill(order, match, fee_quote)
        order.filled += match.amount
        order.state = PaperOrderState.FILLED if order.remaining <= 0 else PaperOrderState.PARTIALLY_FILLED
        trade = TradeUpdate(
            trade_id=f"{self.paper_base_name}-{next(self._trade_ids)}",
            client_order_id=order.order_id,
            exchange_order_id=str(order.venue_order_id),
            trading_pair=order.pair,
            fill_timestamp=time.time(),
            fill_price=match.price,
            fill_base_amount=match.amount,
            fill_quote_amount=match.price * match.amount,
            fee=fee,
            is_taker=not maker,
        )
        self._trade_updates[order.order_id].append(trade)
        self._publish_account()
        self._order_tracker.process_trade_update(trade)
        if order.is_open:
            self._order_tracker.process_order_update(self._order_update(order))
        else:
            self._finish(order)

    def _finish(self, order: PaperOrder, error: dict[str, str] | None = None) -> None:
        self._retire(order)
        self._order_tracker.process_order_update(self._order_update(order, error))

    def _retire(self, order: PaperOrder) -> None:
        """An order has ended: free what it held, keep its answer for those who ask later."""
        self._release_funds(order)
        self._open_orders.pop(order.order_id, None)
        self._ended_orders[order.order_id] = order
        while len(self._ended_orders) > _ENDED_ORDERS_KEPT:
            forgotten, _ = self._ended_orders.popitem(last=False)
            self._trade_updates.pop(forgotten, None)
        self._publish_account()

    @staticmethod
    def _order_update(order: PaperOrder, error: dict[str, str] | None = None) -> OrderUpdate:
        return OrderUpdate(
            trading_pair=order.pair,
            update_timestamp=time.time(),
            new_state=_STATES[order.state],
            client_order_id=order.order_id,
            exchange_order_id=str(order.venue_order_id),
            misc_updates=error,
        )

    async def _update_balances(self) -> None:
        self._publish_account()

    async def _status_polling_loop_fetch_updates(self) -> None:
        self._publish_account()
