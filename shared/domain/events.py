"""The events of the journal: every step in the life of a signal, each carrying the signal's id to the end.

All times are UTC epoch milliseconds, money and amounts are Decimal. An event says what happened; nothing here is ever
changed afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from shared.domain.signals import Side


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """A bot began to trade. `balances` are those of its accounts at that moment, by account and asset."""

    kind: Literal["run_started"] = "run_started"
    at_ms: int
    hummingbot: str
    script: str
    balances: Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, kw_only=True)
class RunStopped:
    """A bot ended in good order, its positions closed. `balances` as in RunStarted."""

    kind: Literal["run_stopped"] = "run_stopped"
    at_ms: int
    balances: Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, kw_only=True)
class SignalDecided:
    """A rule saw a signal, and it was taken or refused. `reason` is None exactly when it was taken."""

    kind: Literal["signal"] = "signal"
    at_ms: int
    signal_id: str
    controller_id: str
    strategy: str
    pair: str
    side: Side
    candle_close_ms: int
    price: float
    confidence: float
    thresholds: Mapping[str, float]
    values: Mapping[str, float]
    reason: str | None

    @property
    def taken(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, kw_only=True)
class ExecutorOpened:
    """A Hummingbot executor was made for a signal."""

    kind: Literal["executor_opened"] = "executor_opened"
    at_ms: int
    executor_id: str
    signal_id: str | None
    controller_id: str
    account: str
    pair: str
    side: Side


@dataclass(frozen=True, kw_only=True)
class OrderSubmitted:
    """An executor placed an order. `price` is None for a market order; `closing` marks an exit."""

    kind: Literal["order_submitted"] = "order_submitted"
    at_ms: int
    order_id: str
    executor_id: str
    signal_id: str | None
    account: str
    pair: str
    side: Side
    order_type: str
    price: Decimal | None
    amount: Decimal
    closing: bool


@dataclass(frozen=True, kw_only=True)
class OrderFailed:
    """The venue refused an order; `code` is the venue's error code."""

    kind: Literal["order_failed"] = "order_failed"
    at_ms: int
    order_id: str
    signal_id: str | None
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class OrderCancelled:
    """An order left the book before it was filled."""

    kind: Literal["order_cancelled"] = "order_cancelled"
    at_ms: int
    order_id: str
    signal_id: str | None


@dataclass(frozen=True, kw_only=True)
class OrderFilled:
    """Base changed hands: `amount` base at `price` quote per base, with its fee in quote."""

    kind: Literal["fill"] = "fill"
    at_ms: int
    trade_id: str
    order_id: str
    signal_id: str | None
    pair: str
    side: Side
    price: Decimal
    amount: Decimal
    fee_quote: Decimal


@dataclass(frozen=True, kw_only=True)
class OrderCompleted:
    """The venue reported an order wholly filled."""

    kind: Literal["order_completed"] = "order_completed"
    at_ms: int
    order_id: str
    signal_id: str | None


@dataclass(frozen=True, kw_only=True)
class ExecutorClosed:
    """An executor ended. It was a trade if it had fills; what Hummingbot reported of it is kept to be checked."""

    kind: Literal["executor_closed"] = "executor_closed"
    at_ms: int
    executor_id: str
    signal_id: str | None
    close_type: str
    reported_pnl_quote: Decimal
    reported_fees_quote: Decimal


@dataclass(frozen=True, kw_only=True)
class ConfigRefused:
    """A live edit of a configuration was refused and the old value kept."""

    kind: Literal["config_refused"] = "config_refused"
    at_ms: int
    reason: str


Event = (
    RunStarted
    | RunStopped
    | SignalDecided
    | ExecutorOpened
    | OrderSubmitted
    | OrderFailed
    | OrderCancelled
    | OrderFilled
    | OrderCompleted
    | ExecutorClosed
    | ConfigRefused
)
