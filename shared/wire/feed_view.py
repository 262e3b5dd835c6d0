"""One subscription as the bot has it: the newest window, carried on by each candle that closes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.domain.feed_status import Mode
from shared.wire.feed_messages import FeedCandle, FeedClose, FeedProtocolError, FeedWindow, Subscription

FeedRows = NDArray[np.float64]
"""Open in UTC epoch seconds; open, high, low and close in quote per base; volume in base; shape (n, 6)."""

_COLUMNS = 6


class FeedView:
    """The candles of one subscription, and what may rest on them.

    What it has stays until other candles come, whether the connection is lost or a sidecar has begun that has none yet: a rule
    that wants out may still read them. Whether they are too old is asked of the newest.

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
        self._void: FeedWindow | None = None
        # Its candles are copied at every look of every controller: out of one block, not one by one.
        self._room = np.zeros((subscription.limit, _COLUMNS))
        self._count = 0

    @property
    def rows(self) -> FeedRows:
        """Closed candles, ascending, without a hole, of one source; at most as many as were asked for."""
        return self._room[: self._count].copy()

    @property
    def has_window(self) -> bool:
        """Whether one has come, be it without candles."""
        return self._generation is not None

    def __len__(self) -> int:
        return self._count

    @property
    def last_close_ms(self) -> int | None:
        """End of the newest one, UTC epoch milliseconds."""
        return (self._last_open_s + self._step_s) * 1000 if self._count else None

    @property
    def _last_open_s(self) -> int:
        return int(self._room[self._count - 1, 0])

    @property
    def _step_s(self) -> int:
        return self.subscription.interval.seconds

    def take_window(self, window: FeedWindow) -> None:
        """Begin anew with these candles, whatever there was; where there are none yet, when the first one comes."""
        self.mode, self.reason = window.mode, window.reason
        self.stale_after_s = window.stale_after_s
        self.refusal = ""
        self._generation = window.generation
        self._void = None if window.candles else window
        if window.candles or not self._count:
            self.source, self.quote = window.source, window.quote
            newest = rows_of(window.candles[-len(self._room) :])
            self._count = len(newest)
            self._room[: self._count] = newest

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
        if self._void is not None:
            self.source, self.quote = self._void.source, self._void.quote
            self._void, self._count = None, 0
        (row,) = rows_of((close.candle,))
        place = self._count
        if self._count:
            place += (close.candle.open_ms // 1000 - self._last_open_s) // self._step_s - 1
        if place > self._count:
            raise FeedProtocolError(
                f"{close.pair} {close.interval}: the candle of {close.candle.open_ms} does not follow the one before it"
            )
        if place == self._count:
            self._append(row)
        elif place >= 0:
            self._room[place] = row

    def _append(self, row: FeedRows) -> None:
        if self._count == len(self._room):
            self._room[:-1] = self._room[1:]
            self._count -= 1
        self._room[self._count] = row
        self._count += 1

    def take_mode(self, mode: Mode, reason: str) -> None:
        """The sidecar says what may rest on the pair's candles."""
        self.mode, self.reason = mode, reason

    def take_refusal(self, reason: str) -> None:
        """The sidecar will not serve it."""
        self.mode, self.reason, self.refusal = Mode.STALE, reason, reason


def rows_of(candles: Sequence[FeedCandle]) -> FeedRows:
    """Candles as strategies see them."""
    rows = np.empty((len(candles), _COLUMNS))
    for place, candle in enumerate(candles):
        rows[place, 0] = candle.open_ms // 1000
        rows[place, 1:] = candle.open, candle.high, candle.low, candle.close, candle.volume
    return rows
