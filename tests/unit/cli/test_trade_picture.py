"""The picture of a trade shows the journal: its fills, its barriers where its fills put them, its time's candles alone.

After a change that is meant, write the golden file anew: python -m tests.unit.cli.test_trade_picture
"""

import io
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from shared.cli.trade_candles import Backdrop, CandleSource, Window
from shared.cli.trade_picture import draw, file_of
from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.signals import Side
from shared.domain.trades import Trade, trades_of
from tests.unit.cli.simulated_trades import run_of, traded, without_terms
from tests.unit.cli.trade_samples import Position, at, busy_run, ladder, short, signal, started, still_open, terms

GOLDEN = Path(__file__).parent / "golden"
CHECKOUT = Path(__file__).resolve().parents[3]
NO_CANDLES = Backdrop(None, "No candles: none are needed here.")


def pictured(record: RunRecord, backdrop: Backdrop | None = None) -> tuple[Trade, Backdrop, Figure]:
    trade = trades_of([("one", record)])[0]
    ended_ms = trade.closed_ms or record.last_ms
    window = Window.around(trade.opened_ms, ended_ms)
    backdrop = backdrop or CandleSource().around(trade, record, window)
    return trade, backdrop, draw(trade, backdrop, window, ended_ms)


def of(*positions: Position) -> tuple[Trade, Figure]:
    """A position's picture without candles."""
    trade, _, figure = pictured(run_of(*positions), NO_CANDLES)
    return trade, figure


def marked(figure: Figure, gid: str) -> Any:
    """What carries a gid; None if nothing does."""
    found = figure.findobj(lambda artist: artist.get_gid() == gid)
    assert len(found) <= 1
    return found[0] if found else None


def line(figure: Figure, gid: str) -> list[tuple[float, float]]:
    """A line's corners as (epoch milliseconds, price)."""
    drawn = marked(figure, gid)
    return [] if drawn is None else [(day * 86_400_000, price) for day, price in zip(*drawn.get_data(), strict=True)]


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def fills_of(position: Position, closing: bool) -> list[tuple[float, float]]:
    """From the journal: when and at which price."""
    orders = {event.order_id for event in position.events if isinstance(event, ev.OrderSubmitted) and event.closing}
    fills = [event for event in position.events if isinstance(event, ev.OrderFilled)]
    return [(fill.at_ms, float(fill.price)) for fill in fills if (fill.order_id in orders) is closing]


def price_of(position: Position, fills: int, profit: Fraction) -> float:
    """The price that leaves a profit on the first so many fills, after their fees: by hand, in fractions."""
    bought = [event for event in position.events if isinstance(event, ev.OrderFilled)][:fills]
    amount = sum(Fraction(fill.amount) for fill in bought)
    paid = sum(Fraction(fill.amount) * Fraction(fill.price) for fill in bought)
    fees = sum(Fraction(fill.fee_quote) for fill in bought)
    gain = paid * profit + fees
    return float((paid + gain if position.signal.side is Side.BUY else paid - gain) / amount)


@pytest.mark.parametrize("position", [ladder(), short(), traded(), traded(side=Side.SELL, perpetual=True)])
def test_the_fills_drawn_are_those_of_the_journal(position: Position) -> None:
    _, figure = of(position)
    for gid, closing in (("entries", False), ("exits", True)):
        markers = marked(figure, gid)
        expected = [(moment / 86_400_000, price) for moment, price in fills_of(position, closing)]
        assert markers.get_offsets().tolist() == [list(fill) for fill in expected]
        # Up is bought, down is sold.
        is_buy = (position.signal.side is Side.BUY) is not closing
        (shape,) = markers.get_paths()
        assert bool(shape.vertices[0, 1] > 0) is is_buy


