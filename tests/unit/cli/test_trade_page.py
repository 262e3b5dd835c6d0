"""The page of pictures: whole by itself, sound HTML, each picture with its words and its figures."""

import base64
from dataclasses import replace
from html.parser import HTMLParser

from shared.cli.trade_candles import Backdrop, Window
from shared.cli.trade_page import Picture, page_of
from shared.cli.trade_picture import draw
from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.trades import trades_of
from tests.unit.cli.trade_samples import busy_run, ladder, started

NO_CANDLES = Backdrop(None, "No candles: <none>.")
VOID = {"meta", "img"}


class Page(HTMLParser):
    """What a page holds; its tags must be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.cells: list[str] = []
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.addresses: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag == "img":
            self.images.append(dict(attrs))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def page(events: list[ev.Event]) -> tuple[str, Page]:
    record = RunRecord.of(events)
    pictures = []
    for trade in trades_of([("one", record)]):
        ended_ms = trade.closed_ms or record.last_ms
        figure = draw(trade, NO_CANDLES, Window.around(trade.opened_ms, ended_ms), ended_ms)
        pictures.append(Picture(trade, NO_CANDLES, figure))
    text = page_of(pictures)
    return text, Page(text)


def test_each_trade_has_its_picture_in_words_too() -> None:
    text, read = page(busy_run())
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>3 trades</title>" in text
    assert (read.count["section"], read.count["h1"], read.count["table"], read.count["caption"]) == (3, 1, 6, 6)
    assert [str(image["alt"]).split(":")[0] for image in read.images] == ["Trade 1", "Trade 2", "Trade 3"]
    assert "closed by EARLY_STOP (channel_broken)" in str(read.images[1]["alt"])


def test_a_page_needs_no_other_file() -> None:
    _, read = page(busy_run())
    prefix = "data:image/svg+xml;base64,"
    assert all(address.startswith(prefix) for address in read.addresses)
    assert base64.b64decode(read.addresses[0].removeprefix(prefix)).startswith(b"<?xml")


def test_its_figures_and_every_fill_are_below_a_picture() -> None:
    text, read = page([started(), *ladder().events])
    assert "<title>Trade 1: BTC-USDT BUY, recovery_dca</title>" in text
    for cell in ("94,060.00", "94,051.06", "Stop loss, not in force before every level is filled", "89,399.67", "one"):
        assert cell in read.cells
    assert read.cells[-24:-18] == ["2025-01-06 00:05:00", "entry", "BUY", "93,490.5", "0.001", "0.09349050"]
    assert read.cells[-6:] == ["2025-01-06 00:20:00", "exit", "SELL", "94,060", "0.002", "0.18812000"]


def test_names_cannot_break_the_page() -> None:
    name = '"><script>alert(1)</script>'
    events = [replace(event, signal_id=name) for event in ladder().events]  # type: ignore[call-arg]
    text, read = page([started(), *events])
    assert "script" not in read.count
    assert "No candles: &lt;none&gt;." in text
    assert name in read.cells
