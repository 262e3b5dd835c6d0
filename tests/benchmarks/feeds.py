"""Decoding of Polygon's minute bars beside its vendor's own client (`massive`), same frames, one run.

`python -m tests.benchmarks.feeds` compares two things for several sizes of frame. *Records*: a frame becomes typed records, as
`massive` does it with json.loads and its `parse`; its numbers are floats, ours are kept as exact text. *Exact bars*: a frame
becomes what the rest of the system takes, bars with exact Decimals, checked; of the vendor's records one has to make them.
"""

import gc
import json
import logging
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from massive.websocket.models import Market, parse
from rich.console import Console
from rich.table import Table

from shared.domain.bars import Bar, Series
from shared.domain.stored import Timeframe
from shared.wire import polygon_messages

PAIRS = 100
FRAME_SIZES = (1, 10, 100)
_OPEN_MS = 1_767_225_600_000
_REPEATS = 200
_log = logging.getLogger(__name__)


def main() -> None:
    """Print the figures of all sizes of frame."""
    Console().print(table(measure_all()))


def measure_all() -> dict[int, dict[str, float]]:
    """`measure` for each size of frame."""
    return {size: measure(size) for size in FRAME_SIZES}


def table(figures: Mapping[int, Mapping[str, float]]) -> Table:
    """The figures as a person reads them."""
    shown = Table(
        title="Polygon's minute bars decoded, microseconds a bar", title_justify="left", box=None, padding=(0, 2, 0, 0)
    )
    for column in ("bars a frame", "records: ours", "massive", "ratio (>= 5)", "exact bars: ours", "massive", "ratio"):
        shown.add_column(column, justify="right")
    for size, of in figures.items():
        cells = []
        for kind in ("records", "bars"):
            cells += [f"{of[f'{kind}_us']:.2f}", f"{of[f'massive_{kind}_us']:.2f}", f"{of[f'{kind}_ratio']:.1f}x"]
        shown.add_row(str(size), *cells)
    return shown


def measure(frame_size: int, repeats: int = _REPEATS) -> dict[str, float]:
    """Median microseconds a bar, and how many times as long the vendor's client takes.

    Args:
        frame_size: Bars a frame, one of `FRAME_SIZES`.
        repeats: How often all frames are decoded in each way. The ways take turns, so that a busy moment hits all.
    """
    frames = _frames(frame_size)
    series = {f"C{number}-USD": Series("polygon", f"C{number}-USD", Timeframe.MINUTE) for number in range(PAIRS)}
    ways: dict[str, Callable[[str], Any]] = {
        "records_us": polygon_messages.records,
        "massive_records_us": _massive_records,
        "bars_us": lambda frame: polygon_messages.read(frame, series),
        "massive_bars_us": lambda frame: _massive_bars(frame, series),
    }
    assert [bar for frame in frames for bar in _massive_bars(frame, series)] == [
        bar
        for frame in frames
        for bar in polygon_messages.read(frame, series)[0].bars  # type: ignore[union-attr]
    ]
    took: dict[str, list[float]] = {name: [] for name in ways}
    # As timeit does it: a collection would be charged to whoever happens to set it off.
    gc.disable()
    for _ in range(repeats):
        for name, decode in ways.items():
            began = time.perf_counter()
            for frame in frames:
                decode(frame)
            took[name].append((time.perf_counter() - began) / PAIRS * 1e6)
    gc.enable()
    figures = {name: statistics.median(times) for name, times in took.items()}
    return figures | {
        "records_ratio": figures["massive_records_us"] / figures["records_us"],
        "bars_ratio": figures["massive_bars_us"] / figures["bars_us"],
    }


def _frames(size: int) -> list[str]:
    rng = random.Random(7)
    records = []
    for number in range(PAIRS):
        price = rng.uniform(0.1, 90_000)
        prices = {"o": price, "c": price * 1.01, "h": price * 1.02, "l": price * 0.99, "vw": price}
        records.append(
            {"ev": "XA", "pair": f"C{number}-USD", "v": round(rng.uniform(0, 100), 8), "z": 0, "s": _OPEN_MS}
            | {"e": _OPEN_MS + 60_000}
            | {name: round(value, 4) for name, value in prices.items()}
        )
    return [json.dumps(records[at : at + size], separators=(",", ":")) for at in range(0, PAIRS, size)]


def _massive_records(frame: str) -> Sequence[Any]:
    return parse(json.loads(frame), _log, Market.Crypto)


def _massive_bars(frame: str, series: dict[str, Series]) -> list[Bar]:
    return [
        Bar(
            series[record.pair],
            record.start_timestamp,
            *(Decimal(str(value)) for value in (record.open, record.high, record.low, record.close, record.volume)),
            is_closed=True,
        )
        for record in _massive_records(frame)
    ]


if __name__ == "__main__":
    main()
