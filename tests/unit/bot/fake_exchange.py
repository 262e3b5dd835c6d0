"""An exchange and a strategy for executors, where nothing happens but what the test says.

Orders are Hummingbot's own InFlightOrder and events go through Hummingbot's own PubSub, so an executor meets what it meets
live; only time, prices and the fate of each order are the test's.
"""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from hummingbot.connector.trading_rule import TradingRule
from hummingbot.core.data_type.common import OrderType, PositionAction, PositionMode, PriceType, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder, OrderState, OrderUpdate, TradeUpdate
from hummingbot.core.data_type.trade_fee import AddedToCostTradeFee, TokenAmount
from hummingbot.core.event.events import (
    BuyOrderCompletedEvent,
    BuyOrderCreatedEvent,
    MarketEvent,
    MarketOrderFailureEvent,
    OrderCancelledEvent,
    OrderFilledEvent,
    SellOrderCompletedEvent,
    SellOrderCreatedEvent,
)
from hummingbot.core.pubsub import PubSub
from hummingbot.strategy_v2.models.base import RunnableStatus

RELEASE = version("hummingbot")
ACCOUNT = "binance_paper_trade"
PAIR = "BTC-USDT"
START_S = 1_736_121_600.0
FEE = Decimal("0.001")


class FakeConnector(PubSub):
    """Takes orders and does with them what it is told."""

    def __init__(self, price: int = 100) -> None:
        super().__init__()
        self.name = ACCOUNT
        self.position_mode = PositionMode.HEDGE
        self.set_price(price)
        # What an order of any size would be filled at on average, where that is not the best price.
        self.average_price: Decimal | None = None
        self.trading_rules = {
            PAIR: TradingRule(
                PAIR,
                min_order_size=Decimal("0.001"),
                min_price_increment=Decimal("0.01"),
                min_base_amount_increment=Decimal("0.001"),
                min_notional_size=Decimal(5),
            )
        }
        self.orders: dict[str, InFlightOrder] = {}
        self.acknowledged: set[str] = set()
        self.cancels: list[str] = []
        self.balances = {"BTC": Decimal(0), "USDT": Decimal(10_000)}
        self._order_tracker = SimpleNamespace(fetch_order=self._fetch_order)
        self.budget_checker = SimpleNamespace(adjust_candidates=lambda candidates: candidates)
        self._trades = 0

    def set_price(self, price: int) -> None:
        self.prices = {kind: Decimal(price) for kind in PriceType}

    # What an executor asks.

    def get_price_by_type(self, trading_pair: str, price_type: PriceType) -> Decimal:
        return self.prices[price_type]

    def get_vwap_for_volume(self, trading_pair: str, is_buy: bool, volume: Decimal) -> SimpleNamespace:
        best = self.prices[PriceType.BestAsk if is_buy else PriceType.BestBid]
        return SimpleNamespace(result_price=best if self.average_price is None else self.average_price)

    def quantize_order_price(self, trading_pair: str, price: Decimal) -> Decimal:
        return price.quantize(Decimal("0.01"))

    def quantize_order_amount(self, trading_pair: str, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal("0.001"), ROUND_DOWN)

    def get_all_balances(self) -> dict[str, Decimal]:
        return dict(self.balances)

    def _fetch_order(self, client_order_id: str) -> InFlightOrder | None:
        return self.orders[client_order_id] if client_order_id in self.acknowledged else None

    async def _update_orders_with_error_handler(self, orders: list[InFlightOrder], error_handler: Any) -> None:
        """Their status is what it was."""

    _handle_update_error_for_active_order = None
    _handle_update_error_for_lost_order = None

    # What the test says.

    def place(self, side: TradeType, amount: Decimal, order_type: OrderType, price: Decimal) -> str:
        order_id = f"{side.name.lower()}-{len(self.orders) + 1}"
        self.orders[order_id] = InFlightOrder(
            order_id, PAIR, order_type, side, self.quantize_order_amount(PAIR, amount), START_S, price
        )
        return order_id

    def placed(self, side: TradeType) -> list[str]:
        """Ids of all orders of a side, oldest first."""
        return [order_id for order_id, order in self.orders.items() if order.trade_type is side]

    @property
    def live(self) -> list[str]:
        """Ids of the orders the exchange still holds open."""
        return [order_id for order_id, order in self.orders.items() if order.is_open]

    def acknowledge(self, order_id: str) -> None:
        """The order's creation reaches the bot."""
        order = self.orders[order_id]
        self.acknowledged.add(order_id)
        self._update(order, OrderState.OPEN)
        bought = order.trade_type is TradeType.BUY
        tag = MarketEvent.BuyOrderCreated if bought else MarketEvent.SellOrderCreated
        kind = BuyOrderCreatedEvent if bought else SellOrderCreatedEvent
        self.trigger_event(tag, kind(START_S, order.order_type, PAIR, order.amount, order.price, order_id, START_S))

    def fill(self, order_id: str, price: int, amount: str | None = None) -> None:
        """Fill an order, whole unless an amount is given."""
        if order_id not in self.acknowledged:
            self.acknowledge(order_id)
        order = self.orders[order_id]
        base = Decimal(amount) if amount else order.amount - order.executed_amount_base
        quote, self._trades = price * base, self._trades + 1
        fee = AddedToCostTradeFee(flat_fees=[TokenAmount("USDT", quote * FEE)])
        order.update_with_trade_update(
            TradeUpdate(str(self._trades), order_id, "", PAIR, START_S, Decimal(price), base, quote, fee)
        )
        bought = order.trade_type is TradeType.BUY
        self.balances["BTC"] += base if bought else -base
        self.balances["USDT"] -= (quote if bought else -quote) + quote * FEE
        self.trigger_event(
            MarketEvent.OrderFilled,
            OrderFilledEvent(
                START_S,
                order_id,
                PAIR,
                order.trade_type,
                order.order_type,
                Decimal(price),
                base,
                fee,
                str(self._trades),
            ),
        )
        if order.executed_amount_base >= order.amount:
            self._update(order, OrderState.FILLED)
            tag = MarketEvent.BuyOrderCompleted if bought else MarketEvent.SellOrderCompleted
            kind = BuyOrderCompletedEvent if bought else SellOrderCompletedEvent
            base_total, quote_total = order.executed_amount_base, order.executed_amount_quote
            self.trigger_event(tag, kind(START_S, order_id, "BTC", "USDT", base_total, quote_total, order.order_type))

    def refuse(self, order_id: str, message: str = '{"code":-2010,"msg":"refused"}') -> None:
        """The exchange fails an order, filled in part or not."""
        order = self.orders[order_id]
        self.acknowledged.add(order_id)
        self._update(order, OrderState.FAILED)
        failure = MarketOrderFailureEvent(START_S, order_id, order.order_type, message, "VenueRejection")
        self.trigger_event(MarketEvent.OrderFailure, failure)

    def confirm_cancel(self, order_id: str) -> None:
        """The exchange has cancelled an order."""
        self._update(self.orders[order_id], OrderState.CANCELED)
        self.trigger_event(MarketEvent.OrderCancelled, OrderCancelledEvent(START_S, order_id))

    @staticmethod
    def _update(order: InFlightOrder, state: OrderState) -> None:
        order.update_with_order_update(OrderUpdate(PAIR, START_S, state, order.client_order_id))


