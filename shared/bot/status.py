"""What a trader needs to see, read from the running strategy: prices, open positions with their barriers, the funnel.

One snapshot serves the console's `status`, the live screen of `recovery run` and its plain lines.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import PriceType

from shared.domain.funnel import Funnel, funnel_of
from shared.domain.run_record import ExecutorRecord, RunRecord

_TRADES_SHOWN = 5


@dataclass(frozen=True)
class PairView:
    """One controller: its pair's price (quote per base) and how far it is from a signal."""

    controller_id: str
    pair: str
    price: Decimal
    outlook: str


@dataclass(frozen=True)
class PositionView:
    """One open position. Fractions are fractions of the filled quote amount, after fees."""

    pair: str
    levels_filled: int
    levels: int
    average_entry: Decimal
    amount_quote: Decimal
    pnl_quote: Decimal
    profit: Decimal
    to_take_profit: Decimal
    to_stop_loss: Decimal
    trailing_trigger: Decimal | None
    time_left_s: float | None
    closing: bool


@dataclass(frozen=True)
class Snapshot:
    """Everything the screens show, at one moment (`at_s`, UTC epoch seconds)."""

    at_s: float
    pairs: tuple[PairView, ...]
    positions: tuple[PositionView, ...]
    funnel: Funnel
    pnl_quote: Decimal
    fees_quote: Decimal
    last_trades: tuple[ExecutorRecord, ...]


def waiting_for(strategy: Any) -> str:
    """What a strategy that cannot trade yet is waiting for; empty once it can."""
    parts = [
        f"{name} ({', '.join(part for part, ready in connector.status_dict.items() if not ready)})"
        for name, connector in strategy.connectors.items()
        if not connector.ready
    ]
    feeds = strategy.market_data_provider.candles_feeds
    parts += [
        f"candles {name} ({len(feed._candles)}/{feed.max_records})" for name, feed in feeds.items() if not feed.ready
    ]
    return ", ".join(parts)


def snapshot(strategy: Any) -> Snapshot:
    """Read a running RecoveryStrategy, once `waiting_for` names nothing."""
    record: RunRecord = strategy.session.record
    trades = record.closed_trades
    return Snapshot(
        at_s=strategy.current_timestamp,
        pairs=tuple(_pair_view(strategy, controller) for controller in strategy.controllers.values()),
        positions=tuple(
            _position_view(strategy, executor)
            for executors in strategy.executor_orchestrator.active_executors.values()
            for executor in executors
            if not executor.is_closed
        ),
        funnel=funnel_of(record),
        pnl_quote=sum((trade.pnl_quote for trade in trades), Decimal(0)),
        fees_quote=sum((trade.fees_quote for trade in trades), Decimal(0)),
        last_trades=tuple(trades[-_TRADES_SHOWN:]),
    )


def _pair_view(strategy: Any, controller: Any) -> PairView:
    config = controller.config
    price = strategy.market_data_provider.get_price_by_type(
        config.connector_name, config.trading_pair, PriceType.MidPrice
    )
    return PairView(config.id, config.trading_pair, price, controller.outlook())


def _position_view(strategy: Any, executor: Any) -> PositionView:
    config = executor.config
    profit = executor.get_net_pnl_pct()
    return PositionView(
        pair=config.trading_pair,
        levels_filled=sum(1 for order in executor.active_open_orders if order.is_filled),
        levels=executor.n_levels,
        average_entry=executor.current_position_average_price,
        amount_quote=Decimal(executor.open_filled_amount_quote),
        pnl_quote=executor.net_pnl_quote,
        profit=profit,
        to_take_profit=config.take_profit - profit,
        to_stop_loss=profit + config.stop_loss,
        trailing_trigger=executor.get_custom_info()["trailing_stop_trigger_pct"],
        time_left_s=None if executor.end_time is None else executor.end_time - strategy.current_timestamp,
        closing=not executor.is_active,
    )
