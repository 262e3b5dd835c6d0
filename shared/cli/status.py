"""`recovery status`: what a home's bot is doing or has done, from its journal."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from shared.cli.errors import UsageError
from shared.cli.verify import read_run
from shared.domain.run_record import RunRecord, net_base


def status(
    run: Annotated[str | None, typer.Option(help="Id of the run; default: the last.")] = None,
    home: Annotated[Path | None, typer.Option(help="Home of the bot; default: RECOVERY_HOME or home/RELEASE.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the last run: whether it is still on, its funnel, open positions and closed trades."""
    run_id, record = read_run(home, run)
    if record.started is None:
        raise UsageError(f"--run = {run_id}: has not begun to trade")
    view = _as_json(run_id, record)
    if as_json:
        typer.echo(json.dumps(view, indent=2))
        return
    console = Console()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in view.items():
        if name != "trades":
            table.add_row(name.replace("_", " "), str(value))
    console.print(table)
    trades = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("pair", "signal", "closed by", "PnL", "fees"):
        trades.add_column(column, justify="right" if column in ("PnL", "fees") else "left")
    for trade in view["trades"]:
        trades.add_row(trade["pair"], trade["signal"], trade["close_type"], trade["pnl_quote"], trade["fees_quote"])
    console.print(trades)


def _as_json(run_id: str, record: RunRecord) -> dict[str, Any]:
    assert record.started is not None
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for executor in record.executors.values():
        if executor.closed is None:
            held[executor.opened.pair] += net_base(executor.fills)
    open_positions = {pair: str(amount) for pair, amount in held.items() if amount != 0}
    return {
        "run": run_id,
        "script": record.started.script,
        "hummingbot": record.started.hummingbot,
        "state": "stopped" if record.stopped else "not stopped: running, or ended without a stop",
        "signals": len(record.signals),
        "signals_taken": sum(1 for signal in record.signals if signal.taken),
        "orders": len(record.orders),
        "orders_failed": sum(1 for order in record.orders.values() if order.failed),
        "fills": sum(len(order.fills) for order in record.orders.values()),
        "open_positions": open_positions or "none",
        "trades_closed": len(record.closed_trades),
        "trades": [
            {
                "pair": trade.opened.pair,
                "signal": trade.opened.signal_id,
                "close_type": trade.closed.close_type if trade.closed else "",
                "pnl_quote": f"{trade.pnl_quote:.8f}",
                "fees_quote": f"{trade.fees_quote:.8f}",
            }
            for trade in record.closed_trades
        ],
    }
