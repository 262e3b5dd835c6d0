"""What is drawn of a trade upon its candles: levels, fills, average entry, barriers, and the moments that count.

Each mark carries a gid, by which a test, or a reader of the SVG, finds it. All prices are the journal's or follow from it.
"""

from collections.abc import Sequence
from decimal import Decimal

from matplotlib.axes import Axes

from shared.cli.trade_candles import Window
from shared.cli.trade_labels import Label, spread
from shared.cli.trade_words import shown_amount, shown_price
from shared.domain.barriers import BarrierSpan, barrier_spans
from shared.domain.signals import Side
from shared.domain.trades import Trade

# Okabe and Ito's colours, told apart by colour-blind people too; beside them each line has its own dash.
BLUE, GREEN, RED, PURPLE, GREY, INK = "#0072B2", "#009E73", "#D55E00", "#AA4499", "#8A8A8A", "#222222"
_DAY_MS = 86_400_000
_MOMENT_GAP = 0.11
_LEAST_AREA, _MOST_AREA = 30.0, 120.0  # of a marker, square points


def day(at_ms: float) -> float:
    """A time as matplotlib has it: days since the epoch."""
    return at_ms / _DAY_MS


def draw_trade(axes: Axes, trade: Trade, ended_ms: int) -> list[Label]:
    """Draw all that lies at a price.

    Args:
        axes: To draw on.
        trade: The trade.
        ended_ms: When it closed, or the run's newest event if it is open.

    Returns:
        What it is to be called.
    """
    spans = barrier_spans(trade.executor, ended_ms)
    return [
        *_levels(axes, trade, ended_ms),
        *_average_entry(axes, spans),
        *_take_profit(axes, spans),
        *_stop_loss(axes, spans),
        *_trailing_stop(axes, spans, trade),
        *_entries(axes, trade),
        *_exits(axes, trade),
    ]


def _levels(axes: Axes, trade: Trade, ended_ms: int) -> list[Label]:
    """A dashed line each: blue with the amount filled, grey where nothing was."""
    labels = []
    for number, level in enumerate(trade.levels, start=1):
        axes.plot(
            [day(trade.opened_ms), day(ended_ms)],
            [float(level.price)] * 2,
            color=BLUE if level.filled else GREY,
            linewidth=1.0,
            linestyle=(0, (5, 3)),
            gid=f"level-{number}",
            zorder=2,
        )
        state = f"filled {shown_amount(level.filled)}" if level.filled else "not filled"
        name = f"level {number}  {shown_price(level.price)}, {state}"
        labels.append(Label(float(level.price), name, BLUE if level.filled else INK))
    return labels


def _average_entry(axes: Axes, spans: Sequence[BarrierSpan]) -> list[Label]:
    return _steps(axes, "average-entry", "average entry", BLUE, "-", [(span, span.average_entry) for span in spans])


def _take_profit(axes: Axes, spans: Sequence[BarrierSpan]) -> list[Label]:
    return _steps(axes, "take-profit", "take profit", GREEN, "-", [(span, span.take_profit) for span in spans])


def _stop_loss(axes: Axes, spans: Sequence[BarrierSpan]) -> list[Label]:
    """Dotted for as long as it is not looked at."""
    waiting = [(span, span.stop_loss) for span in spans if not span.stops]
    looked_at = [(span, span.stop_loss) for span in spans if span.stops]
    early = _steps(axes, "stop-loss-waiting", "stop loss, not in force", RED, ":", waiting)
    return _steps(axes, "stop-loss", "stop loss", RED, "-", looked_at) or early


def _trailing_stop(axes: Axes, spans: Sequence[BarrierSpan], trade: Trade) -> list[Label]:
    """Where it would begin, and where it was touched; the way between follows the book and is not journaled."""
    begins = [(span, span.trailing_activation) for span in spans]
    labels = _steps(axes, "trailing-activation", "trailing begins", PURPLE, "-.", begins)
    decided = trade.executor.exit
    if decided is None or decided.cause != "TRAILING_STOP" or decided.barrier_price is None:
        return labels
    price = float(decided.barrier_price)
    axes.plot([day(decided.at_ms)], [price], color=PURPLE, marker="_", markersize=18, gid="trailing-stop", zorder=4)
    return [*labels, Label(price, f"trailing stop  {shown_price(decided.barrier_price)}", PURPLE)]


def _steps(
    axes: Axes,
    gid: str,
    name: str,
    color: str,
    style: str,
    prices: Sequence[tuple[BarrierSpan, Decimal | None]],
) -> list[Label]:
    """A line that moves with each entry fill, named by where it lay last; nothing where there is no such barrier."""
    known = [(span, price) for span, price in prices if price is not None]
    if not known:
        return []
    moments = [day(moment) for span, _ in known for moment in (span.since_ms, span.until_ms)]
    heights = [float(price) for _, price in known for _ in range(2)]
    axes.plot(moments, heights, color=color, linewidth=1.6, linestyle=style, gid=gid, zorder=3)
    return [Label(heights[-1], f"{name}  {shown_price(known[-1][1])}", color)]


def _entries(axes: Axes, trade: Trade) -> list[Label]:
    _markers(axes, trade, closing=False)
    return []  # named by their levels


def _exits(axes: Axes, trade: Trade) -> list[Label]:
    _markers(axes, trade, closing=True)
    if trade.exit is None:
        return []
    price = trade.exit.average_price
    return [Label(float(price), f"exit  {shown_price(price)}, {shown_amount(trade.exit.amount)}", INK)]


def _markers(axes: Axes, trade: Trade, *, closing: bool) -> None:
    """A marker for each fill, its area by its size, pointing up for a purchase and down for a sale."""
    fills = [fill for order in trade.executor.orders if order.submitted.closing is closing for fill in order.fills]
    if not fills:
        return
    shares = [float(fill.amount / trade.entry.amount) for fill in fills]
    axes.scatter(
        [day(fill.at_ms) for fill in fills],
        [float(fill.price) for fill in fills],
        s=[_LEAST_AREA + (_MOST_AREA - _LEAST_AREA) * share for share in shares],
        marker="^" if fills[0].side is Side.BUY else "v",
        color=INK if closing else BLUE,
        edgecolors="white",
        linewidths=0.8,
        gid="exits" if closing else "entries",
        zorder=5,
    )


def draw_moments(axes: Axes, trade: Trade, window: Window) -> None:
    """Thin lines down the picture: the signal, the decision to close, the time limit; those that lie within."""
    opened, ended = trade.executor.opened, trade.executor.exit or trade.executor.closed
    limit_s = opened.terms.time_limit_s if opened.terms else None
    moments = [
        ("signal", trade.signal.candle_close_ms if trade.signal else None),
        ("exit", ended.at_ms if ended else None),
        ("time limit", None if limit_s is None else opened.at_ms + limit_s * 1000),
    ]
    within = sorted((at_ms, name) for name, at_ms in moments if at_ms is not None and at_ms <= window.end_ms)
    wanted = [(at_ms - window.start_ms) / (window.end_ms - window.start_ms) for at_ms, _ in within]
    for (at_ms, name), place in zip(within, spread(wanted, _MOMENT_GAP), strict=True):
        axes.axvline(day(at_ms), color=GREY, linewidth=0.9, linestyle=":", gid=name.replace(" ", "-"), zorder=0.9)
        axes.annotate(name, (place, 1.02), xycoords="axes fraction", ha="center", va="bottom", color=INK)
