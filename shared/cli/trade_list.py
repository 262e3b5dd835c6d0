"""Trades as a list: a line each where the screen is wide enough, else two, and below it strategy, cause and signal."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.text import Text

from shared.cli.runs import shown_duration, shown_second
from shared.cli.trade_words import shown_price
from shared.domain.trades import Totals, Trade, totals

_GAP = "  "
_Rows = list[tuple[str, ...]]


def print_trades(console: Console, trades: Sequence[Trade]) -> None:
    """The list and its totals."""
    if not trades:
        console.print("No trade.")
        return
    lines = _wide(trades)
    if max(map(len, lines[0])) > console.width:
        lines = _narrow(trades)
    for line in lines[0]:
        console.print(line, style="bold", highlight=False, markup=False)
    for trade, shown in zip(trades, lines[1:], strict=True):
        for line in shown:
            console.print(_coloured(line), no_wrap=True, crop=True)
        for line in _wrapped(_details(trade), console.width - _indent(trades)):
            console.print(" " * _indent(trades) + line, style="dim", highlight=False, markup=False)
    console.print()
    for line in _totals(totals(trades)):
        console.print(line, highlight=False, markup=False)


def _wide(trades: Sequence[Trade]) -> list[list[str]]:
    """Lines of the heading, then of each trade."""
    heads = ("#", "opened (UTC)", "closed", "pair", "levels", "entry", "exit", "closed by", "PnL", "return")
    rows = [
        (
            str(trade.number),
            shown_second(trade.opened_ms),
            _closed_at(trade),
            _pair(trade),
            _levels(trade),
            shown_price(trade.entry.average_price),
            _exit_price(trade),
            _closed_by(trade),
            _pnl(trade),
            _profit(trade),
        )
        for trade in trades
    ]
    return [[line] for line in _aligned([heads, *rows], right=(0, 4, 5, 6, 8, 9))]


def _narrow(trades: Sequence[Trade]) -> list[list[str]]:
    heads = [("#", "opened (UTC)", "pair", "levels", "entry", "PnL"), ("", "closed", "closed by", "", "exit", "return")]
    rows: _Rows = []
    for trade in trades:
        entry, left = shown_price(trade.entry.average_price), _exit_price(trade)
        rows.append(
            (str(trade.number), shown_second(trade.opened_ms), _pair(trade), _levels(trade), entry, _pnl(trade))
        )
        rows.append(("", _closed_at(trade), _closed_by(trade), "", left, _profit(trade)))
    lines = _aligned([*heads, *rows], right=(0, 3, 4, 5))
    return [lines[place : place + 2] for place in range(0, len(lines), 2)]


def _aligned(rows: Sequence[tuple[str, ...]], right: Sequence[int]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        _GAP.join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _details(trade: Trade) -> list[str]:
    held = [] if trade.closed_ms is None else [f"held {shown_duration(trade.closed_ms - trade.opened_ms)}"]
    cause = [f"cause {trade.cause}"] if trade.cause else []
    left = [f"{trade.left.normalize():f} base left over"] if trade.left else []
    return [trade.strategy, *held, *cause, *left, trade.signal.signal_id if trade.signal else "without a signal"]


def _wrapped(parts: Sequence[str], columns: int) -> list[str]:
    lines = [parts[0]]
    for part in parts[1:]:
        if len(lines[-1]) + 2 + len(part) <= columns:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return lines


def _indent(trades: Sequence[Trade]) -> int:
    return len(str(trades[-1].number)) + len(_GAP)


def _coloured(line: str) -> Text:
    """Profits green, losses red: what has a sign is one."""
    text = Text(line)
    text.highlight_regex(r"(?<!\S)\+[\d.,]+%?", style="green")
    text.highlight_regex(r"(?<!\S)-[\d.,]+%?", style="red")
    return text


def _pair(trade: Trade) -> str:
    return f"{trade.executor.opened.pair} {trade.executor.opened.side}"


def _levels(trade: Trade) -> str:
    return f"{trade.levels_filled}/{len(trade.levels)}"


def _closed_at(trade: Trade) -> str:
    """The time alone where it is the day it was opened."""
    if trade.closed_ms is None:
        return "open"
    same_day = _day(trade.closed_ms) == _day(trade.opened_ms)
    shown = shown_second(trade.closed_ms)
    return shown.split()[1] if same_day else shown


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"


def _closed_by(trade: Trade) -> str:
    return trade.executor.closed.close_type if trade.executor.closed else ""


def _exit_price(trade: Trade) -> str:
    return shown_price(trade.exit.average_price) if trade.exit else ""


def _pnl(trade: Trade) -> str:
    return "" if trade.pnl_quote is None else f"{trade.pnl_quote:+,.4f}"


def _profit(trade: Trade) -> str:
    return "" if trade.profit is None else f"{trade.profit:+.2%}"


def _totals(summed: Totals) -> list[str]:
    lines = []
    if summed.closed:
        share = f", {summed.profit:+.2%} of {summed.filled_quote:,.2f} filled" if summed.profit is not None else ""
        lines.append(
            f"{summed.closed:,} closed, {summed.won:,} with a profit: PnL {summed.pnl_quote:+,.4f} quote after "
            f"{summed.fees_quote:,.4f} fees{share}"
        )
    if summed.unclear:
        lines.append(f"{summed.unclear:,} closed with base left over: their PnL is in none of these figures")
    if summed.open:
        lines.append(f"{summed.open:,} open")
    return lines


def as_json_view(trade: Trade) -> dict[str, Any]:
    """A trade for programs; money, prices and fractions as text, to the venue's last unit (1e-8)."""
    opened, closed = trade.executor.opened, trade.executor.closed
    return {
        "number": trade.number,
        "run": trade.run_id,
        "executor": opened.executor_id,
        "signal": opened.signal_id,
        "strategy": trade.signal.strategy if trade.signal else None,
        "phase": trade.signal.phase if trade.signal else None,
        "pair": opened.pair,
        "side": opened.side,
        "opened_at": _iso(trade.opened_ms),
        "closed_at": None if trade.closed_ms is None else _iso(trade.closed_ms),
        "duration_s": None if trade.closed_ms is None else (trade.closed_ms - trade.opened_ms) / 1000,
        "levels_filled": trade.levels_filled,
        "levels": len(trade.levels),
        "average_entry": _digits(trade.entry.average_price),
        "average_exit": _digits(trade.exit.average_price) if trade.exit else None,
        "amount_base": str(trade.entry.amount),
        "filled_quote": _digits(trade.entry.amount_quote),
        "base_left": f"{trade.left.normalize():f}",
        "close_type": closed.close_type if closed else None,
        "cause": trade.executor.exit.cause if trade.executor.exit else None,
        "pnl_quote": _digits(trade.pnl_quote),
        "fees_quote": _digits(trade.executor.fees_quote),
        "return": _digits(trade.profit),
    }


def totals_as_json(trades: Sequence[Trade]) -> dict[str, Any]:
    """Their sums."""
    summed = totals(trades)
    return {
        "closed": summed.closed,
        "open": summed.open,
        "won": summed.won,
        "unclear": summed.unclear,
        "pnl_quote": _digits(summed.pnl_quote),
        "fees_quote": _digits(summed.fees_quote),
        "filled_quote": _digits(summed.filled_quote),
        "return": _digits(summed.profit),
    }


def _digits(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.8f}"


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
