"""The live screen of `recovery run`: the sheets of the bot's status, coloured, with progress to the goal."""

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from shared.bot.status import Snapshot
from shared.bot.status_text import Sheet, funnel_lines, sheets

_WIDE_COLUMNS = 90


def screen(view: Snapshot, *, heading: str, until_trades: int, clock: str, columns: int) -> RenderableType:
    """The whole screen.

    Args:
        view: What it shows.
        heading: Its first line.
        until_trades: Closed trades to reach; 0 for no such end.
        clock: The market's time and pace.
        columns: Width of the terminal.
    """
    markets, positions, trades = (_table(sheet) for sheet in sheets(view, narrow=columns < _WIDE_COLUMNS))
    funnel = Padding(Text("\n".join(funnel_lines(view))), (0, 0, 0, 1))
    progress = Table.grid(padding=(0, 1))
    closed = view.funnel.trades
    bar = ProgressBar(total=until_trades, completed=min(closed, until_trades), width=40) if until_trades else ""
    progress.add_row(Text(f" {goal(closed, until_trades)} trades closed"), bar, Text(clock))
    return Group(Text(f" {heading}", style="dim"), "", markets, "", positions, "", funnel, "", trades, "", progress)


def goal(closed: int, until_trades: int) -> str:
    """How many trades have closed, of how many where there is an end."""
    return f"{closed}/{until_trades}" if until_trades else str(closed)


def _table(sheet: Sheet) -> Table:
    table = Table(title=sheet.title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for number, column in enumerate(sheet.columns):
        is_words = number == 0 or (sheet.words and number == len(sheet.columns) - 1)
        table.add_column(column, justify="left" if is_words else "right", no_wrap=not is_words)
    for row in sheet.rows:
        table.add_row(*(_coloured(cell) for cell in row))
    return table


def _coloured(cell: str) -> Text:
    """Profits green, losses red: what has a sign is one."""
    style = "green" if cell.startswith("+") else "red" if cell.startswith("-") and len(cell) > 1 else ""
    return Text(cell, style=style)
