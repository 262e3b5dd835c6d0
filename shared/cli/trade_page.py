"""Pictures of trades on one self-contained page, each with its figures and fills as tables."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.figure import Figure

from shared.cli.runs import shown_second
from shared.cli.trade_candles import Backdrop
from shared.cli.trade_picture import file_of
from shared.cli.trade_words import barriers_of, described, outcome_of, shown_price, title_of
from shared.domain.trades import Trade

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
img { width: 100%; height: auto; border: 1px solid #ddd }
figure { margin: 0 } figcaption { color: #555 }
section { margin-bottom: 3rem }
table { border-collapse: collapse; margin-top: 1rem; width: 100% }
caption { text-align: left; font-weight: 600 }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #e5e5e5; vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums } th.number { text-align: right }
@media (max-width: 40rem) { table { display: block; overflow-x: auto } }
"""


@dataclass(frozen=True)
class Picture:
    """A trade drawn."""

    trade: Trade
    backdrop: Backdrop
    figure: Figure


def page_of(pictures: Sequence[Picture]) -> str:
    """The whole page, which needs no other file."""
    title = title_of(pictures[0].trade) if len(pictures) == 1 else f"{len(pictures)} trades"
    sections = "\n".join(_section(picture) for picture in pictures)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width">\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n'
        f"<h1>{escape(title)}</h1>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _section(picture: Picture) -> str:
    trade = picture.trade
    title, outcome = title_of(trade), outcome_of(trade)
    # As an image, because the ids within one SVG would collide with those of the next.
    image = base64.b64encode(file_of(picture.figure, "svg", trade)).decode()
    return (
        f'<section id="trade-{trade.number}">\n<h2>{escape(title)}</h2>\n<figure>\n'
        f'<img alt="{escape(described(trade))}" src="data:image/svg+xml;base64,{image}">\n'
        f"<figcaption>{escape(picture.backdrop.source)}</figcaption>\n</figure>\n"
        f"{_table('The trade', (), _figures(trade, outcome))}{_table('Its fills', _FILL_COLUMNS, _fills(trade))}</section>"
    )


def _figures(trade: Trade, outcome: str) -> list[tuple[str, ...]]:
    opened = trade.executor.opened
    rows = [
        ("Outcome", outcome),
        ("Opened", f"{shown_second(trade.opened_ms)} UTC"),
        ("Closed", "open" if trade.closed_ms is None else f"{shown_second(trade.closed_ms)} UTC"),
        ("Average entry", shown_price(trade.entry.average_price)),
        ("Average exit", shown_price(trade.exit.average_price) if trade.exit else "none yet"),
        *barriers_of(trade),
        ("Filled", f"{trade.entry.amount_quote:,.2f} quote, {trade.levels_filled} of {len(trade.levels)} levels"),
        ("Fees", f"{trade.executor.fees_quote:,.8f} quote"),
    ]
    if opened.terms is not None and opened.terms.time_limit_s is not None:
        rows.append(("Time limit", f"{shown_second(opened.at_ms + opened.terms.time_limit_s * 1000)} UTC"))
    return [*rows, ("Signal", opened.signal_id or "none"), ("Executor", opened.executor_id), ("Run", trade.run_id)]


_FILL_COLUMNS = ("time (UTC)", "order", "side", "price", "amount", "fee")


def _fills(trade: Trade) -> list[tuple[str, ...]]:
    return [
        (
            shown_second(fill.at_ms),
            "exit" if order.submitted.closing else "entry",
            fill.side,
            f"{fill.price.normalize():,f}",
            f"{fill.amount.normalize():f}",
            f"{fill.fee_quote:.8f}",
        )
        for order in trade.executor.orders
        for fill in order.fills
    ]


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; without columns each row's first cell heads it."""
    classes = [' class="number"' if column in ("price", "amount", "fee") else "" for column in columns]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(columns, classes, strict=True))
    body = "".join(f"<tr>{_cells(row, classes)}</tr>\n" for row in rows)
    thead = f"<thead><tr>{head}</tr></thead>\n" if columns else ""
    return f"<table>\n<caption>{caption}</caption>\n{thead}<tbody>\n{body}</tbody>\n</table>\n"


def _cells(row: Sequence[str], classes: Sequence[str]) -> str:
    if classes:
        return "".join(f"<td{kind}>{escape(text)}</td>" for text, kind in zip(row, classes, strict=True))
    name, *texts = row
    return f'<th scope="row">{escape(name)}</th>' + "".join(f"<td>{escape(text)}</td>" for text in texts)
