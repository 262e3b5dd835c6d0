"""A plot of a database's size in days to come, with retention and without, as text."""

from collections.abc import Iterator, Sequence
from typing import Any

import plotext
from rich.text import Text

from shared.domain.projection import Projection
from shared.domain.storage import shown_bytes

_HEIGHT = 18
_ROWS = _HEIGHT - 4  # what frame and ticks leave
# A limit far above what is plotted would press both lines flat against the floor.
_LIMIT_IN_SIGHT = 4.0
_DOTS_WIDE, _DOTS_HIGH = 2, 4  # of a braille character
_TICK_STEPS = (1, 2, 2.5, 5, 10, 20)


def shows_limit(projections: Sequence[Projection], limit_bytes: int) -> bool:
    """Whether the limit is near enough to be drawn."""
    return limit_bytes <= _LIMIT_IN_SIGHT * _highest(projections)


def size_plot(projections: Sequence[Projection], limit_bytes: int, width: int) -> Text:
    """Draw the projections, and the limit where it is in sight.

    Args:
        projections: One a day, from today; at least two.
        limit_bytes: Where the database is full.
        width: Characters.
    """
    days = [float(projection.day) for projection in projections]
    without = [projection.bytes_without for projection in projections]
    kept = [projection.bytes_with for projection in projections]
    lines = [("red", without), ("green", kept)]
    top = _highest(projections)
    if shows_limit(projections, limit_bytes):
        lines.insert(0, ("yellow", [float(limit_bytes)] * len(days)))
        top = max(top, limit_bytes)
    ticks = _ticks(top)
    row = ticks[-1] / _ROWS
    plotext.terminal.limit(False, False)  # the width is the caller's, whatever the terminal's
    figure = plotext.figure
    figure.clear()
    figure.theme("simple")
    figure.plot_size(width, _HEIGHT)
    for color, sizes in lines:
        marker = plotext.marker("braille", plotext.pixel(foreground=color))
        # Point by point: where plotext 6.1 is to fill the line itself (density "full"), its kernel aborts the process.
        xs, ys = zip(*_dense(days, sizes, width * _DOTS_WIDE, row / _DOTS_HIGH), strict=True)
        figure.draw(figure.signal(list(xs), list(ys), marker=marker))
    # Named where they are: without colours a legend would name nothing.
    last = days[-1]
    if without[-1] - kept[-1] < 2 * row:
        _name(figure, last * 0.98, without[-1] + row, "with retention and without", "green")
    else:
        _name(figure, last * 0.85, without[-1], "without retention", "red")
        _name(figure, last * 0.98, kept[-1] + row, "with retention", "green")
    if shows_limit(projections, limit_bytes):
        # Where the line that grows is not.
        far = without[len(without) // 3] < limit_bytes
        _name(figure, last * (0.3 if far else 0.7), limit_bytes + row, f"limit {shown_bytes(limit_bytes)}", "yellow")
    figure.ruler("y").lim(0, ticks[-1])
    figure.ruler("y").ticks(ticks, [shown_bytes(tick) for tick in ticks])
    day_ticks = [round(last * part / 4) for part in range(5)]
    figure.ruler("x").lim(0, last)
    figure.ruler("x").ticks(day_ticks, ["today", *(f"{day} d" for day in day_ticks[1:])])
    return Text.from_ansi(figure.build().string().rstrip())


def _name(figure: Any, x: float, y: float, name: str, color: str) -> None:
    painted = plotext.colorize(name).fill(plotext.pixel(foreground=color))
    figure.draw(figure.text(x, y, painted, alignment="right"))


def _highest(projections: Sequence[Projection]) -> float:
    return max(1.0, *(size for p in projections for size in (p.bytes_without, p.bytes_with)))


def _ticks(top: float) -> list[float]:
    """Round sizes from 0, the last with room for a name above the top."""
    unit = 10.0 ** (len(str(int(top))) - 2)
    step = next(size * unit for size in _TICK_STEPS if 5 * size * unit >= top)
    count = int(top * (1 + 2 / _ROWS) // step) + 1
    return [step * number for number in range(count + 1)]


def _dense(xs: Sequence[float], ys: Sequence[float], columns: int, rise: float) -> Iterator[tuple[float, float]]:
    """Points of the line through the given ones, near enough to each other to leave no gap."""
    run = (xs[-1] - xs[0]) / columns
    for index in range(1, len(xs)):
        dx, dy = xs[index] - xs[index - 1], ys[index] - ys[index - 1]
        steps = 1 + int(max(dx / run, abs(dy) / rise))
        for step in range(steps):
            yield xs[index - 1] + dx * step / steps, ys[index - 1] + dy * step / steps
    yield xs[-1], ys[-1]
