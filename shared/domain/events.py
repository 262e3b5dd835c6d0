"""The events of the journal: every step in the life of a signal, each carrying the signal's id to the end.

All times are UTC epoch milliseconds, money and amounts are Decimal. An event says what happened; nothing here is ever
changed afterwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from shared.domain.signals import Side


@dataclass(frozen=True, kw_only=True)
class RunStarted:
    """A bot began to trade.

    Attributes:
        balances: Of its accounts at that moment, by account and asset.
        market: What it trades on: "live", or the replay or simulation with its seed. The same candle of the same market is
            the same evidence, however often it is replayed. Empty in journals from before it was recorded.
    """

    kind: Literal["run_started"] = "run_started"
    at_ms: int
    hummingbot: str
    script: str
    balances: Mapping[str, Mapping[str, Decimal]]
    market: str = ""


@dataclass(frozen=True, kw_only=True)
class RunStopped:
    """A bot ended in good order, its positions closed. `balances` as in RunStarted."""

    kind: Literal["run_stopped"] = "run_stopped"
    at_ms: int
    balances: Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, kw_only=True)
class SignalDecided:
    """A rule saw a signal, and it was taken or refused.

    Attributes:
        thresholds: What it was decided against, by name.
        values: Feature values it was decided on, by name.
        reason: Why it was refused; None exactly when it was taken.
        components: What the confidence is made of, each 0..1, by name.
        adjustments: What sizing had to change, by name of the setting, with the reason.
        phase: Phase of the recovery plan its configuration belongs to; None for normal operation.
        config_id: Fingerprint of the configuration it was decided by (see ConfigApplied).
    """

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
    components: Mapping[str, float] = field(default_factory=dict)
    adjustments: Mapping[str, str] = field(default_factory=dict)
    phase: int | None = None
    config_id: str | None = None

    @property
    def taken(self) -> bool:
        return self.reason is None


@dataclass(frozen=True, kw_only=True)
class PositionTerms:
    """What a position was opened with. It ends under these, whatever changes in the configuration meanwhile.

    Attributes:
        prices: Limit price of each level, quote per base, first to be filled first.
        amounts_quote: Size of each level, quote.
        take_profit, stop_loss: Barriers, fractions of the average entry, after fees; None where there is none.
        trailing_activation, trailing_delta: Of the trailing stop, fractions; None where there is none.
        time_limit_s: Seconds after which it is closed at market; None where there is no limit.
        leverage: 1 on spot.
    """

    prices: tuple[Decimal, ...]
    amounts_quote: tuple[Decimal, ...]
    take_profit: Decimal | None
    stop_loss: Decimal | None
    trailing_activation: Decimal | None
    trailing_delta: Decimal | None
    time_limit_s: int | None
    leverage: int


@dataclass(frozen=True, kw_only=True)
class ExecutorOpened:
    """A Hummingbot executor was made for a signal. `terms` is None in journals from before they were recorded."""

    kind: Literal["executor_opened"] = "executor_opened"
    at_ms: int
    executor_id: str
    signal_id: str | None
    controller_id: str
    account: str
    pair: str
    side: Side
    terms: PositionTerms | None = None


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
class ExitDecided:
    """A position is to be closed at market: a barrier was touched, or its rule wants out.

    Attributes:
        cause: Name of the barrier (TAKE_PROFIT, STOP_LOSS, TRAILING_STOP, TIME_LIMIT) or of the rule's reason.
        barrier_price: Where the barrier lay, quote per base; None for a cause that is no price.
        best_price: Best price on the closing side at that moment, quote per base; None where the book had none.
        expected_price: What the open amount would have brought on average from the book at that moment, quote per base; None
            where the book had none.
        tick: The venue's price step.
        untouched_at_ms: When the executor last looked and the barrier was not touched; None for a first look or no barrier.
    """

    kind: Literal["exit_decided"] = "exit_decided"
    at_ms: int
    executor_id: str
    signal_id: str | None
    cause: str
    barrier_price: Decimal | None
    best_price: Decimal | None
    expected_price: Decimal | None
    tick: Decimal
    untouched_at_ms: int | None


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
class ConfigApplied:
    """A controller's configuration took effect, at its start or by a live edit.

    Attributes:
        config_id: Fingerprint of all that a trade's outcome depends on: everything but id and pair. Evidence of a gate counts
            for one fingerprint, so a changed threshold starts its own count.
        source: Where it came from: "start", or the edited file relative to the home.
        old, new: Values of the settings that changed, as text, by name; at a start `old` is empty and `new` has all.
    """

    kind: Literal["config_applied"] = "config_applied"
    at_ms: int
    controller_id: str
    strategy: str
    pair: str
    phase: int | None
    config_id: str
    source: str
    old: Mapping[str, str]
    new: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class ConfigRefused:
    """A live edit of a configuration was refused and the old value kept."""

    kind: Literal["config_refused"] = "config_refused"
    at_ms: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class CandlesEvaluated:
    """A rule looked at so many closed candles since the last such event: the mouth of the funnel.

    Attributes:
        since_ms, until_ms: Close of the first and the last candle of the count.
        evaluated: Candles looked at.
        unevaluated: Candles that closed and could not be looked at, e.g. for a gap in the feed.
    """

    kind: Literal["candles_evaluated"] = "candles_evaluated"
    at_ms: int
    controller_id: str
    strategy: str
    pair: str
    phase: int | None
    config_id: str
    since_ms: int
    until_ms: int
    evaluated: int
    unevaluated: int


@dataclass(frozen=True, kw_only=True)
class PhaseChanged:
    """The home went to another phase of the recovery plan; written outside any bot's run.

    Attributes:
        from_phase: The phase before; None for the first entry of a home.
        forced: Whether it was gone to although the gate had not passed.
        reason: Why, in words.
        evidence: Verdict of each criterion at that moment, by name.
    """

    kind: Literal["phase_changed"] = "phase_changed"
    at_ms: int
    from_phase: int | None
    to_phase: int
    forced: bool
    reason: str
    evidence: Mapping[str, str]


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
    | ExitDecided
    | ExecutorClosed
    | ConfigApplied
    | ConfigRefused
    | CandlesEvaluated
    | PhaseChanged
)
