"""One websocket of Binance's: requests, streams, the limits it lives under, and the faults that hit it.

Limits are those of Binance's "General WSS information" for spot and of "Websocket Market Streams" for USD-M futures. Known only
from practice: a connection that says too much is closed with 1008 "Too many requests".
"""

import asyncio
import json
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMessage, WSMsgType

from shared.simulator.binance_candles import Candles
from shared.simulator.binance_connection_faults import ConnectionFaults
from shared.simulator.binance_spoiling import Told
from shared.simulator.faults import Faults
from shared.simulator.streams import Stream
from shared.simulator.venue import Venue
from shared.simulator.websocket import WebsocketClient, text_frame

POLICY_VIOLATION = 1008


@dataclass(frozen=True)
class SocketLimits:
    """What one connection may do and how long it lives.

    Attributes:
        messages_per_s: Messages a client may send in a second; its pings and pongs count.
        streams: Streams it may listen to.
        life_s: It is closed at this age.
        ping_s: The venue pings it this often.
        unanswered_pings: After so many in a row it is closed when the next is due.
    """

    messages_per_s: int
    streams: int
    life_s: float
    ping_s: float
    unanswered_pings: int


SPOT_LIMITS = SocketLimits(messages_per_s=5, streams=1024, life_s=86_400, ping_s=20, unanswered_pings=3)
PERPETUAL_LIMITS = SocketLimits(messages_per_s=10, streams=1024, life_s=86_400, ping_s=180, unanswered_pings=3)


class PlainStreams:
    """Where a connection's streams come from: straight from the venue."""

    def __init__(self, venue: Venue, perpetual: bool, client: WebsocketClient, combined: bool) -> None:
        self._venue = venue
        self._perpetual = perpetual
        self._client = client
        self._combined = combined

    def opened(self) -> None:
        """The handshake is over."""

    def subscribe(self, names: list[str]) -> None:
        """Send these from now on."""
        for name in names:
            self._venue.subscribe(self._perpetual, name, self._client, self._combined)

    def unsubscribe(self, name: str) -> None:
        """Send it no more."""
        self._venue.unsubscribe(self._perpetual, name, self._client)

    def leave(self) -> None:
        """The connection is gone."""
        self._venue.drop(self._client)


class FaultyStreams(PlainStreams):
    """The same of the spot half, with candles that faults may have hit."""

    def __init__(self, venue: Venue, candles: Candles, faults: Faults, client: WebsocketClient, combined: bool) -> None:
        super().__init__(venue, False, client, combined)
        self._candles = candles
        self._followed: dict[str, str] = {}
        self._faults = ConnectionFaults(faults, client, self._followed.values)

    def opened(self) -> None:
        self._faults.opened()

    def subscribe(self, names: list[str]) -> None:
        candles = [name for name in names if self._candles.follow(name, self)]
        super().subscribe([name for name in names if name not in candles])
        if candles:
            self._followed |= {name: self._candles.pair_of(name) for name in candles}
            self._faults.subscribed()
        for name in candles:
            self._candles.tell_now(name, self)

    def unsubscribe(self, name: str) -> None:
        if self._followed.pop(name, None) is not None:
            self._candles.unfollow(name, self)
        else:
            super().unsubscribe(name)

    def leave(self) -> None:
        for name in list(self._followed):
            self.unsubscribe(name)
        self._faults.leave()
        super().leave()

    def tell(self, stream: Stream, pair: str, told: Told, closed: bool) -> None:
        """Send one event of a candle, unless the connection stands still."""
        if self._faults.is_stalled(pair):
            return
        text = stream.wrap(told.text) if self._combined else told.text
        self._client.send(text_frame(text[: len(text) // 2] if told.is_cut else text))
        if closed:
            self._faults.had_bar()


class Connection:
    """One websocket, from its handshake on."""

    def __init__(self, client: WebsocketClient, streams: PlainStreams, limits: SocketLimits) -> None:
        self._client = client
        self._streams = streams
        self._limits = limits
        self._names: set[str] = set()
        self._said_at_s: deque[float] = deque(maxlen=limits.messages_per_s)
        self._unanswered = 0
        loop = asyncio.get_running_loop()
        self._end = loop.call_later(limits.life_s, client.close)
        self._ping = loop.call_later(limits.ping_s, self._send_ping)
        streams.opened()

    def leave(self) -> None:
        """The client is gone."""
        self._end.cancel()
        self._ping.cancel()
        self._streams.leave()

    def subscribe(self, names: list[str]) -> None:
        """Listen to more streams; one too many ends the connection."""
        self._names.update(names)
        if len(self._names) > self._limits.streams:
            self._client.close(POLICY_VIOLATION, "Too many streams")
        else:
            self._streams.subscribe(names)

    def hear(self, message: WSMessage) -> None:
        """Take one message of the client."""
        now_s = asyncio.get_running_loop().time()
        if len(self._said_at_s) == self._said_at_s.maxlen and now_s - self._said_at_s[0] < 1:
            self._client.close(POLICY_VIOLATION, "Too many requests")
            return
        self._said_at_s.append(now_s)
        match message.type:
            case WSMsgType.TEXT:
                self._request(message.data)
            case WSMsgType.PING:
                self._client.pong(bytes(message.data))
            case WSMsgType.PONG:
                self._unanswered = 0

    def _request(self, text: str) -> None:
        """Answer one SUBSCRIBE or UNSUBSCRIBE request."""
        try:
            request = json.loads(text)
            method, names, identity = request["method"], request.get("params", []), request.get("id")
            known = isinstance(names, list) and all(isinstance(name, str) for name in names)
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._reply({"error": {"code": 3, "msg": "Invalid JSON: a method and params are expected."}})
        if not known or method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return self._reply({"error": {"code": 2, "msg": f"Invalid request: {method}."}, "id": identity})
        self._reply({"result": None, "id": identity})
        if method == "SUBSCRIBE":
            return self.subscribe(names)
        self._names.difference_update(names)
        for name in names:
            self._streams.unsubscribe(name)
        return None

    def _reply(self, answer: dict[str, Any]) -> None:
        self._client.send(text_frame(json.dumps(answer)))

    def _send_ping(self) -> None:
        if self._unanswered >= self._limits.unanswered_pings:
            self._client.close(POLICY_VIOLATION, "Pong timeout")
            return
        self._unanswered += 1
        self._client.ping(str(int(time.time() * 1000)))
        self._ping = asyncio.get_running_loop().call_later(self._limits.ping_s, self._send_ping)
