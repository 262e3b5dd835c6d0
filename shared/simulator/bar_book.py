"""Bars a source has: what its stream and its REST interface both read, so that the two can only differ by a fault."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import Protocol

from shared.domain.bars import Bar, Series
from shared.simulator.market import Market
from shared.simulator.price_path import Klines
from shared.simulator.venue import Venue

MINUTE_MS = 60_000

USD_PER_USDT = Decimal("0.9995")
"""What the venue's USDT is worth at the sources that quote in USD: the two quotes must never be taken for one another."""


@dataclass(frozen=True, slots=True)
class BookBar:
    """One bar in which something was traded.

    Attributes:
        open_ms: Its OPEN, UTC epoch milliseconds.
        open: Quote per base, as are high, low, close and vwap.
        volume: In base.
        vwap: Average price, weighted by volume.
        trades: Number of trades.
    """

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    vwap: Decimal
    trades: int

    def bar(self, series: Series) -> Bar:
        """The same as a client should come to know it."""
        return Bar(series, self.open_ms, self.open, self.high, self.low, self.close, self.volume, is_closed=True)


class BarBook(Protocol):
    """Bars by symbol. What nobody traded has none."""

    def symbols(self) -> Sequence[str]:
        """All symbols, in the source's own quote: "BTC-USD"."""
        ...

    def minutes(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:
        """One-minute bars that open in [since_ms, until_ms), ascending. An unknown symbol has none."""
        ...

    def seconds(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:
        """The same of one second."""
        ...


class MarketBars:
    """The venue's spot markets in USD, at `USD_PER_USDT`."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._markets = {f"{market.instrument.base}-USD": market for market in venue.markets(perpetual=False)}

    def symbols(self) -> Sequence[str]:
        return list(self._markets)

    def minutes(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:
        market = self._markets.get(symbol)
        if market is None or until_ms <= since_ms:
            return []
        return list(_book_bars(market, market.path.klines(60, since_ms, until_ms - 1, self._venue.now_ms())))

    def seconds(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:
        """A second bar for each point of the market's path that traded."""
        market = self._markets.get(symbol)
        if market is None or until_ms <= since_ms:
            return []
        step_s = market.path.step_s
        return list(_book_bars(market, market.path.klines(step_s, since_ms, until_ms - 1, self._venue.now_ms())))


def _book_bars(market: Market, klines: Klines) -> Iterator[BookBar]:
    tick, step = market.instrument.tick_size, market.instrument.step_size

    def price(ticks: float) -> Decimal:
        return (int(ticks) * tick * USD_PER_USDT).quantize(tick)

    for at in range(len(klines)):
        trades = int(klines.trades[at])
        if not trades:
            continue
        # A move without volume trades a single step (see `PricePath.traded`).
        steps = max(int(klines.volume[at]), 1)
        yield BookBar(
            open_ms=int(klines.open_ms[at]),
            open=price(klines.open[at]),
            high=price(klines.high[at]),
            low=price(klines.low[at]),
            close=price(klines.close[at]),
            volume=steps * step,
            vwap=price(float(klines.quote_volume[at]) / steps or klines.close[at]),
            trades=trades,
        )


class AmendedBars:
    """A book of which some minutes are taken out, for good: nothing was traded in them after all."""

    def __init__(self, book: BarBook) -> None:
        self._book = book
        self._without: set[tuple[str, int]] = set()

    def take_out(self, symbol: str, open_ms: int) -> None:
        """From now on this minute has no bar."""
        self._without.add((symbol, open_ms))

    def symbols(self) -> Sequence[str]:
        return self._book.symbols()

    def minutes(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:
        bars = self._book.minutes(symbol, since_ms, until_ms)
        return [bar for bar in bars if (symbol, bar.open_ms) not in self._without] if self._without else bars

    def seconds(self, symbol: str, since_ms: int, until_ms: int) -> list[BookBar]:
        return self._book.seconds(symbol, since_ms, until_ms)


def longer(minutes: Sequence[BookBar], length_ms: int) -> list[BookBar]:
    """Bars of `length_ms`, a multiple of a minute, from one-minute bars, ascending. The last one may be in progress."""
    if length_ms == MINUTE_MS:
        return list(minutes)
    joined = []
    for place, group in groupby(minutes, lambda bar: bar.open_ms // length_ms):
        bars = list(group)
        volume = sum((bar.volume for bar in bars), Decimal(0))
        value = sum((bar.vwap * bar.volume for bar in bars), Decimal(0))
        first = replace(bars[0], open_ms=place * length_ms)
        joined.append(
            replace(
                first,
                high=max(bar.high for bar in bars),
                low=min(bar.low for bar in bars),
                close=bars[-1].close,
                volume=volume,
                vwap=(value / volume).quantize(bars[0].vwap),
                trades=sum(bar.trades for bar in bars),
            )
        )
    return joined
