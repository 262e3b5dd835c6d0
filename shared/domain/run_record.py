"""A run's journal put together: which fills belong to which order, executor and signal."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from shared.domain import events as ev
from shared.domain.signals import Side

ZERO = Decimal(0)


def net_base(fills: Iterable[ev.OrderFilled]) -> Decimal:
    """Base bought minus base sold."""
    return sum((fill.amount if fill.side is Side.BUY else -fill.amount for fill in fills), ZERO)


def net_quote(fills: Iterable[ev.OrderFilled]) -> Decimal:
    """Quote received minus quote paid, after fees."""
    return sum(
        (fill.price * fill.amount * (1 if fill.side is Side.SELL else -1) - fill.fee_quote for fill in fills), ZERO
    )


@dataclass
class OrderRecord:
    """An order with what became of it."""

    submitted: ev.OrderSubmitted
    fills: list[ev.OrderFilled] = field(default_factory=list)
    failed: ev.OrderFailed | None = None
    cancelled: bool = False
    completed: bool = False

    @property
    def filled_amount(self) -> Decimal:
        return sum((fill.amount for fill in self.fills), ZERO)

    @property
    def ended(self) -> bool:
        return self.completed or self.cancelled or self.failed is not None


@dataclass
class ExecutorRecord:
    """An executor with its orders. It is a trade if anything was filled. `exit` is its first decision to close."""

    opened: ev.ExecutorOpened
    orders: list[OrderRecord] = field(default_factory=list)
    exit: ev.ExitDecided | None = None
    closed: ev.ExecutorClosed | None = None

    @property
    def fills(self) -> list[ev.OrderFilled]:
        return [fill for order in self.orders for fill in order.fills]

    @property
    def is_closed_trade(self) -> bool:
        return self.closed is not None and bool(self.fills)

    @property
    def pnl_quote(self) -> Decimal:
        """Profit after fees from the fills alone, quote. Meaningful once the position is flat."""
        return net_quote(self.fills)

    @property
    def fees_quote(self) -> Decimal:
        return sum((fill.fee_quote for fill in self.fills), ZERO)


@dataclass
class RunRecord:
    """A run's events, put together by signal, order and executor.

    Attributes:
        configs: Each controller's configurations, in the order they took effect.
        evaluations: Counts of candles looked at.
        last_ms: Time of its newest event, UTC epoch milliseconds; 0 where there is none.
    """

    started: ev.RunStarted | None = None
    stopped: ev.RunStopped | None = None
    signals: list[ev.SignalDecided] = field(default_factory=list)
    orders: dict[str, OrderRecord] = field(default_factory=dict)
    executors: dict[str, ExecutorRecord] = field(default_factory=dict)
    configs: list[ev.ConfigApplied] = field(default_factory=list)
    evaluations: list[ev.CandlesEvaluated] = field(default_factory=list)
    stray_fills: list[ev.OrderFilled] = field(default_factory=list)
    stray_closes: list[ev.ExecutorClosed] = field(default_factory=list)
    others: list[ev.Event] = field(default_factory=list)
    last_ms: int = 0

    @classmethod
    def of(cls, events: Iterable[ev.Event]) -> "RunRecord":
        """Put a run's events together."""
        run = cls()
        for event in events:
            run.apply(event)
        return run

    def apply(self, event: ev.Event) -> None:
        """Add the next event. Events of orders nobody submitted are kept apart, not dropped."""
        self.last_ms = max(self.last_ms, event.at_ms)
        match event:
            case ev.RunStarted():
                self.started = event
            case ev.RunStopped():
                self.stopped = event
            case ev.SignalDecided():
                self.signals.append(event)
            case ev.ExecutorOpened():
                self.executors[event.executor_id] = ExecutorRecord(event)
            case ev.ExitDecided() if event.executor_id in self.executors:
                executor = self.executors[event.executor_id]
                executor.exit = executor.exit or event
            case ev.ExecutorClosed() if event.executor_id in self.executors and (
                self.executors[event.executor_id].closed is None
            ):
                self.executors[event.executor_id].closed = event
            case ev.ExecutorClosed():
                self.stray_closes.append(event)
            case ev.OrderSubmitted():
                self._submit(event)
            case ev.OrderFilled() if event.order_id not in self.orders:
                self.stray_fills.append(event)
            case ev.OrderFilled():
                self.orders[event.order_id].fills.append(event)
            case ev.OrderFailed() if event.order_id in self.orders:
                self.orders[event.order_id].failed = event
            case ev.OrderCancelled() if event.order_id in self.orders:
                self.orders[event.order_id].cancelled = True
            case ev.OrderCompleted() if event.order_id in self.orders:
                self.orders[event.order_id].completed = True
            case ev.ConfigApplied():
                self.configs.append(event)
            case ev.CandlesEvaluated():
                self.evaluations.append(event)
            case _:
                self.others.append(event)

    def _submit(self, event: ev.OrderSubmitted) -> None:
        order = self.orders[event.order_id] = OrderRecord(event)
        if event.executor_id in self.executors:
            self.executors[event.executor_id].orders.append(order)

    @property
    def closed_trades(self) -> list[ExecutorRecord]:
        return [executor for executor in self.executors.values() if executor.is_closed_trade]
