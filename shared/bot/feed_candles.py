"""`candles_connector: recovery_feed`: candles from the sidecar, in Hummingbot's own shape, in any controller.

Hummingbot's candle feeds end with the candle in progress, take a gap for ready and forget everything when a connection is
lost. This one has closed candles only, never a gap, and keeps what it has: whether a new position may rest on it is
`RecoveryFeed.refusal`.
"""

import time
from typing import Any

import numpy as np
import pandas as pd
from hummingbot.core.network_base import NetworkStatus
from hummingbot.data_feed.candles_feed.candles_base import CandlesBase
from hummingbot.data_feed.candles_feed.candles_factory import CandlesFactory
from hummingbot.data_feed.candles_feed.data_types import CandlesConfig, HistoricalCandlesConfig

from shared.bot.feed_link import FeedLink
from shared.bot.feed_request import fetch_window
from shared.domain.feed_fitness import FeedSight, refuse_by_feed
from shared.domain.longer_candles import lengthen
from shared.domain.signals import Refusal
from shared.domain.stored import Timeframe
from shared.wire.feed_messages import MAX_CANDLES, FeedProtocolError, Subscription
from shared.wire.feed_view import FeedRows, FeedView, rows_of

NAME = "recovery_feed"
"""What candles_connector says."""

_DAY_S = 86_400
_SERVED_S = {interval.seconds: interval for interval in Timeframe}
INTERVALS_S = {
    name: seconds
    for name, seconds in CandlesBase.interval_to_seconds.items()
    if seconds <= _DAY_S and _DAY_S % seconds == 0 and seconds % min(_SERVED_S) == 0
}
"""Lengths a controller may ask for, in seconds: those the sidecar serves, and what whole ones of them add up to."""


