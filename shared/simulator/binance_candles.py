"""Candles on their way from the venue to Binance's spot websockets, with the faults of bars in between.

A bar that a fault hits is hit for everybody who listens to it, and counts once. Only one-minute candles are hit: the others are
what a bot trades on, not what the feeds are made of.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from shared.simulator.binance_spoiling import SPOILING, Told, ahead, spoiled
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Faults
from shared.simulator.streams import Stream, symbol_of
from shared.simulator.venue import Venue

_HIT_INTERVAL = "1m"


class CandleReader(Protocol):
    """A connection that listens to candles."""

    def tell(self, stream: Stream, pair: str, told: Told, closed: bool) -> None:
        """Send one event; `pair` as in "BTC-USDT", `closed`: a candle was over with it."""


class Candles:
    """All kline streams of the spot half that anybody listens to."""

    def __init__(self, venue: Venue, faults: Faults) -> None:
        self._venue = venue
        self._faults = faults
        self._readers: dict[str, set[CandleReader]] = {}
        self._open_ms: dict[str, int] = {}
        self._skipped: set[str] = set()
        self._held: dict[str, str] = {}
        self._late: set[asyncio.TimerHandle] = set()

    def pair_of(self, name: str) -> str:
        """The pair a kline stream is about, "BTC-USDT"."""
        return self._venue.market(False, symbol_of(name)).instrument.pair

    def follow(self, name: str, reader: CandleReader) -> bool:
        """Add a reader; false if there is no such kline stream."""
        if self._venue.follow(False, name, self) is None:
            return False
        self._readers.setdefault(name, set()).add(reader)
        return True

    def tell_now(self, name: str, reader: CandleReader) -> None:
        """Tell a reader the candle in progress, as Binance does at once after a subscription."""
        stream = self._venue.follow(False, name, self)
        pair = self.pair_of(name)
        if stream is not None and not self._is_unknown(pair) and (text := self._venue.kline_now(False, stream)):
            reader.tell(stream, pair, self._as_sent(Told(text)), closed=False)

    def unfollow(self, name: str, reader: CandleReader) -> None:
        """Remove a reader; a stream without any is not followed."""
        readers = self._readers.get(name, set())
        readers.discard(reader)
        if not readers and self._readers.pop(name, None) is not None:
            self._venue.unfollow(False, name, self)
            self._open_ms.pop(name, None)
            self._held.pop(name, None)
            self._skipped.discard(name)

    def stop(self) -> None:
        """Send nothing more."""
        for timer in self._late:
            timer.cancel()
        self._late.clear()

    def kline(self, stream: Stream, text: str, open_ms: int, closed: bool) -> None:
        """Pass one event of the venue on, as the faults in force have it."""
        pair = self.pair_of(stream.name)
        if self._is_skipped(stream, pair, open_ms) or self._is_unknown(pair):
            return
        if not closed or stream.interval != _HIT_INTERVAL:
            self._pass_on(stream, pair, Told(text), closed)
            return
        held = self._held.pop(stream.name, None)
        injection = self._faults.take(Where.BINANCE, Part.STREAM, SPOILING | {Kind.OUT_OF_ORDER}, (pair,))
        if injection is None:
            self._pass_on(stream, pair, Told(text), closed)
        elif injection.fault.kind is Kind.OUT_OF_ORDER:
            self._held[stream.name] = text
        else:
            for told in spoiled(injection.fault, text):
                self._pass_on(stream, pair, told, closed)
        if held is not None:
            self._pass_on(stream, pair, Told(held), closed)

    def _is_skipped(self, stream: Stream, pair: str, open_ms: int) -> bool:
        """Whether none of this candle's events is sent: decided at its first, for its last one would come too late."""
        if stream.interval == _HIT_INTERVAL and open_ms > self._open_ms.get(stream.name, -1):
            self._open_ms[stream.name] = open_ms
            self._skipped.discard(stream.name)
            if self._faults.take(Where.BINANCE, Part.STREAM, (Kind.SKIPPED,), (pair,)):
                self._skipped.add(stream.name)
        return stream.name in self._skipped

    def _is_unknown(self, pair: str) -> bool:
        return self._faults.peek(Where.BINANCE, Part.STREAM, (Kind.UNKNOWN_SYMBOL,), (pair,)) is not None

    def _as_sent(self, told: Told) -> Told:
        """The event as the source's clock has it."""
        skew_s = self._faults.skew_s(Where.BINANCE, Part.STREAM)
        return replace(told, text=ahead(told.text, skew_s)) if skew_s else told

    def _pass_on(self, stream: Stream, pair: str, told: Told, closed: bool) -> None:
        if told.delay_s:
            self._later(told.delay_s, lambda: self._pass_on(stream, pair, Told(told.text), closed))
            return
        told = self._as_sent(told)
        for reader in tuple(self._readers.get(stream.name, ())):
            reader.tell(stream, pair, told, closed)

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        def act() -> None:
            self._late.discard(timer)
            action()

        timer = asyncio.get_running_loop().call_later(delay_s, act)
        self._late.add(timer)
