"""What health is judged by: facts of one moment, gathered by the sidecar. Rules: `health_rules`, `feed_health`."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.domain.feed_status import FeedStatus
from shared.domain.stored import ServiceState


@dataclass(frozen=True)
class Unknown:
    """What could not be found out. `reason`: why, one sentence."""

    reason: str


@dataclass(frozen=True)
class ServiceFacts:
    """A service of the sidecar.

    Attributes:
        name: Its name.
        state: How it is.
        trouble: Why it is not running, one sentence; None where it is.
        since_s: For how long it has been in its state.
        stopped_in_phase: The phase it does not run in, while the home is in that.
        defects: Defects since the sidecar began.
    """

    name: str
    state: ServiceState
    trouble: str | None
    since_s: float
    stopped_in_phase: int | None
    defects: int


@dataclass(frozen=True)
class JournalLag:
    """How far the store is behind the journal.

    Attributes:
        waiting: Events not shipped yet.
        behind_s: Seconds since nothing waited.
    """

    waiting: int
    behind_s: float


@dataclass(frozen=True)
class Activity:
    """What the bot did in the last 24 hours, from its journal.

    Attributes:
        candles, unevaluated: Candles its rules looked at, and candles that closed and could not be looked at.
        signals, taken: Signals, and those among them that were taken.
        refused: Refused signals by reason.
        orders: Orders placed.
        failed: Orders that failed, by the venue's code.
        fills: Fills.
        trades: Executors closed that had fills.
        newest_age_s: Age of the newest event; None where there is none.
    """

    candles: int
    unevaluated: int
    signals: int
    taken: int
    refused: Mapping[str, int]
    orders: int
    failed: Mapping[str, int]
    fills: int
    trades: int
    newest_age_s: float | None


@dataclass(frozen=True)
class Space:
    """Room and what is taken of it: of a database or a disk, bytes."""

    used_bytes: int
    limit_bytes: int

    @property
    def used(self) -> float:
        """Share that is taken, 0 to 1 and beyond."""
        return self.used_bytes / self.limit_bytes if self.limit_bytes else 1.0


@dataclass(frozen=True)
class ProcessUse:
    """What the sidecar's process uses.

    Attributes:
        cpu: Of one core, since the last look: 0.25 is a quarter.
        rss_bytes: Memory.
        open_files, open_files_limit: Files and sockets.
    """

    cpu: float
    rss_bytes: int
    open_files: int
    open_files_limit: int


@dataclass(frozen=True)
class Facts:
    """All of it.

    Attributes:
        uptime_s: Since the sidecar began.
        phase: The home's; None where not known yet.
        services: Of the sidecar.
        feeds: None where this home fetches no prices.
        stale_after_s: Age at which a pair's newest candle is stale.
        lag: None where this home ships no journal.
        activity: None where there is no journal yet.
        database: Size against the configured limit; None where nothing but an API is known of it.
        disk: Of the home's disk.
        process: The sidecar's.
        errors: Of the last hour, by kind.
    """

    uptime_s: float
    phase: int | None
    services: tuple[ServiceFacts, ...]
    feeds: FeedStatus | None
    stale_after_s: float
    lag: JournalLag | None
    activity: Activity | Unknown | None
    database: Space | Unknown | None
    disk: Space
    process: ProcessUse
    errors: Mapping[str, int]
