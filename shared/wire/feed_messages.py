"""What the sidecar and the bot tell each other about candles, as records; `feed_protocol` has them as JSON.

On the stream the bot says which candles it wants, all of them each time: what is not in the newest list has ended. The sidecar
answers each new or changed one with a `FeedWindow` or a `FeedRefusal`, and from then on tells each candle that has closed.
Candles are closed ones only, ascending, without a hole. A window is of one source in one quote: when that changes, or what is
deep in the past does, there is a new window with the next generation, and the old one is void.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe

MAX_CANDLES = 1500
"""Candles of the longest window."""

# Beyond it lies no market, but floats that overflow in a strategy.
_BOUND = Decimal("1e30")
_PAIR = re.compile(r"[A-Z0-9]{1,20}-[A-Z0-9]{1,20}")


class FeedProtocolError(ValueError):
    """What the other side said is not in this protocol. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class FeedCandle:
    """A closed candle.

    Attributes:
        open_ms: Its OPEN, UTC epoch milliseconds.
        open: Quote per base, as are high, low and close.
        volume: In base; 0 in a candle without a trade, which is flat at the last close.
    """

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def __post_init__(self) -> None:
        prices = (self.open, self.high, self.low, self.close)
        if not all(price.is_finite() and 0 < price < _BOUND for price in prices):
            raise FeedProtocolError(f"the candle of {self.open_ms}: its prices must be positive and below {_BOUND}")
        if self.high < max(self.open, self.close) or self.low > min(self.open, self.close):
            raise FeedProtocolError(f"the candle of {self.open_ms}: high and low must enclose open and close")
        if not self.volume.is_finite() or not 0 <= self.volume < _BOUND:
            raise FeedProtocolError(f"the candle of {self.open_ms}: its volume must be at least 0 and below {_BOUND}")


@dataclass(frozen=True, slots=True)
class Subscription:
    """Candles the bot wants.

    Attributes:
        pair: As the bot trades it, e.g. "BTC-USDT".
        interval: Their length.
        limit: How many of the newest, 1 to MAX_CANDLES.
    """

    pair: str
    interval: Timeframe
    limit: int

    def __post_init__(self) -> None:
        if not _PAIR.fullmatch(self.pair):
            raise FeedProtocolError(f"pair = {self.pair!r:.60}: must be a trading pair such as BTC-USDT")
        if not 1 <= self.limit <= MAX_CANDLES:
            raise FeedProtocolError(f"limit = {self.limit}: must be 1 to {MAX_CANDLES}")


@dataclass(frozen=True, slots=True)
class FeedWindow:
    """All there is of one subscription.

    Attributes:
        pair: As the bot trades it.
        interval: Length of its candles.
        source: Who reported them; None where there are none yet.
        quote: What the prices are in, which need not be the pair's ("USD"); None where there are none yet.
        generation: Grows with each window of this pair and interval that replaces another; from 1.
        mode: What may rest on them.
        reason: Why the mode is not LIVE, one sentence; empty where it is.
        stale_after_s: Seconds a one-minute candle may be over before nothing new may rest on it; the bot asks for
            itself once it hears nothing more.
        candles: At most as many as were asked for.
    """

    pair: str
    interval: Timeframe
    source: str | None
    quote: str | None
    generation: int
    mode: Mode
    reason: str
    stale_after_s: int
    candles: tuple[FeedCandle, ...]

    def __post_init__(self) -> None:
        opens = [candle.open_ms for candle in self.candles]
        step_ms = self.interval.seconds * 1000
        if opens and (opens[0] % step_ms or opens != list(range(opens[0], opens[0] + len(opens) * step_ms, step_ms))):
            raise FeedProtocolError(
                f"the window of {self.pair} {self.interval}: its candles must ascend by {self.interval.seconds} s"
            )


@dataclass(frozen=True, slots=True)
class FeedClose:
    """A candle has closed, or one in the window was revised.

    Attributes:
        pair: As the bot trades it.
        interval: Its length.
        generation: Of the window it belongs to.
        candle: The one after the window's last, or one that is in it.
        revision: How many values it had before; 0 for the first.
    """

    pair: str
    interval: Timeframe
    generation: int
    candle: FeedCandle
    revision: int

    def __post_init__(self) -> None:
        if self.candle.open_ms % (self.interval.seconds * 1000):
            raise FeedProtocolError(f"{self.pair} {self.interval}: no candle opens at {self.candle.open_ms}")


@dataclass(frozen=True, slots=True)
class FeedRefusal:
    """A subscription that will have no candles, and why: one sentence."""

    pair: str
    interval: Timeframe
    reason: str


@dataclass(frozen=True, slots=True)
class ModeChange:
    """What may rest on a pair's candles, whatever their interval, and why: one sentence, empty for LIVE."""

    pair: str
    mode: Mode
    reason: str


@dataclass(frozen=True, slots=True)
class FeedAlert:
    """Something a person should know."""

    text: str


@dataclass(frozen=True, slots=True)
class FeedHeartbeat:
    """The sidecar is there. `at_ms`: its clock, UTC epoch milliseconds."""

    at_ms: int


FeedMessage = FeedWindow | FeedClose | FeedRefusal | ModeChange | FeedAlert | FeedHeartbeat
