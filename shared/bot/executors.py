"""Hummingbot's DCA and position executors, recorded in the journal and closed exactly once.

Contained here, in paper and live alike (file and line of 20260126):
- two barriers touched in one pass each place a MARKET close (dca_executor.py:303, position_executor.py:457);
- a stop during shutdown places a further close (dca_executor.py, early_stop);
- a level placed in the closing tick is not cancelled and may fill unowned later (dca_executor.py, cancel_open_orders);
- a level the venue refuses is sent again every second for ever (dca_executor.py, process_order_failed_event);
- an order that fails after a part is forgotten with its fills (dca_executor.py, process_order_failed_event);
- giving up after too many failures abandons what is filled and what is live (dca_executor.py, evaluate_max_retries);
- a stop brings a closed position executor back to life (position_executor.py, early_stop);
- a closed executor's report is rebuilt at every tick although it can no longer change (executor_base.py, executor_info).
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.strategy_v2.executors.dca_executor.dca_executor import DCAExecutor
from hummingbot.strategy_v2.executors.position_executor.position_executor import PositionExecutor
from hummingbot.strategy_v2.models.base import RunnableStatus
from hummingbot.strategy_v2.models.executors import CloseType, TrackedOrder
from hummingbot.strategy_v2.models.executors_info import ExecutorInfo

from shared.bot import session
from shared.bot.recorder import now_ms
from shared.domain.barriers import Filled, barrier_price
from shared.domain.signals import Side

ZERO = Decimal(0)
_LAST_UNIT = Decimal("1e-8")

if TYPE_CHECKING:
    # The real executor stands behind the mixins at run time; Hummingbot is untyped, so its members are Any.
    from hummingbot.strategy_v2.executors.executor_base import ExecutorBase
else:
    ExecutorBase = object


class RecordedExecutor(ExecutorBase):
    """Writes an executor's life into the session's journal, and reports a closed executor once."""

    _opened = False
    _final_info: ExecutorInfo | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A taken signal would hold its reservation without ever having an order.
        with session.current().failing_for_good():
            super().__init__(*args, **kwargs)

    def start(self) -> None:
        self._record_opening()
        super().start()

    def _record_opening(self) -> None:
        if not self._opened:
            self._opened = True
            session.current().executor_opened(self)

    def place_order(
        self,
        connector_name: str,
        trading_pair: str,
        order_type: OrderType,
        side: TradeType,
        amount: Decimal,
        position_action: PositionAction = PositionAction.NIL,
        price: Decimal = Decimal("NaN"),
    ) -> str:
        order_id: str = super().place_order(
            connector_name, trading_pair, order_type, side, amount, position_action, price
        )
        connector = self.connectors[connector_name]
        limited = order_type.is_limit_type()
        session.current().order_submitted(
            self,
            order_id,
            side=side,
            order_type=order_type.name,
            # What the venue gets is quantised on the way (exchange_py_base.py, _create_order).
            price=connector.quantize_order_price(trading_pair, price) if limited else None,
            amount=connector.quantize_order_amount(trading_pair, amount),
            closing=side is not self.config.side,
        )
        return order_id

    def stop(self) -> None:
        was_open = self.status is not RunnableStatus.TERMINATED
        super().stop()
        if not was_open:
            return
        # Hummingbot may end an executor in its constructor, before it has orders to sum up.
        has_orders = self._opened
        self._record_opening()
        session.current().executor_closed(
            self,
            pnl_quote=Decimal(self.get_net_pnl_quote()) if has_orders else ZERO,
            fees_quote=Decimal(self.get_cum_fees_quote()) if has_orders else ZERO,
        )

    def early_stop(self, keep_position: bool = False) -> None:
        if self.status is not RunnableStatus.TERMINATED:
            super().early_stop(keep_position)

    @property
    def executor_info(self) -> ExecutorInfo:
        if self._final_info is not None:
            return self._final_info
        info: ExecutorInfo = super().executor_info
        if self.status is RunnableStatus.TERMINATED:
            self._final_info = info
        return info


class OneBarrierAPass(ExecutorBase):
    """Once a barrier has closed the position, the barriers after it in the same pass have nothing left to close."""

    @property
    def _running(self) -> bool:
        return bool(self.status is RunnableStatus.RUNNING)

    def control_stop_loss(self) -> None:
        if self._running:
            super().control_stop_loss()

    def control_trailing_stop(self) -> None:
        if self._running:
            super().control_trailing_stop()

    def control_take_profit(self) -> None:
        if self._running:
            super().control_take_profit()

    def control_time_limit(self) -> None:
        if self._running:
            super().control_time_limit()


class RecoveryPositionExecutor(RecordedExecutor, OneBarrierAPass, PositionExecutor):
    """Hummingbot's position executor, recorded and closing once."""


