"""Who listens to what: stream names such as `btcusdt@kline_1m`, and the clients subscribed to each."""

from dataclasses import dataclass, field
from typing import Protocol

from shared.simulator.binance_messages import INTERVALS_S

_PLAIN_KINDS = frozenset({"trade", "aggTrade", "bookTicker"})
_DEPTH_SPEEDS = frozenset({"", "100ms", "250ms", "500ms", "1000ms"})
_MARK_SPEEDS = frozenset({"", "1s"})


class Client(Protocol):
    """Whoever can be sent websocket frames without waiting."""

    def send(self, frames: bytes) -> None:
        """Take whole frames."""


class KlineListener(Protocol):
    """Whoever is told candles as events, to make frames of them itself."""

    def kline(self, stream: "Stream", text: str, open_ms: int, closed: bool) -> None:
        """Take one event of a kline stream: its JSON, the candle's open, and whether this is its last word."""


@dataclass(eq=False)
class Stream:
    """One stream name and its listeners.

    Attributes:
        name: As subscribed, `btcusdt@depth@100ms`.
        kind: What is published: `trade`, `aggTrade`, `bookTicker`, `depth`, `markPrice` or `kline`.
        interval: Of a kline stream, else empty.
        raw: Clients that get the bare event.
        combined: Clients that get it wrapped as `{"stream": name, "data": event}`.
        followers: Of a kline stream: told each event, not sent frames.
    """

    name: str
    kind: str
    interval: str = ""
    raw: set[Client] = field(default_factory=set)
    combined: set[Client] = field(default_factory=set)
    followers: set[KlineListener] = field(default_factory=set)

    @property
    def is_heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self.raw or self.combined or self.followers)

    def wrap(self, text: str) -> str:
        """The event as a combined connection gets it."""
        return f'{{"stream":"{self.name}","data":{text}}}'


def symbol_of(name: str) -> str:
    """The symbol a stream name is about, in upper case; empty if it has none."""
    symbol, separator, _ = name.partition("@")
    return symbol.upper() if separator else ""


def parse_stream(name: str, perpetual: bool, step_s: int) -> Stream | None:
    """What a stream name asks for; None if the venue does not publish it (Binance acknowledges and stays silent)."""
    _, _, rest = name.partition("@")
    kind, _, speed = rest.partition("@")
    if kind in _PLAIN_KINDS and not speed:
        return Stream(name, kind)
    if kind == "depth" and speed in _DEPTH_SPEEDS:
        return Stream(name, kind)
    if kind == "markPrice" and perpetual and speed in _MARK_SPEEDS:
        return Stream(name, kind)
    interval = kind.removeprefix("kline_")
    if interval != kind and not speed and INTERVALS_S.get(interval, 1) % step_s == 0 and interval in INTERVALS_S:
        return Stream(name, "kline", interval)
    return None
