"""What Binance's faults do to one websocket that listens to candles: it ends, falls silent, or its other end is gone.

A connection that listens to no candles is a bot's, for books and trades. It is cut when the whole source is down and otherwise
left alone, so that a fault of the feeds hits the feeds.
"""

import asyncio
import json
import time
from collections.abc import Callable, Collection

from shared.simulator.fault_kinds import ENDING, HOLDING, Kind, Moment, Part, Where
from shared.simulator.faults import Fault, Faults, Injection
from shared.simulator.websocket import GOING_AWAY, WebsocketClient, text_frame

_ABNORMAL = 1006  # never sent: it stands for a connection that ends without a close frame


class ConnectionFaults:
    """The faults of one connection.

    Args:
        pairs: What it listens to candles of just now, "BTC-USDT".
    """

    def __init__(self, faults: Faults, client: WebsocketClient, pairs: Callable[[], Collection[str]]) -> None:
        self._faults = faults
        self._client = client
        self._pairs = pairs
        self._stalls: list[Injection] = []
        self._has_had_bar = False
        self._is_ending = False
        self._end: asyncio.TimerHandle | None = None
        self._unwatch = faults.watch(Where.BINANCE, self._begun)

    def opened(self) -> None:
        """The handshake is over."""
        self._take_end((Kind.CLOSE,), Moment.CONNECT)

    def subscribed(self) -> None:
        """It listens to candles, and was told so."""
        self._take_hold()
        self._take_end((Kind.CLOSE,), Moment.SUBSCRIBE)

    def had_bar(self) -> None:
        """It was sent a candle that is over."""
        if not self._has_had_bar:
            self._has_had_bar = True
            self._take_end(ENDING, Moment.STREAM)

    def is_stalled(self, pair: str) -> bool:
        """Whether candles of a pair are kept from it."""
        self._stalls = [stall for stall in self._stalls if not stall.is_over]
        return any(stall.fault.concerns(pair) for stall in self._stalls)

    def leave(self) -> None:
        """The connection is gone."""
        self._unwatch()
        if self._end is not None:
            self._end.cancel()

    def _begun(self) -> None:
        """A fault of Binance begins while it is connected."""
        if self._faults.peek(Where.BINANCE, Part.STREAM, (Kind.DOWN,)):
            self._client.abort()
        elif self._pairs():
            self._take_hold()
            self._take_end(ENDING, Moment.STREAM)

    def _take_hold(self) -> None:
        for injection in list(self._faults.matching(Where.BINANCE, Part.STREAM, HOLDING, self._pairs())):
            if injection in self._stalls:
                continue
            injection.use()
            if injection.fault.kind is Kind.HALF_OPEN:
                self._client.half_open()
            else:
                self._stalls.append(injection)

    def _take_end(self, kinds: Collection[Kind], moment: Moment) -> None:
        if self._is_ending:
            return
        injection = self._faults.take(Where.BINANCE, Part.STREAM, kinds, self._pairs(), moment)
        if injection is not None:
            self._is_ending = True
            self._do_end(injection.fault)

    def _do_end(self, fault: Fault) -> None:
        if fault.kind is Kind.SERVER_SHUTDOWN:
            event = {"e": "serverShutdown", "E": int(time.time() * 1000)}
            self._client.send(text_frame(json.dumps(event)))
            loop = asyncio.get_running_loop()
            self._end = loop.call_later(fault.delay_s or 0.0, self._client.close, GOING_AWAY)
        elif fault.code == _ABNORMAL:
            self._client.abort()
        else:
            self._client.close(GOING_AWAY if fault.code is None else fault.code)
