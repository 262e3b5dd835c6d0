"""The thread from each signal to its executor, orders and fills: listens to Hummingbot and writes the journal."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version
from types import TracebackType
from typing import Any

from hummingbot.core.data_type.common import TradeType
from hummingbot.core.event.event_forwarder import SourceInfoEventForwarder
from hummingbot.core.event.events import MarketEvent
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig

from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.signals import Side
from shared.ports import Journal
from shared.wire.venue_errors import venue_error_code


def now_ms() -> int:
    """UTC epoch milliseconds, on the clock the bot runs by."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class _OrderOrigin:
    executor_id: str
    signal_id: str | None
    pair: str


class _FailingForGood:
    """What fails inside has left a hole in the journal: the recorder's `failure` says so to whoever runs the bot."""

    def __init__(self, recorder: "RunRecorder") -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.failure = self._recorder.failure or error


class RunRecorder:
    """Writes one run into the journal.

    Args:
        journal: Where the events go.
        clock: The time now, UTC epoch milliseconds.

    Attributes:
        now_ms: The clock.
        record: The run so far, put together from the very events the journal holds.
        failure: The first error that left a hole in the journal; whoever runs the bot must end it.
    """

    def __init__(self, journal: Journal, clock: Callable[[], int] = now_ms) -> None:
        self.journal = journal
        self.now_ms = clock
        self.record = RunRecord()
        self.failure: BaseException | None = None
        self._orders: dict[str, _OrderOrigin] = {}
        self._connectors: dict[str, Any] = {}
        self._forwarders: list[tuple[Any, MarketEvent, SourceInfoEventForwarder]] = []

    def append(self, event: ev.Event) -> None:
        """Record an event.

        Raises:
            JournalError: It could not be; `failure` is then set, because Hummingbot's loops log what is raised and go on.
        """
        with self.failing_for_good():
            self.journal.append(event)
            self.record.apply(event)

    def failing_for_good(self) -> "_FailingForGood":
        """Remember the first error raised inside, and let it go on its way: Hummingbot would log it and carry on."""
        return _FailingForGood(self)

    # The run.

    @property
    def is_watching(self) -> bool:
        return self.record.started is not None

    def watch(self, connectors: Mapping[str, Any], script: str, market: str) -> None:
        """Begin the run's record with its accounts' balances, and listen to what becomes of every order."""
        self._connectors.update(connectors)
        self.append(
            ev.RunStarted(
                at_ms=self.now_ms(),
                hummingbot=version("hummingbot"),
                script=script,
                balances=self._balances(),
                market=market,
            )
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
            with self.failing_for_good():
                handler(tag, connector, event)

        return listen

    def end(self) -> None:
        """Close the run's record with its accounts' balances. Call once every executor has closed."""
        for connector, tag, forwarder in self._forwarders:
            connector.remove_listener(tag, forwarder)
        self._forwarders.clear()
        self.append(ev.RunStopped(at_ms=self.now_ms(), balances=self._balances()))
        self.journal.close()

    def _balances(self) -> dict[str, dict[str, Decimal]]:
        return {name: dict(connector.get_all_balances()) for name, connector in self._connectors.items()}

    # Executors and orders.

    def executor_opened(self, executor: Any) -> None:
        config = executor.config
        self.append(
            ev.ExecutorOpened(
                at_ms=self.now_ms(),
                executor_id=config.id,
                signal_id=config.level_id,
                controller_id=config.controller_id or "",
                account=config.connector_name,
                pair=config.trading_pair,
                side=_side(config.side),
                terms=_terms(config) if isinstance(config, DCAExecutorConfig) else None,
            )
        )

    def exit_decided(
        self,
        executor: Any,
        cause: str,
        *,
        barrier_price: Decimal | None,
        best_price: Decimal | None,
        expected_price: Decimal | None,
        tick: Decimal,
        untouched_at_ms: int | None,
    ) -> None:
        self.append(
            ev.ExitDecided(
                at_ms=self.now_ms(),
                executor_id=executor.config.id,
                signal_id=executor.config.level_id,
                cause=cause,
                barrier_price=barrier_price,
                best_price=best_price,
                expected_price=expected_price,
                tick=tick,
                untouched_at_ms=untouched_at_ms,
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
        self.append(
            ev.OrderSubmitted(
                at_ms=self.now_ms(),
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
        self.append(
            ev.ExecutorClosed(
                at_ms=self.now_ms(),
                executor_id=config.id,
                signal_id=config.level_id,
                close_type=executor.close_type.name if executor.close_type else "NONE",
                reported_pnl_quote=pnl_quote,
                reported_fees_quote=fees_quote,
            )
        )

    def config_refused(self, reason: str) -> None:
        self.append(ev.ConfigRefused(at_ms=self.now_ms(), reason=reason))

    # What the connectors report.

    def _signal_of(self, order_id: str) -> str | None:
        origin = self._orders.get(order_id)
        return origin.signal_id if origin else None

    def _on_fill(self, _: int, __: Any, event: Any) -> None:
        quote = event.trading_pair.split("-")[1]
        fee_quote = event.trade_fee.fee_amount_in_token(
            trading_pair=event.trading_pair, price=event.price, order_amount=event.amount, token=quote
        )
        self.append(
            ev.OrderFilled(
                at_ms=self.now_ms(),
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
        self.append(
            ev.OrderFailed(
                at_ms=self.now_ms(),
                order_id=event.order_id,
                signal_id=self._signal_of(event.order_id),
                code=venue_error_code(message) or event.error_type or "UNKNOWN",
                message=message,
            )
        )

    def _on_cancelled(self, _: int, __: Any, event: Any) -> None:
        self.append(
            ev.OrderCancelled(at_ms=self.now_ms(), order_id=event.order_id, signal_id=self._signal_of(event.order_id))
        )

    def _on_completed(self, _: int, __: Any, event: Any) -> None:
        self.append(
            ev.OrderCompleted(at_ms=self.now_ms(), order_id=event.order_id, signal_id=self._signal_of(event.order_id))
        )


def _side(trade_type: TradeType) -> Side:
    return Side.BUY if trade_type is TradeType.BUY else Side.SELL


def _terms(config: DCAExecutorConfig) -> ev.PositionTerms:
    trailing = config.trailing_stop
    return ev.PositionTerms(
        prices=tuple(config.prices),
        amounts_quote=tuple(config.amounts_quote),
        take_profit=config.take_profit,
        stop_loss=config.stop_loss,
        trailing_activation=trailing.activation_price if trailing else None,
        trailing_delta=trailing.trailing_delta if trailing else None,
        time_limit_s=config.time_limit,
        leverage=config.leverage,
    )
