"""What a streaming connection's state machine says to the socket that carries it, and what it is told.

The machines (`polygon_stream`, `binance_stream`) see no socket and no clock: they are told what happened and when, and answer
with actions. `shared.adapters.feeds.stream_socket` carries the actions out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from shared.domain.bars import Bar


class Link(StrEnum):
    """Where a connection stands."""

    IDLE = "idle"  # nothing wanted, or not allowed to connect
    CONNECTING = "connecting"
    GREETING = "greeting"  # connected, before the source's first word
    AUTHENTICATING = "authenticating"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    BACKING_OFF = "backing_off"
    COOLING = "cooling"  # a fault of the account, e.g. too many connections: longer than a back-off
    REFUSED = "refused"  # only a person can mend it


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a socket."""

    url: str


@dataclass(frozen=True, slots=True)
class Send:
    """Send one text message. Never logged: it may hold a key."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask the transport for a sign of life; the machine is told `alive` when it comes."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Close the socket; the machine is told `disconnected` afterwards all the same."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reported:
    """Bars, in the order of the message they came in."""

    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Malformed:
    """One record that could not be read; those around it were. `excerpt` is at most 200 characters of it."""

    source: str
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The connection stands elsewhere. `cause` is one sentence, empty where all is as it should be."""

    source: str
    before: Link
    now: Link
    cause: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """The source says that something is wrong and goes on all the same. `text`: one sentence."""

    source: str
    text: str


News = Reported | Malformed | Moved | Complaint
"""What is for whoever wants the feed."""

Order = Connect | Send | Ping | Disconnect
"""What is for the socket."""

Action = Order | News


class StreamMachine(Protocol):
    """One connection's life, reconnections included. `now_s` is a monotonic clock in seconds."""

    @property
    def source(self) -> str:
        """Whose it is, e.g. "polygon"."""
        ...

    @property
    def link(self) -> Link:
        """Where it stands."""
        ...

    @property
    def due_s(self) -> float | None:
        """When `tick` must be called next; None: never, as things stand."""
        ...

    def want(self, symbols: frozenset[str], now_s: float) -> Sequence[Action]:
        """Be subscribed to these symbols (the source's own quote, "BTC-USD") and to no others; none: hang up."""
        ...

    def renew(self, symbols: frozenset[str], now_s: float) -> Sequence[Action]:
        """Subscribe anew to those of these symbols that are subscribed to: they are silent though the stream lives."""
        ...

    def allow(self, is_allowed: bool, now_s: float) -> Sequence[Action]:
        """Whether a connection may exist at all: false hangs up at once. A machine begins allowed."""
        ...

    def connected(self, now_s: float) -> Sequence[Action]:
        """The socket is open."""
        ...

    def not_connected(self, status: int | None, reason: str, now_s: float) -> Sequence[Action]:
        """The socket did not open. `status`: HTTP's, where there was an answer."""
        ...

    def received(self, message: str | bytes, now_s: float) -> Sequence[Action]:
        """One whole message came."""
        ...

    def alive(self, now_s: float) -> Sequence[Action]:
        """The transport answered a ping, or sent one."""
        ...

    def disconnected(self, code: int | None, reason: str, now_s: float) -> Sequence[Action]:
        """The socket is closed, by whomever. `code`: of the close frame; None where there was none."""
        ...

    def tick(self, now_s: float) -> Sequence[Action]:
        """Time has passed."""
        ...
