"""Polygon as the local venue plays it: REST, the crypto stream, and the clock that sends each minute's bars.

https://api.massive.com     ->  http://HOST:PORT/polygon
wss://socket.massive.com    ->  ws://HOST:PORT/polygon   (and from there on /crypto)
"""

import asyncio
import time
from collections.abc import Callable

from aiohttp import web

from shared.simulator.bar_book import MINUTE_MS, AmendedBars, BarBook
from shared.simulator.connection_log import ConnectionLog
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Faults
from shared.simulator.polygon_account import Account
from shared.simulator.polygon_minutes import Delivery, MinutePlan
from shared.simulator.polygon_rest import PolygonRest
from shared.simulator.polygon_sockets import PolygonSockets
from shared.simulator.rest_faults import RestFace

PREFIX = "/polygon"
STREAM_PATH = f"{PREFIX}/crypto"
PUBLISHED_AFTER_S = 1.2
"""How long after its end a minute's bars are sent; "within a few seconds" by the vendor's word."""
_DUE_S = 0.001


class PolygonFake:
    """One Polygon. Needs a running event loop from `start` to `stop`.

    Args:
        bars: What it has.
        keys: Keys it knows; None: every one that is not empty.

    Attributes:
        bars: The same, without the minutes that a fault took out: what a client must have in the end.
        log: Its connections.
    """

    def __init__(self, bars: BarBook, faults: Faults, keys: frozenset[str] | None = None) -> None:
        self.bars = AmendedBars(bars)
        self.log = ConnectionLog()
        self._faults = faults
        self._account = Account(faults, keys)
        self._rest = PolygonRest(faults, self._account, self.bars, PREFIX)
        self._sockets = PolygonSockets(faults, self._account, bars.symbols(), self.log)
        self._plan = MinutePlan(faults)
        self._tasks: list[asyncio.Task[None]] = []
        self._timers: set[asyncio.TimerHandle] = set()
        self._unwatch: Callable[[], None] = lambda: None

    @property
    def face(self) -> RestFace:
        """For the middleware of REST faults."""
        return self._rest.face

    def routes(self) -> list[web.RouteDef]:
        """REST and the stream."""
        return [*self._rest.routes(), web.get(STREAM_PATH, self._sockets.serve)]

    def start(self) -> None:
        """Begin to send."""
        self._unwatch = self._faults.watch(Where.POLYGON, self._sockets.fault_began)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._each_minute()), loop.create_task(self._each_second())]

    async def stop(self) -> None:
        """Close all connections; what made the sending fail is raised here."""
        self._unwatch()
        self._sockets.close()
        for timer in self._timers:
            timer.cancel()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    # ---- minutes

    async def _each_minute(self) -> None:
        end_ms = _after(_now_ms(), MINUTE_MS)
        while True:
            await _sleep_until(end_ms)
            open_ms = end_ms - MINUTE_MS
            self._take_out(open_ms)
            await _sleep_until(end_ms + int(PUBLISHED_AFTER_S * 1000))
            self._publish(open_ms)
            end_ms += MINUTE_MS

    def _take_out(self, open_ms: int) -> None:
        """Let no trade have happened where a fault says so, before anybody can ask."""
        no_trade = (Kind.NO_TRADE,)
        while injection := self._faults.peek(Where.POLYGON, Part.STREAM, no_trade, self.bars.symbols()):
            wanted = self.bars.symbols() if injection.fault.symbol is None else [injection.fault.symbol]
            left = [pair for pair in wanted if self.bars.minutes(pair, open_ms, open_ms + MINUTE_MS)]
            if not left:
                return
            injection.use()
            self.bars.take_out(left[0], open_ms)

    def _publish(self, open_ms: int) -> None:
        heard = self._sockets.heard("XA")
        unknown = (Kind.UNKNOWN_SYMBOL,)
        bars = {
            pair: found[0]
            for pair in sorted(heard)
            if not self._faults.peek(Where.POLYGON, Part.STREAM, unknown, (pair,))
            and (found := self.bars.minutes(pair, open_ms, open_ms + MINUTE_MS))
        }
        by_delay: dict[float, list[Delivery]] = {}
        for delivery in self._plan.deliveries(bars):
            by_delay.setdefault(delivery.after_s, []).append(delivery)
        for after_s, deliveries in by_delay.items():
            if after_s:
                self._tell_later(after_s, deliveries)
            else:
                self._sockets.tell(deliveries)

    def _tell_later(self, after_s: float, deliveries: list[Delivery]) -> None:
        def tell() -> None:
            self._timers.discard(timer)
            self._sockets.tell(deliveries)

        timer = asyncio.get_running_loop().call_later(after_s, tell)
        self._timers.add(timer)

    # ---- seconds

    async def _each_second(self) -> None:
        while True:
            end_ms = _after(_now_ms(), 1000)
            await _sleep_until(end_ms)
            heard = self._sockets.heard("XAS")
            found = [(pair, bar) for pair in sorted(heard) for bar in self.bars.seconds(pair, end_ms - 1000, end_ms)]
            if found:
                self._sockets.tell_second(found)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _after(now_ms: int, length_ms: int) -> int:
    return now_ms - now_ms % length_ms + length_ms


async def _sleep_until(moment_ms: int) -> None:
    while (wait_s := moment_ms / 1000 - time.time()) > _DUE_S:
        await asyncio.sleep(wait_s)
