"""One bot's run: its journal, its limits, and the thread from each signal to its executor, orders and fills.

There is one session a process at a time. A script of ours begins it; a controller deployed under a foreign script (Hummingbot
Dashboard uses v2_with_controllers.py) finds one begun for it with the limits of its own configuration.
"""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import hummingbot
from hummingbot.core.data_type.common import TradeType
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent

from shared.adapters.sqlite_journal import SqliteJournal
from shared.domain import events as ev
from shared.domain.limits import Limits, Reservation, refuse_by_limits
from shared.domain.run_record import RunRecord
from shared.domain.signals import Refusal, Side, Signal
from shared.ports import Journal
from shared.wire.venue_errors import venue_error_code

JOURNAL_FILE = "recovery_journal.sqlite"


def journal_path() -> Path:
    """The journal of the home this process runs in."""
    return Path(hummingbot.data_path()) / JOURNAL_FILE


def now_ms() -> int:
    """UTC epoch milliseconds, on the clock the bot runs by."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class _OrderOrigin:
    executor_id: str
    signal_id: str | None
    pair: str


class Session:
    """Writes the journal and keeps the reservations of taken signals.

    Args:
        journal: Where the events go.
        limits: Bounds over all controllers; None leaves each controller to its own.

    Attributes:
        record: The run so far, put together from the very events the journal holds.
        stopping: Set once the bot winds down: signals are then refused.
        failure: The first error that left a hole in the journal; whoever runs the bot must end it.
    """

    def __init__(self, journal: Journal, limits: Limits | None) -> None:
        self.journal = journal
        self.limits = limits
        self.stopping = False
        self.failure: BaseException | None = None
        self.record = RunRecord()
        self._reservations: dict[str, Reservation] = {}
        self._last_taken_ms: dict[str, int] = {}
        self._orders: dict[str, _OrderOrigin] = {}
        self._connectors: dict[str, Any] = {}
        self._forwarders: list[tuple[Any, MarketEvent, SourceInfoEventForwarder]] = []

    def _record(self, event: ev.Event) -> None:
        self.journal.append(event)
        self.record.apply(event)

    # The run.

    @property
    def is_watching(self) -> bool:
        return self.record.started is not None

    def watch(self, connectors: Mapping[str, Any], script: str) -> None:
        """Begin the run's record with its accounts' balances, and listen to what becomes of every order."""
        self._connectors.update(connectors)
        self._record(
            ev.RunStarted(at_ms=now_ms(), hummingbot=version("hummingbot"), script=script, balances=self._balances())
        )
        for connector in connectors.values():
            for tag, handler in (
                (MarketEvent.OrderFilled, self._on_fill),
                (MarketEvent.OrderFailure, self._on_failure),
                (MarketEvent.OrderCancelled, self._on_cancelled),
                (MarketEvent.BuyOrderCompleted, self._on_completed),
                (MarketEvent.SellOrderCompleted, self._on_completed),
            ):
                forwarder = SourceInfoEventForwarder(self._never_silent(handler))
                connector.add_listener(tag, forwarder)
                self._forwarders.append((connector, tag, forwarder))

    def _never_silent(self, handler: Callable[[int, Any, Any], None]) -> Callable[[int, Any, Any], None]:
        # Hummingbot logs what an event listener raises and goes on (core/pubsub.pyx): the journal would have a hole.
        def listen(tag: int, connector: Any, event: Any) -> None:
            try:
                handler(tag, connector, event)
            except BaseException as error:
                self.failure = self.failure or error
                raise

        return listen

    def end(self) -> None:
        """Close the run's record with its accounts' balances. Call once every executor has closed."""
        for connector, tag, forwarder in self._forwarders:
            connector.remove_listener(tag, forwarder)
        self._forwarders.clear()
        self._record(ev.RunStopped(at_ms=now_ms(), balances=self._balances()))
        self.journal.close()

    def _balances(self) -> dict[str, dict[str, Decimal]]:
        return {name: dict(connector.get_all_balances()) for name, connector in self._connectors.items()}

    # Signals.

    def decide(
        self, signal: Signal, amount_quote: Decimal, *, own_refusal: Refusal | None, max_positions: int, cooldown_s: int
    ) -> bool:
        """Take or refuse a signal, and record which and why.

        Args:
            signal: The signal.
            amount_quote: Size of the whole position, quote.
            own_refusal: A reason the controller found by itself, if any.
            max_positions: Positions one controller may have open at once.
            cooldown_s: Seconds that must pass between two positions of one controller.

        Returns:
            Whether it was taken. Its reservation then stands until its executor closes.
        """
        refusal = own_refusal or self._refusal(signal, amount_quote, max_positions, cooldown_s)
        at_ms = now_ms()
        self._record(
            ev.SignalDecided(
                at_ms=at_ms,
                signal_id=signal.signal_id,
                controller_id=signal.controller_id,
                strategy=signal.strategy,
                pair=signal.pair,
                side=signal.side,
                candle_close_ms=signal.candle_close_ms,
                price=signal.price,
                confidence=signal.confidence,
                thresholds=signal.thresholds,
                values=signal.values,
                reason=refusal,
            )
        )
        if refusal is None:
            self._reservations[signal.signal_id] = Reservation(signal.controller_id, signal.pair, amount_quote)
            self._last_taken_ms[signal.controller_id] = at_ms
        return refusal is None

    def _refusal(self, signal: Signal, amount_quote: Decimal, max_positions: int, cooldown_s: int) -> Refusal | None:
        if self.stopping:
            return Refusal.STOPPING
        own = sum(1 for held in self._reservations.values() if held.controller_id == signal.controller_id)
        if own >= max_positions:
            return Refusal.POSITION_OPEN
        if self.limits is not None:
            refusal = refuse_by_limits(self.limits, self._reservations, signal.pair, amount_quote)
            if refusal is not None:
                return refusal
        last_ms = self._last_taken_ms.get(signal.controller_id)
        if last_ms is not None and now_ms() - last_ms < cooldown_s * 1000:
            return Refusal.COOLDOWN
        return None

    # Executors and orders.

    def executor_opened(self, executor: Any) -> None:
        config = executor.config
        self._record(
            ev.ExecutorOpened(
                at_ms=now_ms(),
                executor_id=config.id,
                signal_id=config.level_id,
                controller_id=config.controller_id or "",
                account=config.connector_name,
                pair=config.trading_pair,
                side=_side(config.side),
            )
        )

    def order_submitted(
        self,
        executor: Any,
        order_id: str,
        *,
        side: TradeType,
        order_type: str,
        price: Decimal | None,
        amount: Decimal,
        closing: bool,
    ) -> None:
        config = executor.config
        self._orders[order_id] = _OrderOrigin(config.id, config.level_id, config.trading_pair)
        self._record(
            ev.OrderSubmitted(
                at_ms=now_ms(),
                order_id=order_id,
                executor_id=config.id,
                signal_id=config.level_id,
                account=config.connector_name,
                pair=config.trading_pair,
                side=_side(side),
                order_type=order_type,
                price=price,
                amount=amount,
                closing=closing,
            )
        )

    def executor_closed(self, executor: Any, *, pnl_quote: Decimal, fees_quote: Decimal) -> None:
        config = executor.config
        self._reservations.pop(config.level_id, None)
        self._record(
            ev.ExecutorClosed(
                at_ms=now_ms(),
                executor_id=config.id,
                signal_id=config.level_id,
                close_type=executor.close_type.name if executor.close_type else "NONE",
                reported_pnl_quote=pnl_quote,
                reported_fees_quote=fees_quote,
            )
        )

    def config_refused(self, reason: str) -> None:
        self._record(ev.ConfigRefused(at_ms=now_ms(), reason=reason))

    # What the connectors report.

    def _signal_of(self, order_id: str) -> str | None:
        origin = self._orders.get(order_id)
        return origin.signal_id if origin else None

    def _on_fill(self, _: int, __: Any, event: Any) -> None:
        quote = event.trading_pair.split("-")[1]
        fee_quote = event.trade_fee.fee_amount_in_token(
            trading_pair=event.trading_pair, price=event.price, order_amount=event.amount, token=quote
        )
        self._record(
            ev.OrderFilled(
                at_ms=now_ms(),
                trade_id=event.exchange_trade_id,
                order_id=event.order_id,
                signal_id=self._signal_of(event.order_id),
                pair=event.trading_pair,
                side=_side(event.trade_type),
                price=event.price,
                amount=event.amount,
                fee_quote=fee_quote,
            )
        )

    def _on_failure(self, _: int, __: Any, event: Any) -> None:
        message = event.error_message or ""
        self._record(
            ev.OrderFailed(
                at_ms=now_ms(),
                order_id=event.order_id,
                signal_id=self._signal_of(event.order_id),
                code=venue_error_code(message) or event.error_type or "UNKNOWN",
                message=message,
            )
        )

    def _on_cancelled(self, _: int, __: Any, event: Any) -> None:
        self._record(
            ev.OrderCancelled(at_ms=now_ms(), order_id=event.order_id, signal_id=self._signal_of(event.order_id))
        )

    def _on_completed(self, _: int, __: Any, event: Any) -> None:
        self._record(
            ev.OrderCompleted(at_ms=now_ms(), order_id=event.order_id, signal_id=self._signal_of(event.order_id))
        )


_current: Session | None = None


def begin(limits: Limits | None, journal: Journal | None = None) -> Session:
    """Start a new session; the one before, if any, has ended with its strategy."""
    global _current
    if _current is not None:
        # The strategy before this one has ended, or failed to start.
        _current.journal.close()
    _current = Session(journal or SqliteJournal(journal_path(), run_id=uuid.uuid4().hex), limits)
    return _current


def current() -> Session:
    """The session of this process, begun without overall limits where no script of ours has begun one."""
    return _current if _current is not None else begin(limits=None)


def _side(trade_type: TradeType) -> Side:
    return Side.BUY if trade_type is TradeType.BUY else Side.SELL
