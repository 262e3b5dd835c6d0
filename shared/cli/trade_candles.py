"""The candles around a trade: from a recording the trader names, or from the market its run traded on, made once more.

The journal has no candles. Where none can be had, or they do not fit the trade's fills, there are none and the reason is said:
candles of another time would make every line drawn over them wrong.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice, parse_market
from shared.cli.runs import shown_minute
from shared.domain.candles import CandleSeries
from shared.domain.run_record import RunRecord
from shared.domain.trades import Trade
from shared.simulator.errors import SimulatorError
from shared.simulator.instruments import Instrument, instrument_for
from shared.simulator.price_path import PricePath
from shared.simulator.recording import Recording, RecordingSpec, load_recording

_MAX_CANDLES = 120
_TIMEFRAMES = {60: "1m", 180: "3m", 300: "5m", 900: "15m", 1800: "30m", 3600: "1h", 14_400: "4h", 86_400: "1d"}
_MARKET = re.compile(r"(?P<name>.+), seed (?P<seed>\d+)(, history (?P<history_s>\d+) s)?(, moved .*)?")
_BEFORE, _AFTER, _LEAST_MS = 0.6, 0.3, 6 * 60_000
_MISFIT = 0.01
"""Fraction by which a fill may lie beyond its candle: a market order walks the book further than the trades a candle is of."""


@dataclass(frozen=True)
class Window:
    """The stretch of time a picture shows, UTC epoch milliseconds, whole minutes."""

    start_ms: int
    end_ms: int

    @classmethod
    def around(cls, opened_ms: int, ended_ms: int) -> "Window":
        """A trade's time with what came before and a little of what came after."""
        length_ms = ended_ms - opened_ms
        start_ms = opened_ms - max(int(length_ms * _BEFORE), _LEAST_MS)
        end_ms = ended_ms + max(int(length_ms * _AFTER), _LEAST_MS)
        return cls(start_ms - start_ms % 60_000, end_ms + -end_ms % 60_000)


@dataclass(frozen=True)
class Backdrop:
    """What a trade is drawn upon.

    Attributes:
        candles: Those that lie wholly within the window; None where there are none to be had.
        source: Where they are from, or why there are none; a sentence for the picture.
    """

    candles: CandleSeries | None
    source: str


@dataclass
class CandleSource:
    """Gets candles, and keeps what was costly to read or to make.

    Args:
        files: Recordings that go before the market of the run.
    """

    files: Sequence[Path] = ()
    _recordings: list[Recording] | None = None
    _markets: "dict[tuple[str, str], _MadeAgain | str]" = field(default_factory=dict)

    def require_pairs(self, pairs: Sequence[str]) -> None:
        """Refuse a recording that no trade is of.

        Raises:
            RecordingError: It cannot be read.
            UsageError: It holds another pair.
        """
        for recording in self._read():
            if recording.pair not in pairs:
                raise UsageError(
                    f"--candles = {recording.path}: holds {recording.pair}; the trades are of {', '.join(sorted(pairs))}"
                )

    def around(self, trade: Trade, record: RunRecord, window: Window) -> Backdrop:
        """The candles of a trade's window.

        Args:
            trade: The trade.
            record: Its run, which says on which market it was and at which prices signals were decided.
            window: What is to be shown.
        """
        pair = trade.executor.opened.pair
        for recording in self._read():
            if recording.pair == pair:
                return _fitting(trade, _recorded(recording.candles, window), recording.path.name)
        made = self._made_again(record.started.market if record.started else "", pair)
        if isinstance(made, str):
            return Backdrop(None, f"No candles: {made}.")
        prices = made.prices["perpetual" in trade.executor.opened.account]
        for signal in record.signals:
            if signal.pair == pair and not prices.closed_at(signal.candle_close_ms, signal.price):
                closed = f"the candle closed at {signal.price:.10g} at {shown_minute(signal.candle_close_ms)}"
                return Backdrop(None, f"No candles: {made.name} is another market by now; {closed}.")
        return _fitting(trade, prices.candles(window), made.name)

    def _read(self) -> list[Recording]:
        if self._recordings is None:
            self._recordings = [load_recording(RecordingSpec(path), warmup_s=0) for path in self.files]
        return self._recordings

    def _made_again(self, market: str, pair: str) -> "_MadeAgain | str":
        if (market, pair) not in self._markets:
            self._markets[market, pair] = _make_again(market, pair)
        return self._markets[market, pair]


