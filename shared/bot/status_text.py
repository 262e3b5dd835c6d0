"""A snapshot as sheets of text: laid out here for Hummingbot's console, coloured by `recovery run` (shared/cli/screen.py).

Imports nothing that a stock Hummingbot image does not have.
"""

from dataclasses import dataclass
from decimal import Decimal

from tabulate import tabulate

from shared.bot.status import PositionView, Snapshot

_PLAIN_COLUMNS = 110
_WIDE_COLUMNS = 90


@dataclass(frozen=True)
class Sheet:
    """A titled table. The first column holds names; `words` says whether the last one holds words instead of a number."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False


def sheets(view: Snapshot, *, narrow: bool = False) -> tuple[Sheet, ...]:
    """Markets, open positions and last trades.

    Args:
        view: What they show.
        narrow: For a screen of less than 90 columns, down to some 54.
    """
    return (_markets(view, narrow), _stacked_positions(view) if narrow else _positions(view), _trades(view))


def funnel_lines(view: Snapshot) -> list[str]:
    """From signal to trade in a line, and the refusals in another where there were any."""
    funnel = view.funnel
    failed = sum(funnel.failed.values())
    lines = [
        f"{funnel.signals} signals -> {funnel.taken} taken -> {funnel.orders} orders ({failed} failed) -> "
        f"{funnel.fills} fills -> {funnel.trades} trades closed, PnL {view.pnl_quote:+,.4f} after "
        f"{view.fees_quote:,.4f} fees"
    ]
    if funnel.refused:
        lines.append("refused: " + ", ".join(f"{count} {reason}" for reason, count in sorted(funnel.refused.items())))
    return lines


def render_text(view: Snapshot, refused_edit: str | None = None, columns: int | None = None) -> str:
    """The sheets as plain text.

    Args:
        view: What they show.
        refused_edit: Why an edit of a strategy file was not taken, if one was not.
        columns: Longest line; default: what Hummingbot's console has room for, if this process has one.
    """
    columns = columns or _console_columns() or _PLAIN_COLUMNS
    markets, positions, trades = sheets(view, narrow=columns < _WIDE_COLUMNS)
    notes = [line for note in funnel_lines(view) for line in _wrapped(note, columns - 1)]
    if refused_edit:
        notes += _wrapped(f"Edit refused, the old values stay: {refused_edit}", columns - 1)
    shown = [_as_text(sheet, columns - 1) for sheet in (markets, positions, trades)]
    parts = [*shown[:2], "\n".join(f" {line}" for line in notes), shown[2]]
    return "\n\n".join(parts)


def _as_text(sheet: Sheet, columns: int) -> str:
    aligned = ["left", *["right"] * (len(sheet.columns) - 1)]
    rows = sheet.rows
    if sheet.words:
        aligned[-1] = "left"
        widths = [max(map(len, column)) for column in zip(sheet.columns, *rows, strict=True)]
        left = columns - sum(widths[:-1]) - 2 * (len(widths) - 1)
        rows = tuple((*row[:-1], "\n".join(_wrapped(row[-1], left))) for row in rows)
    text = tabulate(rows, sheet.columns, tablefmt="simple", colalign=aligned, disable_numparse=True)
    return "\n".join(f" {line}".rstrip() for line in (sheet.title, *text.splitlines()))


def _wrapped(text: str, columns: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > columns:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


def _console_columns() -> int | None:
    # Half the screen beside the log, all of it without (Ctrl+T); longer lines are cut anywhere, as is the prompt's.
    from hummingbot.client.hummingbot_application import HummingbotApplication

    application = HummingbotApplication._main_app
    screen = None if application is None else application.app
    pane = None if screen is None else screen.output_field.window.render_info
    return None if pane is None else int(pane.window_width) - 2


def _markets(view: Snapshot, narrow: bool) -> Sheet:
    rows = tuple((pair.pair if narrow else pair.controller_id, _price(pair.price), pair.outlook) for pair in view.pairs)
    columns = ("pair" if narrow else "controller", "price", "outlook")
    return Sheet("Markets", columns, rows or (("none", "", ""),), words=True)


def _positions(view: Snapshot) -> Sheet:
    columns = ("pair", "levels", "average entry", "amount", "PnL", "to profit", "to stop", "time left")
    rows = tuple(
        (
            held.pair + (" closing" if held.closing else ""),
            f"{held.levels_filled}/{held.levels}",
            _price(held.average_entry),
            f"{held.amount_quote:,.2f}",
            _pnl(held),
            f"{held.to_take_profit:.2%}",
            f"{held.to_stop_loss:.2%}",
            _time_left(held) or "-",
        )
        for held in view.positions
    )
    return Sheet("Open positions", columns, rows or (("none", *[""] * 7),))


def _stacked_positions(view: Snapshot) -> Sheet:
    rows: list[tuple[str, ...]] = []
    for held in view.positions:
        left = _time_left(held)
        amount = f"{held.amount_quote:,.2f} at {_price(held.average_entry)}"
        rows.append((f"{held.pair} {held.levels_filled}/{held.levels}", amount, f"{held.to_take_profit:.2%} to profit"))
        state = "closing" if held.closing else f"{left} left" if left else ""
        rows.append((state, _pnl(held), f"{held.to_stop_loss:.2%} to stop"))
    return Sheet("Open positions", ("pair, levels", "amount, PnL", "barriers"), tuple(rows) or (("none", "", ""),))


def _trades(view: Snapshot) -> Sheet:
    rows = tuple(
        (
            trade.opened.pair,
            trade.closed.close_type.lower().replace("_", " "),
            str(sum(1 for order in trade.orders if order.fills and not order.submitted.closing)),
            f"{trade.pnl_quote:+,.4f}",
            f"{trade.fees_quote:,.4f}",
        )
        for trade in view.last_trades
        if trade.closed is not None
    )
    return Sheet("Last trades", ("pair", "closed by", "entries", "PnL", "fees"), rows or (("none", *[""] * 4),))


def _price(price: Decimal) -> str:
    return f"{price:,.2f}" if price >= 1000 else f"{price:,.4f}" if price >= 1 else f"{price:.6f}"


def _pnl(held: PositionView) -> str:
    return f"{held.pnl_quote:+,.2f} ({held.profit:+.2%})"


def _time_left(held: PositionView) -> str | None:
    return None if held.time_left_s is None else f"{held.time_left_s / 3600:.1f} h"
