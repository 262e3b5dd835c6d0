"""A market's whole life on a fixed time grid: one traded price and volume per step, and the candles they add up to.

Everything published (trades, books, klines) is derived from one `PricePath`, so no two streams can disagree.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from shared.domain.candles import CandleSeries
from shared.simulator.instruments import Instrument

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

DEFAULT_STEP_S = 5
_MINUTE_S = 60
_MIN_POINTS = 4  # open, two extremes and close each need a point of their own
_CANDLES_AT_ONCE = 4096  # bounds the memory taken while a path is made
_NOISE = 0.35  # size of the seeded noise between two known prices, as a fraction of the candle's range


@dataclass(frozen=True)
class Klines:
    """Aggregated candles in ticks and steps, oldest first; the last one may still be in progress.

    All arrays have shape (n,). `quote_volume` and `taker_buy_quote` are in ticks times steps.
    """

    open_ms: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    quote_volume: Floats
    trades: Ints
    taker_buy_volume: Ints
    taker_buy_quote: Floats

    def __len__(self) -> int:
        return len(self.open_ms)


@dataclass(frozen=True)
class PricePath:
    """Price and volume of one instrument at every step.

    Attributes:
        time_ms: Shape (n,), epoch milliseconds, ascending, `step_s` apart.
        price_ticks: Shape (n,), the price traded at that time, at least 1.
        volume_steps: Shape (n,), the volume traded at that time, 0 or more.
        step_s: Seconds between points; divides 60.

    Raises:
        ValueError: The arrays are empty, differ in length or are not on such a grid.
    """

    time_ms: Ints
    price_ticks: Ints
    volume_steps: Ints
    step_s: int = DEFAULT_STEP_S

    def __post_init__(self) -> None:
        check_step(self.step_s)
        if not len(self.time_ms) == len(self.price_ticks) == len(self.volume_steps) > 0:
            raise ValueError("a price path needs equally many times, prices and volumes, and at least one")
        if np.any(np.diff(self.time_ms) != self.step_s * 1000) or self.time_ms[0] % (self.step_s * 1000):
            raise ValueError(f"a price path's times must be multiples of {self.step_s} s, one step apart")
        if self.price_ticks.min() < 1 or self.volume_steps.min() < 0:
            raise ValueError("a price path needs prices of at least one tick and no negative volume")

    @property
    def start_ms(self) -> int:
        """Time of the first point."""
        return int(self.time_ms[0])

    @property
    def end_ms(self) -> int:
        """When the last point's step is over: the close of the last candle."""
        return int(self.time_ms[-1]) + self.step_s * 1000

    def index_at(self, now_ms: int) -> int:
        """Index of the last point at or before `now_ms`; -1 before the first, the last index after the end."""
        return max(-1, min((now_ms - self.start_ms) // (self.step_s * 1000), len(self.time_ms) - 1))

    @cached_property
    def moved(self) -> Bools:
        """Shape (n,): whether the price differs from the point before."""
        moved: Bools = np.diff(self.price_ticks, prepend=self.price_ticks[:1]) != 0
        return moved

    @cached_property
    def traded(self) -> Bools:
        """Shape (n,): whether a trade is published. A move without volume (a thin recording) trades a single step."""
        traded: Bools = (self.volume_steps > 0) | self.moved
        return traded

    @cached_property
    def taker_buys(self) -> Bools:
        """Shape (n,): whether a buyer took the price; up moves are bought, down moves sold, the rest alternates."""
        change = np.diff(self.price_ticks, prepend=self.price_ticks[:1])
        alternating = np.arange(len(change)) % 2 == 0
        return np.where(change == 0, alternating, change > 0)

    @cached_property
    def _quote(self) -> Floats:
        return self.price_ticks.astype(np.float64) * self.volume_steps

    def klines(self, interval_s: int, start_ms: int, end_ms: int, now_ms: int) -> Klines:
        """Candles of `interval_s` that open in [`start_ms`, `end_ms`], from the points at or before `now_ms`.

        Args:
            interval_s: A multiple of the step. Candles open at multiples of it since the epoch; weeks on Mondays.

        Raises:
            ValueError: `interval_s` is not a multiple of the step.
        """
        if interval_s % self.step_s:
            raise ValueError(f"an interval of {interval_s} s is no multiple of the path's step of {self.step_s} s")
        interval_ms = interval_s * 1000
        first_open = candle_open_ms(max(start_ms, self.start_ms - interval_ms + 1) + interval_ms - 1, interval_s)
        last_open = candle_open_ms(min(end_ms, now_ms, int(self.time_ms[-1])), interval_s)
        if last_open < first_open:
            return _NO_KLINES
        low_index = max(0, (first_open - self.start_ms) // (self.step_s * 1000))
        high_index = min(self.index_at(now_ms), self.index_at(last_open + interval_ms - 1)) + 1
        if high_index <= low_index:
            return _NO_KLINES
        span = slice(int(low_index), int(high_index))
        opens = candle_open_ms_array(self.time_ms[span], interval_s)
        starts = np.flatnonzero(np.diff(opens, prepend=opens[0] - 1))
        ends = np.append(starts[1:], len(opens)) - 1
        prices, volumes, quote = self.price_ticks[span], self.volume_steps[span], self._quote[span]
        bought = self.taker_buys[span]
        return Klines(
            open_ms=opens[starts],
            open=prices[starts],
            high=np.maximum.reduceat(prices, starts),
            low=np.minimum.reduceat(prices, starts),
            close=prices[ends],
            volume=np.add.reduceat(volumes, starts),
            quote_volume=np.add.reduceat(quote, starts),
            trades=np.add.reduceat(self.traded[span].astype(np.int64), starts),
            taker_buy_volume=np.add.reduceat(np.where(bought, volumes, 0), starts),
            taker_buy_quote=np.add.reduceat(np.where(bought, quote, 0.0), starts),
        )


_NONE = np.zeros(0, dtype=np.int64)
_NO_KLINES = Klines(_NONE, _NONE, _NONE, _NONE, _NONE, _NONE, np.zeros(0), _NONE, _NONE, np.zeros(0))
_WEEK_S = 7 * 86_400
_FIRST_MONDAY_MS = 4 * 86_400_000  # the epoch was a Thursday


def candle_open_ms(time_ms: int, interval_s: int) -> int:
    """Open time of the candle that `time_ms` falls into."""
    shift = _FIRST_MONDAY_MS if interval_s == _WEEK_S else 0
    return time_ms - (time_ms - shift) % (interval_s * 1000)


def candle_open_ms_array(time_ms: Ints, interval_s: int) -> Ints:
    """Like `candle_open_ms`, for an array of any shape."""
    shift = _FIRST_MONDAY_MS if interval_s == _WEEK_S else 0
    return time_ms - (time_ms - shift) % (interval_s * 1000)


def check_step(step_s: int) -> None:
    """Refuse a step that does not divide a minute.

    Raises:
        ValueError: It does not.
    """
    if step_s < 1 or _MINUTE_S % step_s:
        raise ValueError(f"a step of {step_s} s does not divide a minute")


def path_from_candles(
    candles: CandleSeries, instrument: Instrument, step_s: int = DEFAULT_STEP_S, seed: int = 0
) -> PricePath:
    """Fill candles with a seeded path that adds up to exactly those candles again, in ticks and steps.

    Every candle's first point is its open at its open time and its last point is its close. Its high and low are each
    traded once at least, and nothing is traded beyond them. The low comes before the high when the candle closes at or
    above its open, else the high before the low: both extremes are reached, and a rising candle does not first show
    its gain. Between these four points lies seeded noise.

    Args:
        candles: Source candles, prices in quote units and volumes in base units; rounded to tick and step first.
        step_s: Seconds between points; the interval must hold at least four.
        seed: Same seed, same path.

    Raises:
        ValueError: The interval is no multiple of the step, or holds fewer than four points.
    """
    check_step(step_s)
    points = candles.interval_s // step_s
    if candles.interval_s % step_s or points < _MIN_POINTS:
        raise ValueError(f"candles of {candles.interval_s} s do not hold four or more whole steps of {step_s} s")
    rng = np.random.default_rng(np.random.SeedSequence([seed, *instrument.pair.encode()]))
    opens, highs, lows, closes = (
        np.maximum(np.rint(column * instrument.price_scale), 1).astype(np.int64)
        for column in (candles.open, candles.high, candles.low, candles.close)
    )
    volumes = np.rint(candles.volume * instrument.size_scale).astype(np.int64)
    parts = [
        _fill(opens[part], highs[part], lows[part], closes[part], volumes[part], points, rng)
        for part in (slice(first, first + _CANDLES_AT_ONCE) for first in range(0, len(opens), _CANDLES_AT_ONCE))
    ]
    return PricePath(
        time_ms=((candles.open_time_s[:, None] + np.arange(points) * step_s) * 1000).ravel(),
        price_ticks=np.concatenate([prices for prices, _ in parts]),
        volume_steps=np.concatenate([split for _, split in parts]),
        step_s=step_s,
    )


def _fill(
    opens: Ints, highs: Ints, lows: Ints, closes: Ints, volumes: Ints, points: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Prices and volumes inside n candles, each of shape (n * points,)."""
    rising = closes >= opens
    # Two different inner points, in order, for the extremes; the first and the last point are taken.
    inner = np.sort(rng.random((len(opens), points - 2)).argsort(axis=1)[:, :2], axis=1) + 1
    anchors = np.column_stack([np.zeros_like(opens), inner, np.full_like(opens, points - 1)])
    values = np.column_stack([opens, np.where(rising, lows, highs), np.where(rising, highs, lows), closes])
    prices = _bridge(anchors, values, points, rng, (highs - lows)[:, None] * _NOISE / np.sqrt(points))
    np.clip(prices, lows[:, None], highs[:, None], out=prices)
    np.put_along_axis(prices, anchors, values, axis=1)
    return prices.ravel(), _split(volumes, anchors, points, rng).ravel()


def _bridge(anchors: Ints, values: Ints, points: int, rng: np.random.Generator, scale: Floats) -> Ints:
    """Prices (n, points) through `values` at `anchors`, both (n, 4), plus a random walk that is 0 at the anchors."""
    walk = np.cumsum(rng.standard_normal((len(anchors), points)), axis=1)
    grid = np.broadcast_to(np.arange(points), walk.shape)
    segment = (grid[:, :, None] >= anchors[:, None, 1:3]).sum(axis=2)  # which pair of anchors a point lies between
    left, right = np.take_along_axis(anchors, segment, 1), np.take_along_axis(anchors, segment + 1, 1)
    share = (grid - left) / (right - left)

    def between(at_anchor: npt.NDArray[np.number]) -> Floats:
        low, high = np.take_along_axis(at_anchor, segment, 1), np.take_along_axis(at_anchor, segment + 1, 1)
        blended: Floats = low * (1 - share) + high * share
        return blended

    pinned = walk - between(np.take_along_axis(walk, anchors, 1))
    return np.rint(between(values) + pinned * scale).astype(np.int64)


def _split(volumes: Ints, anchors: Ints, points: int, rng: np.random.Generator) -> Ints:
    """Each candle's volume over its points, (n, points): whole steps that add up exactly, anchors served first."""
    reserved = np.zeros((len(volumes), points), dtype=np.int64)
    # A step for each of the four known prices, as far as the volume goes, so that each is really traded.
    np.put_along_axis(reserved, anchors, (np.arange(4) < volumes[:, None]).astype(np.int64), axis=1)
    rest = volumes - reserved.sum(axis=1)
    weights = rng.gamma(1.0, size=(len(volumes), points))
    shares = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
    until = np.floor(shares * rest[:, None]).astype(np.int64)
    until[:, -1] = rest
    split: Ints = reserved + np.diff(until, axis=1, prepend=0)
    return split
