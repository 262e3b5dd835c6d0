"""How the feeds are, at one moment: what health, metrics and alerts are told."""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """What may rest on a pair's candles."""

    LIVE = "live"
    DEGRADED = "degraded"  # a price to check against is all there is: no new entries
    STALE = "stale"  # not even that: no new entries


@dataclass(frozen=True)
class SourceStatus:
    """One source.

    Attributes:
        source: E.g. "polygon".
        link: Where its stream stands (`shared.wire.stream.Link`); "rest" where it has none.
        cause: Why it stands there, one sentence; empty where all is well.
        is_in_use: Pairs are served from it.
        is_fit: Its canary is on time: pairs could be.
        newest_close_ms: End of the newest bar it reported, UTC epoch milliseconds; None before the first.
        connections_last_minute: Connections opened within the last 60 s.
        reconnections: Connections opened after the first, since the sidecar began.
        malformed: Records that could not be read.
        quarantined: Bars that could not be true.
        clock_skew_ms: Its clock less this machine's; None where not measured.
    """

    source: str
    link: str
    cause: str
    is_in_use: bool
    is_fit: bool
    newest_close_ms: int | None
    connections_last_minute: int
    reconnections: int
    malformed: int
    quarantined: int
    clock_skew_ms: float | None


@dataclass(frozen=True)
class PairStatus:
    """One pair as the bot trades it.

    Attributes:
        pair: E.g. "BTC-USDT".
        mode: What may rest on its candles.
        source: Where they come from now; None where from nowhere.
        symbol: In that source's own quote, e.g. "BTC-USD".
        age_s: Since its newest final bar was over; None before the first.
        missing: Bars known to be missing and not fetched yet.
        empty: Minutes verified to be without a trade.
        revised: Bars a source changed after they were final.
        mismatches: Built bars that differ from the source's own.
    """

    pair: str
    mode: Mode
    source: str | None
    symbol: str | None
    age_s: float | None
    missing: int
    empty: int
    revised: int
    mismatches: int


@dataclass(frozen=True)
class FeedStatus:
    """All of it.

    Attributes:
        outbox_waiting: Bars on their way to the store.
        switches: Changes of source since the sidecar began.
        shed: Pairs that get fewer or longer bars because limits bite.
    """

    sources: tuple[SourceStatus, ...]
    pairs: tuple[PairStatus, ...]
    outbox_waiting: int
    switches: int
    shed: int
