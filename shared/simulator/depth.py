"""The order book around the last price: a pure function of (seed, point), so snapshots and diffs always agree.

Point i of a path has the update id `FIRST_UPDATE_ID + i`: ids are contiguous whether or not anybody listened.
"""

from dataclasses import dataclass

import numpy as np

from shared.simulator.instruments import Instrument
from shared.simulator.price_path import Floats, PricePath

FIRST_UPDATE_ID = 1_000_000_000
_NOISE_ROWS = 997  # prime, so that the noise does not repeat in step with candles
_SIZE_BEATS = 5  # the best sizes count through this many steps, so that no two books in a row are equal

Levels = dict[int, int]
"""Price in ticks to size in steps, best price first."""


@dataclass(frozen=True)
class BookShape:
    """How the book looks, the same on both sides.

    Attributes:
        levels: Price levels a side.
        spread: Distance of the best bid from the best ask, fraction of the price; at least one tick.
        gap: Distance of the second level from the best, fraction of the price; at least one tick.
        gap_growth: Factor on the gap from level to level.
        top_notional: Value at the best price, quote units.
        notional_growth: Factor on the value from level to level.
        noise: Sizes vary by this fraction around their mean, seeded.

    With the defaults an order of 1,000 quote units takes the best level or two, one of 200,000 about thirteen of
    twenty, and the whole side holds 1.7 million within 0.5 % of the price.
    """

    levels: int = 20
    spread: float = 0.0001
    gap: float = 0.0001
    gap_growth: float = 1.1
    top_notional: float = 1_500.0
    notional_growth: float = 1.35
    noise: float = 0.4


@dataclass(frozen=True)
class Book:
    """Both sides of the book at one point."""

    update_id: int
    bids: Levels
    asks: Levels


@dataclass(frozen=True)
class BookDiff:
    """What changed since the point before; a size of 0 removes the level."""

    update_id: int
    bids: Levels
    asks: Levels


class Depth:
    """The books along one path.

    Args:
        instrument: Whose ticks and steps the path is in.
        path: Prices the books stand around.
        seed: Same seed, same books.
    """

    def __init__(self, instrument: Instrument, path: PricePath, seed: int = 0, shape: BookShape | None = None) -> None:
        self._path = path
        self._shape = shape = shape or BookShape()
        rank = np.arange(shape.levels)
        # Offsets of every level from the best, as a fraction of the price; values in ticks times steps.
        gaps = np.where(rank > 0, shape.gap * shape.gap_growth ** (rank - 1.0), 0.0)
        self._offsets: Floats = np.cumsum(gaps).astype(np.float64)
        scale = instrument.price_scale * instrument.size_scale
        self._notional: Floats = shape.top_notional * (shape.notional_growth**rank).astype(np.float64) * scale
        rng = np.random.default_rng(np.random.SeedSequence([seed, 1, *instrument.pair.encode()]))
        self._noise: Floats = 1 + shape.noise * rng.uniform(-1, 1, (_NOISE_ROWS, 2, shape.levels))
        self._last: tuple[int, Book] | None = None

    def best(self, index: int) -> tuple[int, int]:
        """Best bid and ask in ticks: bid <= last price <= ask and bid < ask."""
        price = int(self._path.price_ticks[index])
        spread = max(1, round(price * self._shape.spread))
        # The side that was just traded against is the nearer one.
        nearer = spread // 2
        below = spread - nearer if self._path.taker_buys[index] else nearer
        bid = max(price - below, 1)
        return bid, max(price - below + spread, bid + 1)

    def book(self, index: int) -> Book:
        """The whole book at point `index`."""
        if self._last is not None and self._last[0] == index:
            return self._last[1]
        book = self._build(index)
        self._last = (index, book)
        return book

    def diff(self, index: int) -> BookDiff:
        """What turns the book at point `index` - 1 into the book at `index`; everything at point 0."""
        before = self.book(index - 1) if index > 0 else Book(FIRST_UPDATE_ID - 1, {}, {})
        now = self.book(index)
        return BookDiff(now.update_id, _changes(before.bids, now.bids), _changes(before.asks, now.asks))

    def _build(self, index: int) -> Book:
        bid, ask = self.best(index)
        price = int(self._path.price_ticks[index])
        noise = self._noise[index % _NOISE_ROWS]
        # At least one tick from level to level, however coarse the tick.
        offsets = np.rint(self._offsets * price).astype(np.int64)
        steps_out = np.arange(len(offsets))
        offsets = np.maximum.accumulate(offsets - steps_out) + steps_out
        sizes = np.maximum(np.rint(self._notional * noise / price), 1).astype(np.int64)
        sizes[:, 0] += index % _SIZE_BEATS
        bid_prices = (bid - offsets).tolist()
        bids = {ticks: size for ticks, size in zip(bid_prices, sizes[0].tolist(), strict=True) if ticks >= 1}
        asks = dict(zip((ask + offsets).tolist(), sizes[1].tolist(), strict=True))
        return Book(FIRST_UPDATE_ID + index, bids, asks)


def _changes(before: Levels, now: Levels) -> Levels:
    removed = dict.fromkeys((ticks for ticks in before if ticks not in now), 0)
    return removed | {ticks: size for ticks, size in now.items() if before.get(ticks) != size}