@dataclass(frozen=True)
class _Prices:
    """What was traded of an instrument."""

    instrument: Instrument
    path: PricePath

    def closed_at(self, close_ms: int, price: float) -> bool:
        """Whether a candle that closed then closed at this price, whatever its timeframe."""
        place = self.path.index_at(close_ms - 1)
        ticks = round(price * float(self.instrument.price_scale))
        return place >= 0 and close_ms <= self.path.end_ms and int(self.path.price_ticks[place]) == ticks

    def candles(self, window: Window) -> CandleSeries | None:
        """Those wholly within the window; None where the market does not reach it."""
        path, interval_s = self.path, _timeframe(window, 60) or max(_TIMEFRAMES)
        end_ms = min(window.end_ms, path.end_ms)
        found = path.klines(interval_s, max(window.start_ms, path.start_ms), end_ms - interval_s * 1000, end_ms)
        if len(found) == 0:
            return None
        price_scale, size_scale = float(self.instrument.price_scale), float(self.instrument.size_scale)
        return CandleSeries(
            found.open_ms // 1000,
            found.open / price_scale,
            found.high / price_scale,
            found.low / price_scale,
            found.close / price_scale,
            found.volume / size_scale,
            interval_s,
        )


@dataclass(frozen=True)
class _MadeAgain:
    """The prices of a pair, by whether they are the perpetual's, and what they are called."""

    prices: Mapping[bool, _Prices]
    name: str


def _make_again(market: str, pair: str) -> _MadeAgain | str:
    """The prices a run traded on, or why they cannot be made again."""
    named = _MARKET.fullmatch(market)
    if not market:
        return "the journal does not say what was traded; name a recording with --candles"
    if named is None or not named["name"].startswith(("simulated", "replay:")):
        return f"those of {market} are not kept; name a recording with --candles"
    try:
        symbol = instrument_for(pair, perpetual=False).symbol
        choice = parse_market(named["name"], int(named["seed"])).with_history(int(named["history_s"] or 0))
        venue = choice.venue([pair], choice.start_s, lambda: 0.0)
    except (SimulatorError, UsageError) as error:
        # The picture is still worth drawing, and says what is missing.
        return " ".join(str(error).split()).rstrip(".")
    markets = {perpetual: venue.market(perpetual, symbol) for perpetual in (False, True)}
    return _MadeAgain(
        {perpetual: _Prices(market.instrument, market.path) for perpetual, market in markets.items()},
        _name(choice, pair),
    )


def _name(choice: MarketChoice, pair: str) -> str:
    """The market, or of a replay the recording of the pair and where it was replayed from."""
    for spec in choice.recordings:
        recording = load_recording(spec)
        if recording.pair == pair:
            return f"{spec.path.name} replayed from {shown_minute(recording.start_ms)}, seed {choice.seed}"
    return f"{choice.name}, seed {choice.seed}"


def _timeframe(window: Window, least_s: int) -> int | None:
    """The shortest timeframe, of `least_s` or a multiple, of which the window does not hold too many candles."""
    span_s = (window.end_ms - window.start_ms) / 1000
    fitting = [seconds for seconds in _TIMEFRAMES if seconds % least_s == 0 and span_s / seconds <= _MAX_CANDLES]
    return min(fitting, default=None)


def _recorded(candles: CandleSeries, window: Window) -> CandleSeries | None:
    """A recording's candles within the window, put together to longer ones where they are too many."""
    interval_s = _timeframe(window, candles.interval_s) or candles.interval_s
    opens_s = candles.open_time_s
    # Whole long candles alone: one cut off at the window's edge would show an extreme that was another's.
    first_s = -(-max(window.start_ms // 1000, int(opens_s[0])) // interval_s) * interval_s
    last_s = min(window.end_ms // 1000, candles.last_close_ms // 1000) // interval_s * interval_s
    inside = (opens_s >= first_s) & (opens_s < last_s)
    if not inside.any():
        return None
    starts = np.flatnonzero(np.diff(opens_s[inside] // interval_s, prepend=-1))
    ends = np.append(starts[1:], int(inside.sum())) - 1
    return CandleSeries(
        opens_s[inside][starts],
        candles.open[inside][starts],
        np.maximum.reduceat(candles.high[inside], starts),
        np.minimum.reduceat(candles.low[inside], starts),
        candles.close[inside][ends],
        np.add.reduceat(candles.volume[inside], starts),
        interval_s,
    )


def _fitting(trade: Trade, candles: CandleSeries | None, source: str) -> Backdrop:
    """Candles in which the trade's fills can have happened, or none."""
    if candles is None:
        return Backdrop(None, f"No candles: {source} does not reach this trade's time.")
    for fill in trade.executor.fills:
        place = int(np.searchsorted(candles.open_time_s, fill.at_ms / 1000, side="right")) - 1
        price = float(fill.price)
        if place < 0 or fill.at_ms > candles.last_close_ms:
            return Backdrop(None, f"No candles: {source} does not reach all of this trade's time.")
        if not candles.low[place] * (1 - _MISFIT) <= price <= candles.high[place] * (1 + _MISFIT):
            return Backdrop(None, f"No candles: a fill at {fill.price} cannot have happened in those of {source}.")
    timeframe = _TIMEFRAMES.get(candles.interval_s, f"{candles.interval_s} s")
    return Backdrop(candles, f"Candles of {timeframe}: {source}.")
