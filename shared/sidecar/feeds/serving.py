"""What bots are told: a window for each pair and interval they ask for, and every candle that closes after it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from shared.domain.bar_ledger import BarLedger, Settled
from shared.domain.bars import Bar
from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.sidecar.feeds.source_book import GRACE_MS, SourceBook
from shared.wire.feed_messages import (
    FeedCandle,
    FeedClose,
    FeedMessage,
    FeedWindow,
    ModeChange,
    Subscription,
)


class Listener(Protocol):
    """A bot that is told."""

    def tell(self, message: FeedMessage) -> None:
        """Take a message without waiting."""


@dataclass(frozen=True)
class Standing:
    """What may rest on a pair's candles now, and why not more."""

    mode: Mode
    reason: str = ""


@dataclass
class _Served:
    """One listener's subscription.

    Attributes:
        ledger: Where its candles are; None until there is a whole window of them.
        next_ms: Open of the candle it is told next.
        generation: Of the window it has.
    """

    wanted: Subscription
    ledger: BarLedger | None = None
    next_ms: int = 0
    generation: int = 0


@dataclass
class _Told:
    served: dict[tuple[str, Timeframe], _Served] = field(default_factory=dict)
    modes: dict[str, Standing] = field(default_factory=dict)


class Serving:
    """Keeps each listener's windows true.

    Args:
        books: By source.
        source_of: Where a pair's candles come from now; None for from nowhere.
        symbol_of: A source's symbol for a pair.
        standing_of: What may rest on a pair's candles now.
        stale_after_s: Told with each window.
    """

    def __init__(
        self,
        books: Mapping[str, SourceBook],
        source_of: Callable[[str], str | None],
        symbol_of: Callable[[str, str], str],
        standing_of: Callable[[str], Standing],
        stale_after_s: int,
    ) -> None:
        self._books = books
        self._source_of = source_of
        self._symbol_of = symbol_of
        self._standing_of = standing_of
        self._stale_after_s = stale_after_s
        self._generations: dict[tuple[str, Timeframe], int] = {}
        self._listeners: dict[Listener, _Told] = {}

    @property
    def wanted(self) -> dict[str, int]:
        """Pairs that are listened to, with the most candles asked for."""
        wanted: dict[str, int] = {}
        for told in self._listeners.values():
            for served in told.served.values():
                pair = served.wanted.pair
                wanted[pair] = max(wanted.get(pair, 0), served.wanted.limit)
        return wanted

    def listen(self, listener: Listener, wanted: Sequence[Subscription]) -> None:
        """Serve a listener these and nothing else from now on."""
        told = self._listeners.setdefault(listener, _Told())
        by_key = {(each.pair, each.interval): each for each in wanted}
        told.served = {key: each for key, each in told.served.items() if by_key.get(key) == each.wanted}
        for key, each in by_key.items():
            if key not in told.served:
                told.served[key] = _Served(each, self._whole_ledger(each))
                self._send_window(listener, told.served[key])

    def leave(self, listener: Listener) -> None:
        """Serve a listener nothing more."""
        self._listeners.pop(listener, None)

    def tell_all(self, message: FeedMessage) -> None:
        """Tell every listener."""
        for listener in list(self._listeners):
            listener.tell(message)

    def settled(self, source: str, symbol: str, settled: Sequence[Settled]) -> None:
        """Bars of a source settled."""
        for listener, told in list(self._listeners.items()):
            for (pair, _), served in told.served.items():
                if self._source_of(pair) == source and self._symbol_of(source, pair) == symbol:
                    self._continue(listener, served, settled)

    def look(self) -> None:
        """Tell of what changed otherwise: the source, windows that have become whole, modes.

        A window stays until another one is whole: a rule that wants out may still read an old candle.
        """
        for listener, told in list(self._listeners.items()):
            for served in told.served.values():
                self._renew(listener, served, self._whole_ledger(served.wanted))
            for pair in {pair for pair, _ in told.served}:
                standing = self._standing_of(pair)
                if told.modes.get(pair) != standing:
                    told.modes[pair] = standing
                    listener.tell(ModeChange(pair, standing.mode, standing.reason))

    def window(self, wanted: Subscription) -> FeedWindow:
        """What a subscription has now; without candles until it is whole."""
        return self._window(
            wanted, self._whole_ledger(wanted), self._generations.get((wanted.pair, wanted.interval), 1)
        )

    def _window(self, wanted: Subscription, ledger: BarLedger | None, generation: int) -> FeedWindow:
        standing = self._standing_of(wanted.pair)
        series = None if ledger is None else ledger.series
        return FeedWindow(
            pair=wanted.pair,
            interval=wanted.interval,
            source=None if series is None else series.source,
            quote=None if series is None else series.quote,
            generation=generation,
            mode=standing.mode,
            reason=standing.reason,
            stale_after_s=self._stale_after_s,
            candles=() if ledger is None else tuple(map(_candle, ledger.window(wanted.limit))),
        )

    def _renew(self, listener: Listener, served: _Served, whole: BarLedger | None) -> None:
        """Send another window if another ledger is whole now, or the same one went on while its source was not in use."""
        if whole is not None and (whole is not served.ledger or whole.next_ms > served.next_ms):
            served.ledger = whole
            self._send_window(listener, served)

    def _send_window(self, listener: Listener, served: _Served) -> None:
        key = (served.wanted.pair, served.wanted.interval)
        served.generation = self._generations[key] = self._generations.get(key, 0) + 1
        served.next_ms = 0 if served.ledger is None else served.ledger.next_ms
        window = self._window(served.wanted, served.ledger, served.generation)
        self._listeners[listener].modes[window.pair] = Standing(window.mode, window.reason)
        listener.tell(window)

    def _continue(self, listener: Listener, served: _Served, settled: Sequence[Settled]) -> None:
        whole = self._whole_ledger(served.wanted)
        if whole is None or whole is served.ledger:
            self._tell_closed(listener, served, settled)
        self._renew(listener, served, whole)

    def _tell_closed(self, listener: Listener, served: _Served, settled: Sequence[Settled]) -> None:
        wanted = served.wanted
        for each in settled:
            bar = each.bar
            if served.ledger is None or bar.series != served.ledger.series:
                continue
            if bar.open_ms == served.next_ms:
                served.next_ms = bar.close_ms
            elif not each.revision:
                continue  # told before: its book was begun anew
            elif not served.next_ms - wanted.limit * bar.series.step_ms <= bar.open_ms < served.next_ms:
                continue
            candle = _candle(bar)
            listener.tell(FeedClose(wanted.pair, wanted.interval, served.generation, candle, each.revision))

    def _whole_ledger(self, wanted: Subscription) -> BarLedger | None:
        """Where a subscription's candles are, once none is missing up to now."""
        source = self._source_of(wanted.pair)
        if source is None:
            return None
        books = self._books[source]
        book = books.book(self._symbol_of(source, wanted.pair))
        if book is None or book.kept < wanted.limit:
            return None
        ledger = book.ledgers[wanted.interval]
        # The longer ones may take one more minute's grace: they are built of minutes.
        return None if ledger.missing(books.over_ms(), 2 * GRACE_MS) else ledger


def _candle(bar: Bar) -> FeedCandle:
    return FeedCandle(bar.open_ms, bar.open, bar.high, bar.low, bar.close, bar.volume)
