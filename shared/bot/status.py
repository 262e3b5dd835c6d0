"""What a trader needs to see, read from the running strategy: prices, open positions with their barriers, the funnel.

One snapshot serves the console's `status`, the live screen of `recovery run` and its plain lines.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hummingbot.core.data_type.common import PriceType
from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shared.domain.run_record import ExecutorRecord, RunRecord

_TRADES_SHOWN = 5
_PLAIN_COLUMNS = 110  # where there is no screen to ask
_WIDE_COLUMNS = 90  # below, a position takes two lines


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
class Funnel:
    """From signal to closed trade, counted in the journal's events."""

    signals: int
    taken: int
    refused: Mapping[str, int]
    orders: int
    failed: Mapping[str, int]
    fills: int
    trades: int


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


def funnel_of(record: RunRecord) -> Funnel:
    """Count a run's events from signal to trade."""
    orders = record.orders.values()
    return Funnel(
        signals=len(record.signals),
        taken=sum(1 for signal in record.signals if signal.taken),
        refused=Counter(signal.reason for signal in record.signals if signal.reason is not None),
        orders=len(record.orders),
        failed=Counter(order.failed.code for order in orders if order.failed is not None),
        fills=sum(len(order.fills) for order in orders),
        trades=len(record.closed_trades),
    )


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


def render(view: Snapshot, *, narrow: bool = False) -> RenderableType:
    """The tables of a snapshot.

    Args:
        view: What they show.
        narrow: For a screen of less than 90 columns, down to some 54.
    """
    positions = _positions_stacked(view) if narrow else _positions_table(view)
    parts = [_pairs_table(view, narrow), positions, _funnel_lines(view), _trades_table(view)]
    return Group(*(part for table in parts for part in (table, "")))


def render_text(view: Snapshot, refused_edit: str | None = None, columns: int | None = None) -> str:
    """The tables as plain text.

    Args:
        view: What they show.
        refused_edit: Why an edit of a strategy file was not taken, if one was not.
        columns: Longest line; default: what Hummingbot's console has room for, if this process has one.
    """
    columns = columns or _console_columns() or _PLAIN_COLUMNS
    console = Console(width=columns, no_color=True, force_terminal=False, legacy_windows=False)
    with console.capture() as shown:
        console.print(render(view, narrow=columns < _WIDE_COLUMNS))
        if refused_edit:
            console.print(f"  Edit refused, the old values stay: {refused_edit}")
    return "\n".join(line.rstrip() for line in shown.get().splitlines())


def _console_columns() -> int | None:
    # Half the screen beside the log, all of it without (Ctrl+T); longer lines are cut anywhere, as is the prompt's.
    from hummingbot.client.hummingbot_application import HummingbotApplication

    application = HummingbotApplication._main_app
    screen = None if application is None else application.app
    pane = None if screen is None else screen.output_field.window.render_info
    return None if pane is None else int(pane.window_width) - 2


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _pairs_table(view: Snapshot, narrow: bool) -> Table:
    table = _table("Markets", "pair" if narrow else "controller", "price")
    table.add_column("outlook")
    for pair in view.pairs:
        table.add_row(pair.pair if narrow else pair.controller_id, _price(pair.price), pair.outlook)
    return table


def _positions_table(view: Snapshot) -> Table:
    table = _table(
        "Open positions", "pair", "levels", "average entry", "amount", "PnL", "to profit", "to stop", "time left"
    )
    for held in view.positions:
        table.add_row(
            held.pair + (" closing" if held.closing else ""),
            f"{held.levels_filled}/{held.levels}",
            _price(held.average_entry),
            f"{held.amount_quote:,.2f}",
            _pnl(held),
            f"{held.to_take_profit:.2%}",
            f"{held.to_stop_loss:.2%}",
            _time_left(held) or "-",
        )
    if not view.positions:
        table.add_row("none", *[""] * 7)
    return table


def _positions_stacked(view: Snapshot) -> Table:
    table = _table("Open positions", "pair, levels", "amount, PnL", "barriers")
    for held in view.positions:
        left = _time_left(held)
        table.add_row(
            f"{held.pair} {held.levels_filled}/{held.levels}",
            f"{held.amount_quote:,.2f} at {_price(held.average_entry)}",
            f"{held.to_take_profit:.2%} to profit",
        )
        table.add_row(
            "closing" if held.closing else f"{left} left" if left else "",
            _pnl(held),
            f"{held.to_stop_loss:.2%} to stop",
        )
    if not view.positions:
        table.add_row("none", "", "")
    return table


def _price(price: Decimal) -> str:
    return f"{price:,.2f}" if price >= 1000 else f"{price:,.4f}" if price >= 1 else f"{price:.6f}"


def _pnl(held: PositionView) -> Text:
    return Text(f"{held.pnl_quote:+,.2f} ({held.profit:+.2%})", style="green" if held.pnl_quote >= 0 else "red")


def _time_left(held: PositionView) -> str | None:
    return None if held.time_left_s is None else f"{held.time_left_s / 3600:.1f} h"


def _funnel_lines(view: Snapshot) -> RenderableType:
    funnel = view.funnel
    refused = ", ".join(f"{count} {reason}" for reason, count in sorted(funnel.refused.items()))
    failed = sum(funnel.failed.values())
    text = Text(
        f"{funnel.signals} signals -> {funnel.taken} taken -> {funnel.orders} orders ({failed} failed) -> "
        f"{funnel.fills} fills -> {funnel.trades} trades closed, PnL {view.pnl_quote:+,.4f} after "
        f"{view.fees_quote:,.4f} fees" + (f"\nrefused: {refused}" if refused else "")
    )
    return Padding(text, (0, 0, 0, 1))


def _trades_table(view: Snapshot) -> Table:
    table = _table("Last trades", "pair", "closed by", "entries", "PnL", "fees")
    for trade in view.last_trades:
        assert trade.closed is not None
        entries = sum(1 for order in trade.orders if order.fills and not order.submitted.closing)
        table.add_row(
            trade.opened.pair,
            trade.closed.close_type.lower().replace("_", " "),
            str(entries),
            Text(f"{trade.pnl_quote:+,.4f}", style="green" if trade.pnl_quote >= 0 else "red"),
            f"{trade.fees_quote:,.4f}",
        )
    if not view.last_trades:
        table.add_row("none", *[""] * 4)
    return table
