"""Runs one source's stream, and reads what it says into the source's book."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.adapters.feeds.stream_socket import FeedStream
from shared.domain.bars import Bar
from shared.domain.silent_symbols import SilentSymbols
from shared.sidecar.feeds.source_book import SourceBook
from shared.wire.stream import Complaint, Link, Malformed, Moved, News, Reported, StreamMachine

_log = logging.getLogger(__name__)
_MINUTE_S = 60.0
_MOST_CONNECTIONS_REMEMBERED = 1000
# Where a person is told of it: the rest mends itself within seconds.
_WORTH_A_LINE = frozenset({Link.LIVE, Link.COOLING, Link.REFUSED})


class Streaming:
    """One source's stream as a service; its step lasts until it is cancelled.

    Args:
        machine: The connection's life.
        book: Where bars go.
        said: Takes a line for people.

    Attributes:
        cause: Why the link stands where it does, one sentence.
        connections: Opened since the sidecar began.
    """

    def __init__(self, machine: StreamMachine, book: SourceBook, said: Callable[[str], None]) -> None:
        self.name = f"{machine.source}_stream"
        self.cause = ""
        self.connections = 0
        self._machine = machine
        self._book = book
        self._said = said
        self._silent = SilentSymbols()
        self._opened_s: deque[float] = deque(maxlen=_MOST_CONNECTIONS_REMEMBERED)
        self._stream = FeedStream(machine, self._take)
        self._symbols: frozenset[str] = frozenset()
        self._live_since_ms = 0.0

    @property
    def link(self) -> Link:
        """Where the connection stands."""
        return self._machine.link

    @property
    def connections_last_minute(self) -> int:
        """Connections opened within the last 60 s."""
        since_s = asyncio.get_running_loop().time() - _MINUTE_S
        return sum(1 for at_s in self._opened_s if at_s > since_s)

    async def step(self) -> float:
        await self._stream.run()
        return 0.0

    def want(self, symbols: frozenset[str]) -> None:
        """Subscribe to these and no others."""
        if symbols != self._symbols:
            self._symbols = symbols
            self._silent.keep_only(symbols)
            self._stream.want(symbols)

    def allow(self, is_allowed: bool) -> None:
        """Whether a connection may exist."""
        self._stream.allow(is_allowed)

    def fetched(self, symbol: str, minutes: Sequence[Bar]) -> None:
        """Minutes of a symbol came from history; those that began while the stream was live it should have brought."""
        heard_ms = max(self._live_since_ms, self._book.heard_ms.get(symbol, 0))
        if self.link is not Link.LIVE or not any(bar.open_ms > heard_ms for bar in minutes):
            return
        if self._silent.fetched(symbol):
            self._said(f"{self._machine.source}: {symbol} is silent though it trades: subscribed to anew")
            self._stream.renew(frozenset({symbol}))

    def _take(self, news: News) -> None:
        match news:
            case Reported(bars):
                for bar in bars:
                    self._silent.streamed(bar.series.symbol)
                self._book.reported(bars)
            case Malformed(source, reason, excerpt):
                self._book.malformed += 1
                _log.warning("%s: a record that cannot be read: %s: %s", source, reason, excerpt)
            case Complaint(source, text):
                self._said(f"{source}: {text}")
            case Moved(source, before, now, cause):
                self._moved(source, before, now, cause)

    def _moved(self, source: str, before: Link, now: Link, cause: str) -> None:
        self.cause = cause
        if now is Link.CONNECTING:
            self.connections += 1
            self._opened_s.append(asyncio.get_running_loop().time())
        if now is Link.LIVE:
            self._live_since_ms = self._book.now_ms()
        if before is Link.LIVE:
            self._silent.interrupted()
            self._book.interrupted()
        if before is Link.LIVE or now in _WORTH_A_LINE:
            self._said(f"{source}: {now}" + (f": {cause}" if cause else ""))

    def detail(self) -> Mapping[str, Any]:
        return {"link": self.link, "cause": self.cause, "connections": self.connections}