@pytest.mark.parametrize("side", Side)
def test_barriers_lie_where_the_fills_put_them(side: Side) -> None:
    position = traded(side=side, trailing_activation=Decimal("0.02"))
    _, figure = of(position)
    for gid, profit in (
        ("take-profit", Fraction(1, 100)),
        ("stop-loss-waiting", Fraction(-4, 100)),
        ("trailing-activation", Fraction(2, 100)),
    ):
        first, second = price_of(position, 1, profit), price_of(position, 2, profit)
        corners = [(at(6.1), first), (at(11), first), (at(11), second), (at(26), second)]
        assert [price for _, price in line(figure, gid)] == pytest.approx([price for _, price in corners], rel=1e-12)
        assert [moment for moment, _ in line(figure, gid)] == pytest.approx([moment for moment, _ in corners])
    assert line(figure, "stop-loss") == []
    assert line(figure, "average-entry")[-1][1] == pytest.approx(
        float(
            sum(Fraction(str(price)) * part for (_, price), part in zip(fills_of(position, False), (1, 2), strict=True))
            / 3
        )
    )


def test_the_stop_loss_is_drawn_as_in_force_once_every_level_is_filled() -> None:
    position = Position(signal(5, price=100.0), terms("100", "98"))
    position.order(5.1, "1", limit="100", fills=[(5.1, "100", "1")])
    position.order(5.1, "1", limit="98", fills=[(9, "98", "0.5"), (10, "98", "0.5")])
    position.decide(20, "STOP_LOSS", "95.139").order(20, "2", fills=[(20, "95", "2")]).close(20.1, "STOP_LOSS")
    _, figure = of(position)
    waiting, in_force = line(figure, "stop-loss-waiting"), line(figure, "stop-loss")
    assert (waiting[0][0], waiting[-1][0]) == pytest.approx((at(5.1), at(10)))
    assert (in_force[0][0], in_force[-1][0]) == pytest.approx((at(10), at(20)))
    assert in_force[-1][1] == pytest.approx(price_of(position, 3, Fraction(-4, 100)))
    assert (marked(figure, "stop-loss-waiting").get_linestyle(), marked(figure, "stop-loss").get_linestyle()) == (
        ":",
        "-",
    )
    assert [text for text in texts(figure) if text.startswith("stop loss")] == [f"stop loss  {in_force[-1][1]:.4f}"]


def test_every_level_is_a_dashed_line_that_says_what_was_filled() -> None:
    _, figure = of(ladder())
    assert {price for number in (1, 2, 3) for _, price in line(figure, f"level-{number}")} == {93500, 92565, 91630}
    assert [text for text in texts(figure) if text.startswith("level")] == [
        "level 3  91,630.00, not filled",
        "level 2  92,565.00, filled 0.001",
        "level 1  93,500.00, filled 0.001",
    ]
    filled, unfilled = marked(figure, "level-2"), marked(figure, "level-3")
    assert filled.get_color() != unfilled.get_color()
    assert filled.is_dashed()
    assert unfilled.is_dashed()


def test_the_candles_drawn_are_those_of_the_window_and_no_others() -> None:
    trade, backdrop, figure = pictured(run_of(traded()))
    candles = backdrop.candles
    assert candles is not None
    window = Window.around(trade.opened_ms, trade.closed_ms or 0)
    wicks = np.array(marked(figure, "candle-wicks").get_segments())
    assert wicks.shape == (len(candles), 2, 2)
    middles_ms = wicks[:, :, 0] * 86_400_000
    assert np.allclose(middles_ms, (candles.open_time_s * 1000 + 30_000)[:, None])
    assert (middles_ms > window.start_ms).all()
    assert (middles_ms < window.end_ms).all()
    assert np.array_equal(wicks[:, :, 1], np.column_stack([candles.low, candles.high]))
    rising = candles.close >= candles.open
    for gid, part in (("candles-rising", rising), ("candles-falling", ~rising)):
        bodies = np.array([body.vertices[:4] for body in marked(figure, gid).get_paths()])
        assert np.array_equal(bodies[:, [0, 2], 1], np.column_stack([candles.open, candles.close])[part])
        assert np.allclose(bodies[:, 0, 0] * 86_400, candles.open_time_s[part] + 9)
    low, high = figure.axes[0].get_xlim()
    assert (low * 86_400_000, high * 86_400_000) == pytest.approx((window.start_ms, window.end_ms))
    assert marked(figure, "source").get_text() == "Candles of 1m: simulated, seed 1."


