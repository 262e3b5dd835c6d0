"""Pictures of trades written to files: an SVG or PNG each, or a page of them with their figures below."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from shared.cli.errors import UsageError
from shared.cli.trade_candles import Backdrop, CandleSource, Window
from shared.cli.trade_page import Picture, page_of
from shared.cli.trade_picture import draw, file_of
from shared.cli.trade_words import title_of
from shared.domain.run_record import RunRecord
from shared.domain.trades import Trade

_PICTURES = (".svg", ".png")
_PAGE = ".html"


def write_pictures(
    records: Mapping[str, RunRecord], drawn: Sequence[Trade], to: Path, source: CandleSource
) -> Iterator[str]:
    """Draw trades and write them.

    Args:
        records: The runs they belong to, by id.
        drawn: The trades, at least one.
        to: A file ending in .svg, .png or .html, or a folder, made if it is absent.
        source: Where candles come from.

    Yields:
        A line for each file written.

    Raises:
        UsageError: It cannot be written there, or not in that form.
    """
    suffix = to.suffix.lower()
    if suffix not in (*_PICTURES, _PAGE, "") and not to.is_dir():
        raise UsageError(f"--to = {to}: must end in .svg, .png or .html, or be a folder")
    if suffix in _PICTURES and not to.is_dir() and len(drawn) > 1:
        raise UsageError(
            f"--to = {to}: holds one picture, and {len(drawn)} trades were asked for; give a folder or .html"
        )
    pictures = ((trade, *_picture(records[trade.run_id], trade, source)) for trade in drawn)
    try:
        if suffix == _PAGE and not to.is_dir():
            page = [Picture(trade, backdrop, figure) for trade, backdrop, figure in pictures]
            to.write_text(page_of(page), encoding="utf-8")
            with_candles = sum(1 for each in page if each.backdrop.candles is not None)
            yield f"{to}  {with_candles} of {len(page)} trades with candles"
            return
        if suffix == "" or to.is_dir():
            to.mkdir(exist_ok=True)
        for trade, backdrop, figure in pictures:
            file = to / f"trade_{trade.number}_{trade.executor.opened.pair}.svg" if to.is_dir() else to
            file.write_bytes(file_of(figure, file.suffix.lower()[1:], trade))
            yield f"{file}  {title_of(trade)}. {backdrop.source}"
    except OSError as error:
        raise UsageError(f"--to = {to}: cannot be written: {error.strerror}") from error


def _picture(record: RunRecord, trade: Trade, source: CandleSource) -> tuple[Backdrop, Figure]:
    ended_ms = record.last_ms if trade.closed_ms is None else trade.closed_ms
    window = Window.around(trade.opened_ms, ended_ms)
    backdrop = source.around(trade, record, window)
    return backdrop, draw(trade, backdrop, window, ended_ms)
