"""The venue's heart: at every step boundary all markets advance together and their listeners are told.

Time is whatever `clock` and the running event loop's timers say; the venue only ever sleeps until the next boundary.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from shared.simulator import binance_messages as messages
from shared.simulator.errors import UnknownPair, VenueError
from shared.simulator.market import Market
from shared.simulator.price_path import candle_open_ms
from shared.simulator.streams import Client, KlineListener, Stream, parse_stream, symbol_of
from shared.simulator.websocket import text_frame

_LOG = logging.getLogger(__name__)
_DUE_S = 0.001  # a timer that fires this much early is on time: asking for the rest again could spin


class Venue:
    """Markets on one clock, published to subscribers.

    Args:
        markets: Spot and perpetual markets, all with the same step; at least one.
        start_ms: Where trading is meant to start, epoch milliseconds; default: the last of the paths' first points.
            Whoever owns a virtual clock sets it to this.
        clock: Current time, epoch seconds; default: `time.time`, looked up at every call, for it may be virtual.

    Attributes:
        exhausted: Set when the shortest path is over. The venue then publishes nothing more and answers with its last
            state: it never repeats or invents data.

    Raises:
        VenueError: No markets, two of the same symbol, or different steps.
    """

    def __init__(
        self, markets: Sequence[Market], start_ms: int | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        if len({market.path.step_s for market in markets}) != 1:
            raise VenueError("A venue needs at least one market, and one step for all of them.")
        self._markets = {(market.instrument.perpetual, market.instrument.symbol): market for market in markets}
        if len(self._markets) != len(markets):
            raise VenueError("A venue lists every symbol once; two markets share one.")
        self.step_s = markets[0].path.step_s
        self.data_start_ms = max(market.path.start_ms for market in markets)
        self.start_ms = self.data_start_ms if start_ms is None else start_ms
        self.end_ms = min(market.path.end_ms for market in markets)
        self.exhausted = asyncio.Event()
        self._clock = clock or (lambda: time.time())
        self._streams: dict[tuple[bool, str], dict[str, Stream]] = defaultdict(dict)
        self._next_ms = 0
        self._task: asyncio.Task[None] | None = None

    # ---- time

    def now_ms(self) -> int:
        """The clock, in whole milliseconds."""
        return int(self._clock() * 1000)

    def start(self) -> None:
        """Take up trading at the clock's present time; needs a running event loop. A second call does nothing.

        Raises:
            VenueError: The clock stands outside the data.
        """
        if self._task is None:
            self.open(self.now_ms())
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._tell_failure)

    async def stop(self) -> None:
        """End trading; what made it fail, if anything did, is raised here."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled() and (failure := task.exception()) is not None:
                raise failure

    def open(self, now_ms: int) -> None:
        """Bring all markets to `now_ms` without telling anybody.

        Raises:
            VenueError: `now_ms` lies outside the data.
        """
        if not self.data_start_ms <= now_ms < self.end_ms:
            raise VenueError(
                f"The clock says {_iso(now_ms)} but the venue's data spans {_iso(self.data_start_ms)} to"
                f" {_iso(self.end_ms)}: set the clock, or choose another start."
            )
        for market in self._markets.values():
            market.advance(now_ms)
        step_ms = self.step_s * 1000
        self._next_ms = now_ms - now_ms % step_ms + step_ms

    async def _run(self) -> None:
        while not self.exhausted.is_set():
            wait_s = self._next_ms / 1000 - self._clock()
            if wait_s > _DUE_S:
                await asyncio.sleep(wait_s)
            else:
                self.publish_next()
                await asyncio.sleep(0)  # when catching up, readers get their turn between steps

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        # At once, because it is raised only by `stop`, and until then the market just stands still.
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _LOG.error("The venue failed at %s and publishes nothing more.", _iso(self._next_ms), exc_info=error)

    def publish_next(self) -> None:
        """Advance to the next step boundary and tell the subscribers what happened there."""
        boundary_ms = self._next_ms
        self._next_ms += self.step_s * 1000
        outbox: dict[Client, list[bytes]] = defaultdict(list)
        over = boundary_ms >= self.end_ms
        for key, market in self._markets.items():
            fresh = () if over else market.advance(boundary_ms)
            if streams := self._streams.get(key):
                self._publish_closed_candles(market, streams, boundary_ms, outbox)
                for index in fresh:
                    self._publish_point(market, streams, index, outbox)
        for client, frames in outbox.items():
            client.send(b"".join(frames))
        if over:
            _LOG.info("The venue's data is over at %s.", _iso(self.end_ms))
            self.exhausted.set()

    # ---- who listens

    def subscribe(self, perpetual: bool, name: str, client: Client, combined: bool) -> None:
        """Add a listener. A new kline listener is sent the candle in progress at once; unknown names stay silent."""
        stream = self._stream(perpetual, name)
        if stream is None:
            return
        (stream.combined if combined else stream.raw).add(client)
        if stream.kind == "kline" and (text := self.kline_now(perpetual, stream)):
            client.send(text_frame(stream.wrap(text) if combined else text))

    def follow(self, perpetual: bool, name: str, listener: KlineListener) -> Stream | None:
        """Tell a listener the events of a kline stream from now on; None if the venue publishes no such stream."""
        stream = self._stream(perpetual, name)
        if stream is None or stream.kind != "kline":
            return None
        stream.followers.add(listener)
        return stream

    def unfollow(self, perpetual: bool, name: str, listener: KlineListener) -> None:
        """Tell it nothing more."""
        if stream := self._streams.get((perpetual, symbol_of(name)), {}).get(name):
            stream.followers.discard(listener)
            self._forget_unheard(perpetual, stream)

    def kline_now(self, perpetual: bool, stream: Stream) -> str:
        """The event of a kline stream's candle in progress; empty before the market's first point."""
        market = self._markets[(perpetual, symbol_of(stream.name))]
        if market.index < 0:
            return ""
        return messages.kline(market, stream.interval, market.time_ms, self.now_ms(), closed=False)

    def unsubscribe(self, perpetual: bool, name: str, client: Client) -> None:
        """Remove a listener; a stream without any costs nothing."""
        streams = self._streams.get((perpetual, symbol_of(name)), {})
        if stream := streams.get(name):
            stream.raw.discard(client)
            stream.combined.discard(client)
            self._forget_unheard(perpetual, stream)

    def drop(self, client: Client) -> None:
        """Remove a listener from everything."""
        for (perpetual, _), streams in list(self._streams.items()):
            for name in list(streams):
                self.unsubscribe(perpetual, name, client)

    def _stream(self, perpetual: bool, name: str) -> Stream | None:
        """A stream by its name, made where nobody listened before; None if the venue does not publish it."""
        key = (perpetual, symbol_of(name))
        if key not in self._markets:
            return None
        stream = self._streams[key].get(name) or parse_stream(name, perpetual, self.step_s)
        if stream is not None:
            self._streams[key][name] = stream
        return stream

    def _forget_unheard(self, perpetual: bool, stream: Stream) -> None:
        if not stream.is_heard:
            self._streams[(perpetual, symbol_of(stream.name))].pop(stream.name, None)

    # ---- what is listed

    def markets(self, perpetual: bool) -> list[Market]:
        """All spot or all perpetual markets."""
        return [market for (is_perpetual, _), market in self._markets.items() if is_perpetual == perpetual]

    def market(self, perpetual: bool, symbol: str) -> Market:
        """One market by its symbol.

        Raises:
            UnknownPair: It is not listed.
        """
        try:
            return self._markets[(perpetual, symbol)]
        except KeyError:
            listed = ", ".join(market.instrument.symbol for market in self.markets(perpetual))
            raise UnknownPair(f"The venue does not list {symbol!r}; it lists {listed}.") from None

    # ---- telling

    def _publish_closed_candles(
        self, market: Market, streams: dict[str, Stream], boundary_ms: int, outbox: dict[Client, list[bytes]]
    ) -> None:
        """The last word on every candle that closes at this boundary."""
        for stream in streams.values():
            if stream.kind != "kline":
                continue
            interval_s = messages.INTERVALS_S[stream.interval]
            if candle_open_ms(boundary_ms, interval_s) == boundary_ms:
                text = messages.kline(market, stream.interval, boundary_ms - 1, boundary_ms, closed=True)
                _deliver(stream, text, outbox)
                _tell_followers(stream, text, boundary_ms - interval_s * 1000, closed=True)

    def _publish_point(
        self, market: Market, streams: dict[str, Stream], index: int, outbox: dict[Client, list[bytes]]
    ) -> None:
        """Everything that happened at one point: the trade, then the book it left, then the candle it belongs to."""
        texts: dict[str, str] = {}
        for stream in sorted(streams.values(), key=_order):
            what = stream.kind + stream.interval
            if what not in texts:
                texts[what] = _event_text(market, stream, index)
            if texts[what]:
                _deliver(stream, texts[what], outbox)
                if stream.followers:
                    time_ms = int(market.path.time_ms[index])
                    open_ms = candle_open_ms(time_ms, messages.INTERVALS_S[stream.interval])
                    _tell_followers(stream, texts[what], open_ms, closed=False)


