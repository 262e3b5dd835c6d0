"""Bars of any number of symbols for as long as wanted, made of nothing but a hash: no markets, no memory.

The same seed, symbol and minute always give the same bar, whoever asks and in whichever order, so a test can ask afterwards
for all that there was.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from zlib import crc32

from shared.simulator.bar_book import MINUTE_MS, BookBar

_MASK = 2**64 - 1
_DAY_MINUTES = 1440
_SWING, _NOISE = 0.04, 0.002  # of a price: over a day, and from one minute to the next
_PRECISION = Decimal("0.01")


class GeneratedBars:
    """A `BarBook` of made-up symbols.

    Args:
        symbols: In the source's own quote, "BTC-USD".
        empty_fraction: Share of the minutes without a trade; not of the first symbol, which trades in every one.
        seed: Of prices and of empty minutes.
    """

    def __init__(self, symbols: Sequence[str], empty_fraction: float = 0.05, seed: int = 1) -> None:
        self._symbols = {symbol: crc32(symbol.encode()) ^ (seed << 32) for symbol in symbols}
        self._liquid = symbols[0] if symbols else None
        self._empty = int(empty_fraction * 2**32)

    def symbols(self) -> Sequence[str]:
        return list(self._symbols)

    def minutes(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:
        key = self._symbols.get(symbol)
        if key is None:
            return []
        span = range(-(-since_ms // MINUTE_MS), -(-until_ms // MINUTE_MS))
        may_be_empty = symbol != self._liquid
        prices = pairwise(_cents(key, minute) for minute in range(span.start, span.stop + 1))
        return [
            _bar(key, minute, opened, closed)
            for minute, (opened, closed) in zip(span, prices, strict=True)
            if not (may_be_empty and self._is_empty(key, minute))
        ]

    def seconds(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:  # noqa: ARG002  # the protocol's
        """There are none."""
        return []

    def _is_empty(self, key: int, minute: int) -> bool:
        return _mixed(key, minute * 4) & 0xFFFFFFFF < self._empty


def _bar(key: int, minute: int, opened: int, closed: int) -> BookBar:
    shape = _mixed(key, minute * 4 + 1)
    reach = max(opened // 1000, 1)
    high = max(opened, closed) + shape % reach
    low = max(min(opened, closed) - (shape >> 20) % reach, 1)
    return BookBar(
        open_ms=minute * MINUTE_MS,
        open=opened * _PRECISION,
        high=high * _PRECISION,
        low=low * _PRECISION,
        close=closed * _PRECISION,
        volume=((shape >> 40) % 100_000 + 1) * _PRECISION,
        vwap=(high + low) // 2 * _PRECISION,
        trades=(shape >> 50) % 500 + 1,
    )


def _cents(key: int, minute: int) -> int:
    """Price at the beginning of a minute: each minute ends where the next one begins."""
    base = 1_000 + _mixed(key, -1) % 10_000_000
    day = math.sin(2 * math.pi * ((minute + key) % _DAY_MINUTES) / _DAY_MINUTES)
    noise = _mixed(key, minute * 4 + 2) / _MASK - 0.5
    return max(1, round(base * (1 + _SWING * day + _NOISE * noise)))


def _mixed(key: int, place: int) -> int:
    """64 bits that look random (splitmix64)."""
    mixed = (key * 0x9E3779B97F4A7C15 + place * 0xD1B54A32D192ED03) & _MASK
    mixed = ((mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ mixed >> 27) * 0x94D049BB133111EB) & _MASK
    return mixed ^ mixed >> 31