def test_without_candles_the_picture_says_so() -> None:
    _, _, figure = pictured(run_of(traded(), market="live"))
    assert marked(figure, "candle-wicks") is None
    assert marked(figure, "source").get_text() == (
        "No candles: those of live are not kept; name a recording with --candles."
    )
    assert marked(figure, "entries") is not None


def test_without_terms_there_are_no_barriers_and_the_picture_says_so() -> None:
    _, figure = of(without_terms(ladder()))
    for gid in ("take-profit", "stop-loss", "stop-loss-waiting", "trailing-activation", "time-limit"):
        assert marked(figure, gid) is None
    assert "The journal has no terms of this position: barriers are not drawn." in " ".join(
        marked(figure, "source").get_text().split()
    )
    assert {price for number in (1, 2, 3) for _, price in line(figure, f"level-{number}")} == {93500, 92565, 91630}
    assert line(figure, "average-entry")


def test_a_trailing_stop_is_marked_where_it_was_touched() -> None:
    _, figure = of(traded(cause="TRAILING_STOP", barrier_price="95111.5", trailing_activation=Decimal("0.02")))
    assert line(figure, "trailing-stop") == [(pytest.approx(at(26)), 95111.5)]
    assert "trailing stop  95,111.50" in texts(figure)
    assert marked(of(traded())[1], "trailing-stop") is None


@pytest.mark.parametrize(("limit_s", "is_drawn"), [(1500, True), (1600, True), (86_400, False), (None, False)])
def test_a_time_limit_is_drawn_where_it_lies_within(limit_s: int | None, is_drawn: bool) -> None:
    _, figure = of(traded(time_limit_s=limit_s))
    assert ("time limit" in texts(figure)) is is_drawn
    if is_drawn:
        (moment, _) = line(figure, "time-limit")[0]
        assert moment == pytest.approx(traded().events[1].at_ms + (limit_s or 0) * 1000)


def test_an_open_position_is_drawn_up_to_now() -> None:
    record = RunRecord.of([started(), *still_open().events, signal(70, reason="capital")])
    _, _, figure = pictured(record, NO_CANDLES)
    assert marked(figure, "outcome").get_text() == "open since 2025-01-06 00:40:00 UTC, 1 of 2 levels filled"
    assert (marked(figure, "exit"), marked(figure, "exits")) == (None, None)
    assert line(figure, "take-profit")[-1][0] == pytest.approx(record.last_ms)


def test_cause_and_result_are_in_the_heading() -> None:
    _, figure = of(short())
    assert marked(figure, "title").get_text() == "Trade 1: ETH-USDT SELL, recovery_channel"
    assert marked(figure, "outcome").get_text() == (
        "closed by EARLY_STOP (channel_broken) after 23.7 h: -2.4670 USDT after fees (-1.45%)"
    )


def crowded() -> Position:
    """Ten levels within half a percent, of a pair with small prices and large amounts."""
    prices = [f"{0.385 - number * 0.0002:.4f}" for number in range(10)]
    opening = signal(5, strategy="recovery_dca", pair="DOGE-USDT", price=0.385)
    position = Position(opening, terms(*prices, trailing_activation=Decimal("0.01"), time_limit_s=900))
    for number, price in enumerate(prices):
        position.order(5.1, "123456.7", limit=price, fills=[(5.2 + number / 10, price, "123456.7")])
    position.decide(20, "channel_broken").order(20, "1234567", fills=[(20.1, "0.3832", "1234567")])
    return position.close(20.2, "EARLY_STOP")