class RecoveryDcaExecutor(RecordedExecutor, OneBarrierAPass, DCAExecutor):
    """Hummingbot's DCA executor, recorded, closing once and leaving no order behind."""

    _current_retries: int
    _max_retries: int
    _trailing_stop_trigger_pct: Decimal | None
    _untouched_at_ms: int | None = None

    def control_barriers(self) -> None:
        super().control_barriers()
        if self._running:
            self._untouched_at_ms = now_ms()

    def place_close_order_and_cancel_open_orders(self, price: Decimal = Decimal("NaN")) -> None:
        if self._running:
            # Before the close is placed: the book is the one the decision was taken on.
            self._record_exit()
        super().place_close_order_and_cancel_open_orders(price)

    def _record_exit(self) -> None:
        held, recorder = self.open_filled_amount, session.current()
        cause = self.close_type.name
        if self.close_type is CloseType.EARLY_STOP:
            cause = recorder.exit_causes.pop(self.config.id, cause)
        connector, pair = self.connectors[self.config.connector_name], self.config.trading_pair
        is_buy = self.config.side is TradeType.SELL
        recorder.exit_decided(
            self,
            cause,
            barrier_price=self._barrier_price(),
            best_price=_finite(self.current_market_price),
            expected_price=_finite(connector.get_vwap_for_volume(pair, is_buy, held).result_price) if held else None,
            tick=connector.trading_rules[pair].min_price_increment,
            untouched_at_ms=self._untouched_at_ms,
        )

    def _barrier_price(self) -> Decimal | None:
        """Where the price is at which the barrier of `close_type` is touched; None where that is no price."""
        fraction = {
            CloseType.TAKE_PROFIT: self.config.take_profit,
            CloseType.STOP_LOSS: None if self.config.stop_loss is None else -self.config.stop_loss,
            CloseType.TRAILING_STOP: self._trailing_stop_trigger_pct,
        }.get(self.close_type)
        if fraction is None or self.open_filled_amount == ZERO:
            return None
        entry = Filled(self.open_filled_amount, self.current_position_average_price, self.cum_fees_quote)
        return barrier_price(Side.BUY if self.config.side is TradeType.BUY else Side.SELL, entry, fraction)

    @property
    def close_price(self) -> Decimal:
        """Average over all closing fills; Hummingbot takes the first closing order for the whole."""
        if self.status is RunnableStatus.TERMINATED:
            closed = self.close_filled_amount
            if closed > ZERO:
                paid = sum((order.executed_amount_quote for order in self._close_orders), ZERO)
                return Decimal(paid / closed)
        return Decimal(self.current_market_price)

    def early_stop(self, keep_position: bool = False) -> None:
        if self._running or keep_position:
            super().early_stop(keep_position)

    def process_order_failed_event(self, event_tag: int, market: Any, event: Any) -> None:
        retries_before = self._current_retries
        levels = [order.order_id for order in self._open_orders]
        partly_filled = [
            (orders, place, order)
            for orders in (self._open_orders, self._close_orders)
            for place, order in enumerate(orders)
            if order.order_id == event.order_id and order.executed_amount_base > ZERO
        ]
        super().process_order_failed_event(event_tag, market, event)
        for orders, place, order in partly_filled:
            orders.insert(place, order)
        if event.order_id in levels and self._current_retries == retries_before:
            self._current_retries += 1

    def evaluate_max_retries(self) -> None:
        """Give up in good order: first close what is held; only if that fails as often, end with what is left."""
        if self._running and self._current_retries >= self._max_retries:
            self.logger().error(f"{self._current_retries} orders failed: {self.config.trading_pair} is closed.")
            self._current_retries = 0
            self.close_type = CloseType.FAILED
            self.place_close_order_and_cancel_open_orders()

    async def control_shutdown_process(self) -> None:
        """Bring the position to zero: cancel every level still live, wait for what is under way, close what is left."""
        for tracked in [*self._open_orders, *self._close_orders]:
            self.update_tracked_orders_with_order_id(tracked.order_id)
        live_levels = [order for order in self._open_orders if not _has_ended(order)]
        if live_levels:
            # A level without an order was placed in the closing tick: its creation is still on the way.
            self.cancel_open_orders()
            return
        under_way = [order for order in self._close_orders if not _has_ended(order)]
        if under_way:
            await self._ask_for_status(under_way)
            return
        left = self.open_filled_amount - self.close_filled_amount
        if left == ZERO:
            self.close_execution_by(self.close_type)
            return
        if self._current_retries >= self._max_retries:
            # Here and not after the next attempt: nothing is under way now.
            self.logger().error(f"{left} {self.config.trading_pair} could not be closed.")
            self.close_execution_by(CloseType.FAILED)
            return
        closing_before = len(self._close_orders)
        self.place_close_order(Decimal("NaN"))
        if len(self._close_orders) == closing_before:
            self.logger().error(f"{left} {self.config.trading_pair} is below the minimum order and cannot be closed.")
            self.close_execution_by(self.close_type)
        elif closing_before:
            self._current_retries += 1

    async def _ask_for_status(self, orders: list[TrackedOrder]) -> None:
        connector = self.connectors[self.config.connector_name]
        await connector._update_orders_with_error_handler(
            orders=[tracked.order for tracked in orders if tracked.order],
            error_handler=connector._handle_update_error_for_active_order,
        )


def _finite(price: Any) -> Decimal | None:
    # The book's averages are floats: what lies behind the venue's last unit is their noise.
    price = Decimal(price)
    return price.quantize(_LAST_UNIT).normalize() if price.is_finite() else None


def _has_ended(tracked: TrackedOrder) -> bool:
    return tracked.order is not None and not tracked.order.is_open
