"""The default market: a seeded price in which strategies that buy drops meet entries, profits and losses within hours.

Its logarithm is the sum of a slow trend, of noise whose size comes in clusters, and of episodes. An episode is a drop
of 4 to 6 % within 5 to 12 minutes, or every third time one of 9 to 10 % in two legs; then a choppy stay near the
bottom, swinging by about 1.6 % to either side; then a recovery to where it fell from. The next one follows 45 to 75
minutes later. History before the start is calm, so that the first entry comes from the first drop, minutes after it.
"""

from dataclasses import dataclass

import numpy as np

from shared.simulator.instruments import Instrument
from shared.simulator.price_path import DEFAULT_STEP_S, Floats, Ints, PricePath, check_step

DEFAULT_WARMUP_S = 96 * 3600
DEFAULT_DURATION_S = 7 * 86_400
_MINUTE = 60.0
_DEEP_EVERY = 3  # episodes

_TREND_HOURS = 3.0  # between two turning points
_TREND_SIZE = 0.008
_SWING_SIZE = 0.0165
_SWING_MINUTES = (5.5, 8.5)  # one full swing, down and up
_QUIET_SWING = 0.12  # what is left of the swings outside the choppy stay
_NOISE_PER_MINUTE = 0.0006
_NOISE_MEMORY_MINUTES = 15.0  # noise is pulled back to zero over this long, so that it never blurs the episodes
_DAILY_VALUE = 4e8  # traded per day, quote units


@dataclass(frozen=True)
class SyntheticPrices:
    """A seeded market before it is rounded to an instrument's ticks.

    Attributes:
        time_ms: Shape (n,), epoch milliseconds.
        price: Shape (n,), quote units.
        volume: Shape (n,), base units.
        step_s: Seconds between points.
    """

    time_ms: Ints
    price: Floats
    volume: Floats
    step_s: int

    def path(self, instrument: Instrument) -> PricePath:
        """The same market in an instrument's ticks and steps."""
        ticks = np.maximum(np.rint(self.price * instrument.price_scale), 1).astype(np.int64)
        steps = np.maximum(np.rint(self.volume * instrument.size_scale), 1).astype(np.int64)
        return PricePath(self.time_ms, ticks, steps, self.step_s)