_ORDER = ("trade", "aggTrade", "depth", "bookTicker", "markPrice", "kline")


def _order(stream: Stream) -> int:
    return _ORDER.index(stream.kind)


def _event_text(market: Market, stream: Stream, index: int) -> str:
    """The event of one stream at one point; empty if there is none."""
    time_ms = int(market.path.time_ms[index])
    match stream.kind:
        case "trade" | "aggTrade":
            event = market.trade(index)
            if event is None:
                return ""
            build = messages.trade if stream.kind == "trade" else messages.agg_trade
            return build(market.instrument, event)
        case "depth":
            return messages.depth_update(market, market.diff(index), time_ms)
        case "bookTicker":
            return messages.book_ticker_event(market, index)
        case "markPrice":
            return messages.mark_price_update(market, index)
        case _:
            return messages.kline(market, stream.interval, time_ms, time_ms, closed=False)


def _deliver(stream: Stream, text: str, outbox: dict[Client, list[bytes]]) -> None:
    if stream.raw:
        frame = text_frame(text)
        for client in stream.raw:
            outbox[client].append(frame)
    if stream.combined:
        frame = text_frame(stream.wrap(text))
        for client in stream.combined:
            outbox[client].append(frame)


def _tell_followers(stream: Stream, text: str, open_ms: int, closed: bool) -> None:
    for follower in tuple(stream.followers):
        follower.kline(stream, text, open_ms, closed)


def _iso(time_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_ms / 1000))