@pytest.mark.parametrize("position", [ladder(), short(), traded(), crowded()])
def test_no_text_lies_on_another_or_beyond_the_edge(position: Position) -> None:
    _, figure = of(position)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    assert width == 800
    shown = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    extents = [Text.get_window_extent(text, canvas.get_renderer()) for text in shown]  # less the line to what it names
    low, high = figure.axes[0].get_xlim()
    for text, extent in zip(shown, extents, strict=True):
        assert extent.x0 >= 0, text
        assert extent.x1 <= width, text
        assert extent.y0 >= 0, text
        assert extent.y1 <= height, text
        assert text.get_fontsize() >= 7.5, text
    for (one, first), (other, second) in combinations(zip(shown, extents, strict=True), 2):
        overlap = (
            min(first.x1, second.x1) - max(first.x0, second.x0),
            min(first.y1, second.y1) - max(first.y0, second.y0),
        )
        # A line's height is more than its letters'.
        assert overlap[0] <= 0 or overlap[1] <= 2, (one, other)
    assert low < high


def test_a_price_that_stands_still_can_be_drawn() -> None:
    position = Position(signal(5, price=100.0), None)
    position.order(5.1, "1", limit="100", fills=[(5.1, "100", "1")])
    _, figure = of(position)
    assert file_of(figure, "png", trades_of([("one", run_of(position))])[0])


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_trade_gives_the_same_file(kind: str) -> None:
    def made() -> bytes:
        trade, _, figure = pictured(run_of(traded()))
        return file_of(figure, kind, trade)

    assert made() == made()


def test_an_svg_speaks_to_those_who_do_not_see_it() -> None:
    position = ladder()
    position.events[0] = replace(position.signal, strategy='a<b>&"c')
    trade, _, figure = pictured(run_of(position), NO_CANDLES)
    root = ElementTree.fromstring(file_of(figure, "svg", trade))
    space = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert root.findtext(f"{space}title") == 'Trade 1: BTC-USDT BUY, a<b>&"c'
    assert root.findtext(f"{space}desc") == (
        'Trade 1: BTC-USDT BUY, a<b>&"c: opened 2025-01-06 00:05:00 UTC, 2 of 3 levels filled at 93,027.75 on average, '
        "left at 94,060.00, closed by TAKE_PROFIT after 15.0 min: +1.6903 USDT after fees (+0.91%), take profit at "
        "94,051.06, stop loss, not in force before every level is filled at 89,399.67."
    )


def test_a_png_is_800_wide() -> None:
    trade, _, figure = pictured(run_of(ladder()), NO_CANDLES)
    picture = Image.open(io.BytesIO(file_of(figure, "png", trade)))
    assert picture.size == (800, 520)
    assert picture.info["Title"] == "Trade 1: BTC-USDT BUY, recovery_dca"


def test_pictures_need_no_pyplot() -> None:
    """It would keep every figure for ever."""
    program = "import sys; import shared.cli.trade_files; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=CHECKOUT)


def outline() -> str:
    """What a picture is made of: its texts and named parts, in order, as the SVG has them."""
    parts = []
    for number in (1, 2, 3):
        record = RunRecord.of(busy_run())
        trade = trades_of([("one", record)])[number - 1]
        window = Window.around(trade.opened_ms, trade.closed_ms or record.last_ms)
        svg = file_of(draw(trade, NO_CANDLES, window, trade.closed_ms or record.last_ms), "svg", trade).decode()
        found = re.findall(r'<g id="([a-z]+(?:-[a-z0-9]+)*)">|<text[^>]*>([^<]*)</text>', svg)
        parts += [f"[{gid}]" if gid else text for gid, text in found]
        parts.append("")
    return "\n".join(parts)


def test_the_picture_is_made_of_what_was_approved() -> None:
    assert outline() == (GOLDEN / "trade_picture.txt").read_text()


if __name__ == "__main__":
    (GOLDEN / "trade_picture.txt").write_text(outline())
