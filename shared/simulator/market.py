"""One listed market as it lives: an instrument, its path, its book, and how far time has come."""

from dataclasses import dataclass

from shared.simulator.depth import Book, BookDiff, BookShape, Depth
from shared.simulator.instruments import Instrument
from shared.simulator.price_path import Klines, PricePath, candle_open_ms

_FIRST_TRADE_ID = 1
FUNDING_INTERVAL_MS = 8 * 3600 * 1000
DEFAULT_FUNDING_RATE = 0.0001


@dataclass(frozen=True)
class Trade:
    """One public trade: what was taken, at which price, and whether the buyer was the maker."""

    trade_id: int
    time_ms: int
    price_ticks: int
    quantity_steps: int
    buyer_is_maker: bool


class Market:
    """A market that has been traded up to its `index`; nothing after it is ever shown.

    Args:
        instrument: What is traded.
        path: Its price and volume, in that instrument's ticks and steps.
        seed: Of the book.
        shape: Of the book.
        funding_rate: Paid per eight hours, fraction; perpetual only.
    """

    def __init__(
        self,
        instrument: Instrument,
        path: PricePath,
        seed: int = 0,
        shape: BookShape | None = None,
        funding_rate: float = DEFAULT_FUNDING_RATE,
    ) -> None:
        self.instrument = instrument
        self.path = path
        self.depth = Depth(instrument, path, seed, shape)
        self.funding_rate = funding_rate
        self.index = -1

    def advance(self, now_ms: int) -> range:
        """Move on to `now_ms` and return the indices of the points newly reached; time never goes back."""
        reached = max(self.index, self.path.index_at(now_ms))
        fresh = range(self.index + 1, reached + 1)
        self.index = reached
        return fresh

    @property
    def time_ms(self) -> int:
        """Time of the last point reached."""
        return int(self.path.time_ms[self.index])

    @property
    def price_ticks(self) -> int:
        """Last traded price; also the perpetual's mark and index price."""
        return int(self.path.price_ticks[self.index])

    def book(self) -> Book:
        """The book at the last point reached; its update id is that of the last diff."""
        return self.depth.book(self.index)

    def diff(self, index: int) -> BookDiff:
        """What changed in the book at a point reached."""
        return self.depth.diff(index)

    def trade(self, index: int) -> Trade | None:
        """The trade at a point reached, at the point's own price; None if nothing was traded."""
        if not self.path.traded[index]:
            return None
        return Trade(
            trade_id=_FIRST_TRADE_ID + index,
            time_ms=int(self.path.time_ms[index]),
            price_ticks=int(self.path.price_ticks[index]),
            quantity_steps=max(int(self.path.volume_steps[index]), 1),
            buyer_is_maker=not self.path.taker_buys[index],
        )

    def kline(self, interval_s: int, time_ms: int) -> Klines:
        """The candle that `time_ms` falls into, as far as it has come by then: length 1."""
        open_ms = candle_open_ms(time_ms, interval_s)
        return self.path.klines(interval_s, open_ms, open_ms, min(time_ms, self.time_ms))

    def klines(self, interval_s: int, start_ms: int, end_ms: int) -> Klines:
        """Candles that open in [`start_ms`, `end_ms`], the last possibly in progress."""
        return self.path.klines(interval_s, start_ms, end_ms, self.time_ms)

    def next_funding_ms(self) -> int:
        """When funding is next exchanged."""
        return self.time_ms - self.time_ms % FUNDING_INTERVAL_MS + FUNDING_INTERVAL_MS