@dataclass
class FakeStrategy:
    """What an executor needs of the strategy it runs in."""

    connector: FakeConnector = field(default_factory=FakeConnector)
    current_timestamp: float = START_S

    @property
    def connectors(self) -> dict[str, FakeConnector]:
        return {ACCOUNT: self.connector}

    def buy(
        self, account: str, pair: str, amount: Decimal, order_type: OrderType, price: Decimal, action: PositionAction
    ) -> str:
        return self.connector.place(TradeType.BUY, amount, order_type, price)

    def sell(
        self, account: str, pair: str, amount: Decimal, order_type: OrderType, price: Decimal, action: PositionAction
    ) -> str:
        return self.connector.place(TradeType.SELL, amount, order_type, price)

    def cancel(self, connector_name: str, trading_pair: str, order_id: str) -> None:
        self.connector.cancels.append(order_id)


def begin(executor: Any) -> None:
    """Start an executor without the loop that drives it."""
    if hasattr(executor, "_record_opening"):
        executor._record_opening()
    executor._status = RunnableStatus.RUNNING
    executor.register_events()


async def one_pass(executor: Any) -> None:
    """What an executor does once a second."""
    if executor.status is not RunnableStatus.TERMINATED:
        await executor.control_task()
        # 20260126 does this in control_task, 20260922 after it; twice is once.
        executor.evaluate_max_retries()
