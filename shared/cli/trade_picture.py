"""A trade as a picture: candles, the ladder's levels, fills, average entry and barriers. Imports matplotlib, which is slow.

Figures are made without pyplot, which keeps every figure it was ever asked for. The same trade gives the same file.
"""

import textwrap
from html import escape
from io import BytesIO
from math import floor, log10
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.typing import RcKeyType

from shared.cli.runs import shown_minute
from shared.cli.trade_candles import Backdrop, Window
from shared.cli.trade_labels import write_labels
from shared.cli.trade_marks import GREY, INK, day, draw_moments, draw_trade
from shared.cli.trade_words import described, outcome_of, title_of
from shared.domain.trades import Trade

_SIZE_INCHES, _DPI = (8.0, 5.2), 100
_AXES = (0.095, 0.155, 0.585, 0.67)  # left, bottom, width, height of the figure; names stand at the right of it
_FONT = 8.5
_TICKS_S = (60, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800)
_STYLE: dict[RcKeyType, Any] = {
    "svg.hashsalt": "recovery",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": _FONT,
    "text.parse_math": False,
}


def draw(trade: Trade, backdrop: Backdrop, window: Window, ended_ms: int) -> Figure:
    """Draw a trade.

    Args:
        trade: With its fills, and its terms where they were recorded.
        backdrop: Its candles.
        window: What is shown of time.
        ended_ms: When it closed, or the run's newest event if it is open.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE_INCHES, dpi=_DPI, facecolor="white")
        axes = figure.add_axes(_AXES)
        _candles(axes, backdrop)
        labels = draw_trade(axes, trade, ended_ms)
        axes.set_xlim(day(window.start_ms), day(window.end_ms))
        axes.margins(y=0.06)
        axes.autoscale(axis="y")
        draw_moments(axes, trade, window)
        _scales(axes, window)
        write_labels(axes, labels)
        _write_words(figure, trade, backdrop)
    return figure


def file_of(figure: Figure, kind: str, trade: Trade) -> bytes:
    """A figure as a file's content, with its title and description for those who do not see it.

    Args:
        figure: What to save. The same figure gives the same bytes.
        kind: "svg" or "png".
        trade: What it shows.
    """
    content = BytesIO()
    title, description = title_of(trade), described(trade)
    metadata: dict[str, Any] = {"Title": title, "Description": description}
    metadata |= {"Software": "recovery trades"} if kind == "png" else {"Creator": "recovery trades", "Date": None}
    with matplotlib.rc_context(_STYLE):
        figure.savefig(content, format=kind, metadata=metadata)
    if kind == "png":
        return content.getvalue()
    # Screen readers ask the picture itself, not its metadata.
    text = content.getvalue().decode().replace("<svg ", '<svg role="img" ', 1)
    return text.replace("</title>", f"</title>\n <desc>{escape(description)}</desc>", 1).encode()


def _candles(axes: Axes, backdrop: Backdrop) -> None:
    candles = backdrop.candles
    if candles is None:
        return
    width = candles.interval_s / 86_400
    wicks: list[list[tuple[float, float]]] = []
    rising: list[list[tuple[float, float]]] = []
    falling: list[list[tuple[float, float]]] = []
    columns = (candles.open_time_s, candles.open, candles.high, candles.low, candles.close)
    for open_s, opened, high, low, closed in zip(*(column.tolist() for column in columns), strict=True):
        left, middle = open_s / 86_400 + 0.15 * width, open_s / 86_400 + 0.5 * width
        wicks.append([(middle, low), (middle, high)])
        right = left + 0.7 * width
        body = [(left, opened), (right, opened), (right, closed), (left, closed)]
        (rising if closed >= opened else falling).append(body)
    axes.add_collection(LineCollection(wicks, colors=GREY, linewidths=0.8, gid="candle-wicks", zorder=1))
    for bodies, fill, gid in ((rising, "white", "candles-rising"), (falling, "#C9C9C9", "candles-falling")):
        axes.add_collection(
            PolyCollection(bodies, facecolors=fill, edgecolors=GREY, linewidths=0.8, gid=gid, zorder=1.1)
        )


def _scales(axes: Axes, window: Window) -> None:
    moments_ms = _ticks(window)
    axes.set_xticks([day(moment) for moment in moments_ms], [_clock(moment) for moment in moments_ms])
    axes.set_xlabel(f"UTC, {shown_minute(window.start_ms)} to {shown_minute(window.end_ms)}", color=INK)
    low, high = axes.get_ylim()
    prices = [price for price in MaxNLocator(7).tick_values(low, high) if low <= price <= high]
    decimals = max(0, -floor(log10(prices[1] - prices[0]) + 1e-9))
    axes.set_yticks(prices, [f"{price:,.{decimals}f}" for price in prices])
    axes.grid(axis="y", color="#EEEEEE", linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)


def _ticks(window: Window) -> range:
    """Round times within the window, some six."""
    step_s = next((step for step in _TICKS_S if (window.end_ms - window.start_ms) / step <= 6_500), _TICKS_S[-1])
    step_ms = step_s * 1000
    return range(-(-window.start_ms // step_ms) * step_ms, window.end_ms + 1, step_ms)


def _clock(at_ms: int) -> str:
    """The time of day, or the day where it begins."""
    minute = shown_minute(at_ms)
    return minute[5:10] if day(at_ms).is_integer() else minute[11:]


def _write_words(figure: Figure, trade: Trade, backdrop: Backdrop) -> None:
    left = 0.02
    figure.text(left, 0.955, title_of(trade), fontsize=12, fontweight="bold", color=INK, gid="title")
    figure.text(left, 0.905, outcome_of(trade), fontsize=10, color=INK, gid="outcome")
    notes = [backdrop.source]
    if trade.executor.opened.terms is None:
        notes.append("The journal has no terms of this position: barriers are not drawn.")
    words = "\n".join(textwrap.wrap(" ".join(notes), 125))
    figure.text(left, 0.015, words, fontsize=7.5, color="#555555", va="bottom", gid="source")
