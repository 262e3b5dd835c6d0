"""One websocket of Polygon's crypto cluster: greeting, key, subscriptions, and the faults of a connection.

The order of messages and their words are those of Polygon's (Massive's) websocket quickstart; what follows a message that
ends a connection is a close with 1008, as its vendor's own clients know it.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence

from shared.simulator import polygon_messages as messages
from shared.simulator.fault_kinds import HOLDING, Kind, Moment, Part, Where
from shared.simulator.faults import Faults, Injection
from shared.simulator.polygon_account import Account
from shared.simulator.polygon_minutes import Delivery
from shared.simulator.websocket import WebsocketClient, text_frame

AUTH_LIMIT_S = 10.0
CHANNELS = ("XA", "XAS", "XT", "XQ", "XL2")
POLICY_VIOLATION = 1008
_ABNORMAL = 1006  # is never sent: what a client sees of a connection that ends without a close
_AUTH_FAULTS = (Kind.AUTH_SILENT, Kind.AUTH_TIMEOUT, Kind.AUTH_FAILED)
_ENDINGS = {
    Moment.CONNECT: (Kind.CLOSE,),
    Moment.AUTH: (Kind.CLOSE,),
    Moment.SUBSCRIBE: (Kind.CLOSE, Kind.MAX_CONNECTIONS),
    Moment.STREAM: (Kind.CLOSE, Kind.MAX_CONNECTIONS, Kind.SLOW_CONSUMER),
}


class PolygonConnection:
    """A client's connection, from its handshake on.

    Args:
        client: Where its frames go.
        account: Who may be connected.
        pairs: What is listed, "BTC-USD"; a subscription to something else is acknowledged and stays silent.

    Attributes:
        key: What it authenticated with; None before.
    """

    def __init__(self, client: WebsocketClient, account: Account, faults: Faults, pairs: Iterable[str]) -> None:
        self.key: str | None = None
        self._client = client
        self._account = account
        self._faults = faults
        self._pairs = frozenset(pairs)
        self._wanted: dict[str, set[str]] = {channel: set() for channel in CHANNELS}
        self._held: list[Injection] = []
        self._has_streamed = False
        self._auth_limit = asyncio.get_running_loop().call_later(AUTH_LIMIT_S, self._auth_timed_out)

    # ---- what it listens to

    def heard(self, channel: str) -> frozenset[str]:
        """Pairs of a channel that it would be told of now."""
        wanted = self._wanted[channel]
        pairs = self._pairs if "*" in wanted else self._pairs & wanted
        self._held = [one for one in self._held if not one.is_over]
        if not self._held:
            return pairs
        return frozenset(pair for pair in pairs if not any(_silences(one, pair) for one in self._held))

    @property
    def is_deaf(self) -> bool:
        """The connection is half-open: nothing that comes is answered."""
        return any(one.fault.kind is Kind.HALF_OPEN and not one.is_over for one in self._held)

    # ---- from the client

    def greet(self) -> None:
        """Say the first word."""
        if not self._ended_at(Moment.CONNECT):
            self.say([messages.status("connected", "Connected Successfully")])

    def hear(self, text: str) -> None:
        """Take one message."""
        try:
            request = json.loads(text)
            action, params = request["action"], request["params"]
        except (ValueError, KeyError, TypeError):
            action, params = None, ""
        if not isinstance(params, str):
            action = None
        match action:
            case "auth":
                self._authenticate(params)
            case "subscribe" if self.key is not None:
                self._subscribe(params.split(","))
            case "unsubscribe" if self.key is not None:
                self._unsubscribe(params.split(","))
            case "subscribe" | "unsubscribe":
                self.say([messages.status("auth_required", "You must authenticate before subscribing.")])
            case _:
                self.say(
                    [messages.status("error", "An action, auth, subscribe or unsubscribe, and params are expected.")]
                )

    def gone(self) -> None:
        """The connection is over."""
        self._auth_limit.cancel()
        self._account.leave(self)

    # ---- from the server

    def tell(self, deliveries: Iterable[Delivery]) -> None:
        """Say what it listens to of a minute's bars: frames first, then all elements in one."""
        heard = self.heard("XA")
        mine = [one for one in deliveries if one.pair in heard]
        for one in mine:
            if one.is_frame:
                self._client.send(text_frame(one.text))
        self.say([one.text for one in mine if not one.is_frame])
        if mine and not self._has_streamed:
            self._has_streamed = True
            self._ended_at(Moment.STREAM)

    def say(self, elements: Sequence[str]) -> None:
        """Say elements in one frame, unless nothing is said any more."""
        if elements and not self.is_deaf:
            self._client.send(text_frame(messages.frame(elements)))

    def fault_began(self) -> None:
        """Act at once on a fault that has just begun."""
        if self._faults.peek(Where.POLYGON, Part.STREAM, (Kind.DOWN,)):
            self._client.abort()
        elif self._symbols() and not self._ended_at(Moment.STREAM):
            self._take_hold()

    def evicted(self) -> None:
        """Another connection takes its place, or there was none for it."""
        self._end("max_connections", "Maximum number of websocket connections exceeded.")

    def close(self, code: int) -> None:
        """End it; 1006 without a word."""
        if code == _ABNORMAL:
            self._client.abort()
        else:
            self._client.close(code)

    # ---- the key

    def _authenticate(self, key: str) -> None:
        self._auth_limit.cancel()
        fault = self._faults.take(Where.POLYGON, Part.STREAM, _AUTH_FAULTS)
        kind = None if fault is None else fault.fault.kind
        if kind is Kind.AUTH_SILENT:
            return None
        if kind is Kind.AUTH_TIMEOUT:
            return self._auth_timed_out()
        if kind is Kind.AUTH_FAILED or not self._account.knows(key):
            return self._end("auth_failed", "authentication failed")
        if self._faults.take(Where.POLYGON, Part.STREAM, (Kind.MAX_CONNECTIONS,), (), Moment.AUTH):
            return self.evicted()
        if not self._account.enter(self, key):
            return self.evicted()
        self.key = key
        self.say([messages.status("auth_success", "authenticated")])
        self._ended_at(Moment.AUTH)
        return None

    def _auth_timed_out(self) -> None:
        self._end("auth_timeout", "Your connection did not authenticate in the allotted time.")

    # ---- subscriptions

    def _subscribe(self, names: list[str]) -> None:
        is_first = not any(self._wanted.values())
        said = []
        for name in names:
            channel, _, pair = name.strip().partition(".")
            if channel not in CHANNELS or not pair:
                said.append(messages.status("error", f"'{name}' is not a valid subscription"))
            elif self._faults.take(Where.POLYGON, Part.STREAM, (Kind.NOT_AUTHORIZED,), (pair,)):
                said.append(messages.status("error", f"not authorized to subscribe to {channel}.{pair}"))
            else:
                self._wanted[channel].add(pair)
                said.append(messages.status("success", f"subscribed to: {channel}.{pair}"))
        self.say(said)
        if is_first and self._ended_at(Moment.SUBSCRIBE):
            return
        self._take_hold()

    def _unsubscribe(self, names: list[str]) -> None:
        for name in names:
            channel, _, pair = name.strip().partition(".")
            self._wanted.get(channel, set()).discard(pair)
        self.say([messages.status("success", f"unsubscribed to: {name.strip()}") for name in names])

    # ---- faults

    def _symbols(self) -> frozenset[str]:
        wanted = self._wanted["XA"] | self._wanted["XAS"]
        return self._pairs if "*" in wanted else self._pairs & wanted

    def _ended_at(self, moment: Moment) -> bool:
        """End the connection if a fault says so."""
        injection = self._faults.take(Where.POLYGON, Part.STREAM, _ENDINGS[moment], self._symbols(), moment)
        if injection is None:
            return False
        match injection.fault.kind:
            case Kind.MAX_CONNECTIONS:
                self.evicted()
            case Kind.SLOW_CONSUMER:
                self._end("slow_consumer", "Your connection does not read as fast as it is sent to.")
            case _:
                self.close(injection.fault.code or _ABNORMAL)
        return True

    def _take_hold(self) -> None:
        for injection in list(self._faults.matching(Where.POLYGON, Part.STREAM, HOLDING, self._symbols())):
            if injection not in self._held:
                injection.use()
                self._held.append(injection)

    def _end(self, name: str, message: str) -> None:
        self.say([messages.status(name, message)])
        self._client.close(POLICY_VIOLATION)


def _silences(injection: Injection, pair: str) -> bool:
    return injection.fault.kind is Kind.HALF_OPEN or injection.fault.concerns(pair)