class RecoveryFeed(CandlesBase):
    """One pair's candles from the sidecar.

    Args:
        trading_pair: As the bot trades it, e.g. "BTC-USDT".
        interval: One of INTERVALS_S.
        max_records: Candles to hold, at most `most_records(interval)`.

    Attributes:
        view: What the sidecar has served.
        link: The connection that keeps it; None while the feed is not started.

    Raises:
        FeedProtocolError: There are no such candles.
    """

    def __init__(self, trading_pair: str, interval: str = "1m", max_records: int = 150) -> None:
        if interval not in INTERVALS_S:
            raise FeedProtocolError(f"interval = {interval}: must be one of {', '.join(INTERVALS_S)} with {NAME}")
        if not 1 <= max_records <= most_records(interval):
            raise FeedProtocolError(
                f"max_records = {max_records}: must be 1 to {most_records(interval)} with {NAME} and interval = {interval}"
            )
        served, self._parts = _served(interval)
        # The newest of the longer candles may still lack all parts but one.
        self.view = FeedView(Subscription(trading_pair, served, (max_records + 1) * self._parts - 1))
        self.link: FeedLink | None = None
        super().__init__(trading_pair, interval, max_records)

    # What a controller asks.

    @property
    def candles_df(self) -> pd.DataFrame:
        """Closed candles, ascending, without a gap; `timestamp` is their OPEN in UTC epoch seconds."""
        return self._frame(self.view.rows).iloc[-self.max_records :]

    def _frame(self, rows: FeedRows) -> pd.DataFrame:
        known = lengthen(rows, self.view.subscription.interval.seconds, INTERVALS_S[self.interval])
        # Hummingbot's other columns are unknown here. Its own feeds have 0 there where a venue does not report them.
        values = np.zeros((len(known), len(self.columns)))
        values[:, : known.shape[1]] = known
        return pd.DataFrame(values, columns=self.columns)

    @property
    def ready(self) -> bool:
        """Whether its first candles have come, however few; a subscription the sidecar refuses holds nobody else up.

        Hummingbot lets no controller act while one feed of the process is not ready. So it stays ready when it is stale.
        """
        return len(self.view) >= 2 * self._parts - 1 or bool(self.view.refusal)

    @property
    def quote(self) -> str | None:
        """What its prices are in, which need not be the pair's quote; None while there are no candles."""
        return self.view.quote

    def refusal(self) -> Refusal | None:
        """Why no new position may rest on it now, or None."""
        if self.link is None or self.view.stale_after_s is None:
            return Refusal.FEED_STALE
        sight = FeedSight(
            mode=self.view.mode,
            stale_after_s=self.view.stale_after_s,
            interval_s=self.view.subscription.interval.seconds,
            last_close_ms=self.view.last_close_ms,
            silent_s=self.link.silent_s(),
        )
        return refuse_by_feed(sight, int(time.time() * 1000))

    # What Hummingbot's network loop asks.

    async def check_network(self) -> NetworkStatus:
        """Always there: the link reconnects by itself, and sooner than this is asked."""
        return NetworkStatus.CONNECTED

    async def start_network(self) -> None:
        if self.link is None:
            self.link = FeedLink.of_this_process()
            self.link.join(self.view)

    async def stop_network(self) -> None:
        link, self.link = self.link, None
        if link is not None:
            await link.leave(self.view)

    async def get_historical_candles(self, config: HistoricalCandlesConfig) -> pd.DataFrame:
        """The candles opened from `start_time` to `end_time`, UTC epoch seconds, as `candles_df` has them.

        The sidecar holds the newest ones, `most_records` of them at least. What goes farther back is refused, not cut short.

        Raises:
            FeedUnavailable, FeedRefused: The sidecar does not answer, or not with candles.
            FeedHistoryError: It does not go back so far.
        """
        window = await fetch_window(Subscription(self._trading_pair, self.view.subscription.interval, MAX_CANDLES))
        frame = self._frame(rows_of(window.candles))
        asked = frame[(frame["timestamp"] >= config.start_time) & (frame["timestamp"] <= config.end_time)]
        oldest_s = None if frame.empty else int(frame["timestamp"].iloc[0])
        if oldest_s is None or oldest_s >= config.start_time + self.interval_in_seconds:
            raise FeedHistoryError(
                f"{NAME}: {self._trading_pair} {self.interval} since {config.start_time} was asked for; the sidecar has it "
                f"since {oldest_s}"
            )
        return asked.reset_index(drop=True)

    # What Hummingbot's base class asks while it is made; nothing of its own networking is used.

    @property
    def name(self) -> str:
        return NAME

    @property
    def intervals(self) -> dict[str, str]:
        return {interval: interval for interval in INTERVALS_S}

    @property
    def rate_limits(self) -> list[Any]:
        return []

    def get_exchange_trading_pair(self, trading_pair: str) -> str:
        return trading_pair


class FeedHistoryError(ValueError):
    """The sidecar has no candles of so long ago. The message is one sentence."""


def _served(interval: str) -> tuple[Timeframe, int]:
    """The longest candle the sidecar serves that a candle of this length is made of, and how many it takes."""
    served_s = max(seconds for seconds in _SERVED_S if INTERVALS_S[interval] % seconds == 0)
    return _SERVED_S[served_s], INTERVALS_S[interval] // served_s


def most_records(interval: str) -> int:
    """Candles of one of INTERVALS_S a feed can hold."""
    return (MAX_CANDLES + 1) // _served(interval)[1] - 1


def serves(connector: str) -> bool:
    """Whether a candles connector is the sidecar, by whatever name Hummingbot knows it."""
    return CandlesFactory._candles_map.get(connector) is RecoveryFeed


def feed_of(provider: Any, config: CandlesConfig) -> RecoveryFeed | None:
    """The feed a controller reads, where it is the sidecar's.

    Args:
        provider: Hummingbot's MarketDataProvider.
        config: The candles.
    """
    return provider.get_candles_feed(config) if serves(config.connector) else None


# Known as soon as anything asks whether a name is: a strategy file is read before a bot is there.
CandlesFactory._candles_map[NAME] = RecoveryFeed
