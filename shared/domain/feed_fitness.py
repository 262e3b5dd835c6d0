"""Whether a new position may rest on the candles the sidecar serves.

What is open is not asked for here: an executor watches its barriers on the venue's own prices, and a candle that is old can
still tell a rule to get out.
"""

from dataclasses import dataclass

from shared.domain.feed_status import Mode
from shared.domain.signals import Refusal

_MINUTE_S = 60


@dataclass(frozen=True)
class FeedSight:
    """What the bot knows of one subscription's candles, at one moment.

    Attributes:
        mode: What the sidecar said last.
        stale_after_s: Seconds a one-minute candle may be over.
        interval_s: Length of a candle.
        last_close_ms: End of the newest, UTC epoch milliseconds; None where there is none.
        silent_s: Seconds since the sidecar was heard.
    """

    mode: Mode
    stale_after_s: int
    interval_s: int
    last_close_ms: int | None
    silent_s: float


def refuse_by_feed(sight: FeedSight, now_ms: int) -> Refusal | None:
    """Name what forbids a new position, or None.

    A longer candle may be older by as much as it is longer than a minute: until then no newer one is due. The sidecar may have
    been silent for `stale_after_s` at most, whatever the length.

    Returns:
        FEED_STALE where the sidecar says so, is silent, or the newest candle is too old; else FEED_DEGRADED where the sidecar
        says that.
    """
    oldest_s = sight.stale_after_s + sight.interval_s - _MINUTE_S
    if (
        sight.mode is Mode.STALE
        or sight.silent_s > sight.stale_after_s
        or sight.last_close_ms is None
        or now_ms - sight.last_close_ms > oldest_s * 1000
    ):
        return Refusal.FEED_STALE
    return Refusal.FEED_DEGRADED if sight.mode is Mode.DEGRADED else None
