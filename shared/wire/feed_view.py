"""One subscription as the bot has it: the newest window, carried on by each candle that closes."""

from collections import deque

from shared.domain.feed_status import Mode
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedProtocolError, FeedWindow, Subscription

FeedRow = tuple[int, float, float, float, float, float]
"""Open in UTC epoch seconds; open, high, low and close in quote per base; volume in base."""


class FeedView:
    """The candles of one subscription, and what may rest on them.

    What it has stays until another window comes, a lost connection or not: whether it is too old is asked of its newest
    candle.

    Attributes:
        subscription: What it is of.
        source: Who reported the candles; None before the first window, or where there are none yet.
        quote: What their prices are in, likewise.
        mode: What the sidecar says of the pair.
        reason: Why it is not LIVE, one sentence.
        stale_after_s: Age it allows; None before the first window.
        refusal: Why there will be no candles, one sentence; empty where there will be.
    """

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.source: str | None = None
        self.quote: str | None = None
        self.mode = Mode.STALE
        self.reason = "no candles have come yet"
        self.stale_after_s: int | None = None
        self.refusal = ""
        self._generation: int | None = None
        self._rows: deque[FeedRow] = deque(maxlen=subscription.limit)

    @property
    def rows(self) -> list[FeedRow]:
        """Closed candles, ascending, without a hole, of one source; at most as many as were asked for."""
        return list(self._rows)

    @property
    def has_window(self) -> bool:
        """Whether one has come, be it without candles."""
        return self._generation is not None

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def last_close_ms(self) -> int | None:
        """End of the newest one, UTC epoch milliseconds."""
        return (self._rows[-1][0] + self._step_s) * 1000 if self._rows else None

    @property
    def _step_s(self) -> int:
        return self.subscription.interval.seconds

    def take_window(self, window: FeedWindow) -> None:
        """Begin anew with these candles, whatever there was."""
        self.source, self.quote = window.source, window.quote
        self.mode, self.reason = window.mode, window.reason
        self.stale_after_s = window.stale_after_s
        self.refusal = ""
        self._generation = window.generation
        self._rows.clear()
        self._rows.extend(map(row_of, window.candles))

    def take_close(self, close: FeedClose) -> None:
        """Carry the window on, or change a candle in it. One from before the window is let go.

        Raises:
            FeedProtocolError: It is not of this window, or candles are missing before it: a new window is needed.
        """
        if self._generation is None:
            return
        if close.generation != self._generation:
            raise FeedProtocolError(
                f"{close.pair} {close.interval}: a candle of generation {close.generation} came to a window of "
                f"{self._generation}"
            )
        row = row_of(close.candle)
        if not self._rows:
            self._rows.append(row)
            return
        place = len(self._rows) - 1 + (row[0] - self._rows[-1][0]) // self._step_s
        if place > len(self._rows):
            raise FeedProtocolError(
                f"{close.pair} {close.interval}: the candle of {close.candle.open_ms} does not follow the one before it"
            )
        if place == len(self._rows):
            self._rows.append(row)
        elif place >= 0:
            self._rows[place] = row

    def take_mode(self, mode: Mode, reason: str) -> None:
        """The sidecar says what may rest on the pair's candles."""
        self.mode, self.reason = mode, reason

    def take_refusal(self, reason: str) -> None:
        """The sidecar will not serve it."""
        self.mode, self.reason, self.refusal = Mode.STALE, reason, reason


def row_of(candle: FeedCandle) -> FeedRow:
    """A candle as strategies see it."""
    return (
        candle.open_ms // 1000,
        float(candle.open),
        float(candle.high),
        float(candle.low),
        float(candle.close),
        float(candle.volume),
    )