def synthetic_prices(
    instrument: Instrument,
    seed: int,
    start_ms: int,
    duration_s: int = DEFAULT_DURATION_S,
    warmup_s: int = DEFAULT_WARMUP_S,
    step_s: int = DEFAULT_STEP_S,
) -> SyntheticPrices:
    """The market of one pair, from `warmup_s` before `start_ms` until `duration_s` after it.

    Args:
        instrument: Gives the pair and the price at the start; spot and perpetual of a pair yield the same market.
        seed: Same seed, pair, history and step, same market, whatever other pairs there are and however long it lasts.
        start_ms: Epoch milliseconds; taken down to its minute.
    """
    check_step(step_s)
    # A generator for each ingredient, drawn from in the order of time: a longer market begins like a shorter one.
    seeds = np.random.SeedSequence([seed, *instrument.pair.encode()]).spawn(7)
    trend, falling, swing_lengths, swing_sizes, clustering, shocks, trading = map(np.random.default_rng, seeds)
    start_ms -= start_ms % 60_000
    at_s = np.arange(-(warmup_s // step_s), duration_s // step_s).astype(np.float64) * step_s  # seconds after the start
    fall, chop = _episodes(at_s, duration_s, falling)
    noise, clusters = _noise(at_s, step_s, clustering, shocks)
    log_price = _trend(at_s, trend) + fall + _swings(at_s, swing_lengths, swing_sizes) * chop + noise
    busy = clusters * (1 + 2 * (chop > 0.5)) * trading.gamma(2.0, 0.5, len(at_s))
    price = float(instrument.start_price) * np.exp(log_price - log_price[warmup_s // step_s])
    volume = _DAILY_VALUE / 86_400 * step_s * busy / price
    return SyntheticPrices((start_ms + at_s * 1000).astype(np.int64), price, volume, step_s)


def _trend(at_s: Floats, rng: np.random.Generator) -> Floats:
    """A smooth curve through random turning points."""
    hour = at_s / 3600 / _TREND_HOURS
    first, last = int(np.floor(hour[0])), int(np.ceil(hour[-1])) + 1
    heights = rng.uniform(-1, 1, last - first + 1) * _TREND_SIZE
    left = np.floor(hour).astype(int) - first
    share = (1 - np.cos(np.pi * (hour - np.floor(hour)))) / 2
    trend: Floats = heights[left] * (1 - share) + heights[left + 1] * share
    return trend


def _noise(
    at_s: Floats, step_s: int, clustering: np.random.Generator, shocking: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mean-reverting noise and the size of its clusters (around 1), both shape (n,)."""
    knots = np.arange(at_s[0], at_s[-1] + 1200, 600.0)
    clusters = np.exp(0.5 * np.interp(at_s, knots, clustering.standard_normal(len(knots))))
    shocks = shocking.standard_normal(len(at_s)) * clusters * _NOISE_PER_MINUTE * np.sqrt(step_s / _MINUTE)
    # An exponential memory cut off where nothing is left of it; as a convolution it needs no loop over the points.
    memory = np.exp(-np.arange(0, 4 * _NOISE_MEMORY_MINUTES * _MINUTE, step_s) / (_NOISE_MEMORY_MINUTES * _MINUTE))
    size = len(shocks) + len(memory)
    noise: Floats = np.fft.irfft(np.fft.rfft(shocks, size) * np.fft.rfft(memory, size), size)[: len(shocks)]
    return noise, clusters


def _swings(at_s: Floats, lengths: np.random.Generator, sizing: np.random.Generator) -> Floats:
    """Swings to either side, each full one of its own length and size."""
    count = int((at_s[-1] - at_s[0]) / _MINUTE / _SWING_MINUTES[0]) + 2
    turns = at_s[0] + np.concatenate([[0.0], np.cumsum(lengths.uniform(*_SWING_MINUTES, count))]) * _MINUTE
    phase = np.interp(at_s, turns, np.arange(count + 1))
    sizes = sizing.uniform(0.85, 1.15, count + 1) * _SWING_SIZE
    swings: Floats = np.sin(2 * np.pi * phase) * sizes[np.floor(phase).astype(int)]
    return swings


def _episodes(at_s: Floats, duration_s: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """The fall below the trend (0 or negative) and how much of the swings is let through (0 to 1), both shape (n,)."""
    times, falls = [float(at_s[0])], [0.0]
    chop_times, chops = [float(at_s[0])], [_QUIET_SWING]
    onset, count = float(rng.uniform(1.0, 3.0)) * _MINUTE, 0
    deep_place = 1  # early enough to see a loss within two hours, yet never the first; later on any of the three
    while onset < duration_s:
        until_next = float(rng.uniform(45, 75)) * _MINUTE
        deep = count % _DEEP_EVERY == deep_place
        fallen, legs = _fall(onset, deep, first=count == 0, rng=rng)
        bottom = legs[-1][1]
        recovery = onset + until_next * float(rng.uniform(0.72, 0.8))
        times += [onset, *(moment for moment, _ in legs), recovery, onset + until_next * 0.97]
        falls += [0.0, *(depth for _, depth in legs), bottom * float(rng.uniform(0.8, 1.0)), 0.0]
        chop_times += [onset, fallen, fallen + 2 * _MINUTE, recovery, recovery + 3 * _MINUTE]
        chops += [_QUIET_SWING, _QUIET_SWING, 1.0, 1.0, _QUIET_SWING]
        onset, count = onset + until_next, count + 1
        if count % _DEEP_EVERY == 0:
            deep_place = int(rng.integers(0, _DEEP_EVERY))
    return np.interp(at_s, times, falls), np.interp(at_s, chop_times, chops)


def _fall(onset: float, deep: bool, first: bool, rng: np.random.Generator) -> tuple[float, list[tuple[float, float]]]:
    """When a drop is over, and its corners as (seconds, logarithm of the price against the trend)."""
    if deep:
        over = onset + float(rng.uniform(14, 20)) * _MINUTE
        pause = onset + (over - onset) * 0.4
        shelf, bottom = -float(rng.uniform(0.038, 0.045)), -float(rng.uniform(0.092, 0.105))
        return over, [(pause, shelf), (pause + 2 * _MINUTE, shelf + 0.004), (over, bottom), (over + 300, bottom + 0.03)]
    lasts = float(rng.uniform(5, 7) if first else rng.uniform(5, 12)) * _MINUTE
    drop = -float(rng.uniform(0.042, 0.05) if first else rng.uniform(0.04, 0.06))
    return onset + lasts, [(onset + lasts, drop)]
