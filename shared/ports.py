"""What the inside needs from the outside, as protocols. Adapters implement them; composition roots choose."""

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.bars import Bar, Span
from shared.domain.events import Event
from shared.domain.feed_records import FeedSwitch, QuarantinedBar
from shared.domain.lease import Lease
from shared.domain.mark_price import MarkPrice
from shared.domain.shipping import JournalBatch, Shipped
from shared.domain.stored import (
    Heartbeat,
    OpenPosition,
    StoredCandle,
    StoredCounts,
    StoredSignal,
    StrategyPnl,
    Timeframe,
)


class Journal(Protocol):
    """The append-only record of one bot's events. Reading gives them in the order they were appended."""

    def append(self, event: Event) -> None:
        """Record an event durably before returning.

        Raises:
            JournalError: It could not be recorded.
        """
        ...

    def read(self, run_id: str) -> Iterator[Event]:
        """The events of one run, oldest first."""
        ...

    def runs(self) -> list[str]:
        """Ids of the runs recorded, oldest first."""
        ...

    def close(self) -> None:
        """Let go of the underlying file."""
        ...


class JournalError(Exception):
    """The journal cannot be read or written."""


class Store(Protocol):
    """Where the sidecar keeps things for long: Postgres, by a direct connection or by its API.

    Every method raises StoreUnavailable where trying again later may help, and StoreError where it will not. Reads give
    everything asked for, however many rows: an API's cap on rows is never taken for the end.
    """

    async def cursor(self, journal_id: str) -> int:
        """Number of the last event shipped of a journal; 0 for one never seen."""
        ...

    async def ship(self, batch: JournalBatch) -> Shipped:
        """Make a batch rows and move the cursor, in one transaction. At most `batch_limit` events.

        A batch that does not follow the cursor changes nothing; the answer names the cursor. So sending again after a lost
        acknowledgement is safe.
        """
        ...

    @property
    def batch_limit(self) -> int:
        """Events a batch may hold."""
        ...

    async def put_candles(self, candles: Sequence[StoredCandle]) -> None:
        """Write closed candles; one that is there already is replaced. Partitions are made where they are missing.

        Two sources of one symbol are two series. Each candle has a revision, 0 at first: it grows where the values of one
        that is there change, and nowhere else, so that sending again changes nothing.
        """
        ...

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Record a service's sign of life."""
        ...

    async def last_candles(self, symbol: str, timeframe: Timeframe, count: int, source: str) -> list[StoredCandle]:
        """The newest candles of one source in the live tables, ascending: never two sources spliced."""
        ...

    async def last_opened(self, source: str, timeframe: Timeframe) -> Mapping[str, datetime]:
        """OPEN of the newest candle in the live tables, by symbol of a source."""
        ...

    async def record_switch(self, switch: FeedSwitch) -> None:
        """Record a change of source. Recording it again changes nothing."""
        ...

    async def quarantine(self, bars: Sequence[QuarantinedBar]) -> None:
        """Keep bars that could not be true, for 30 days. Recording one again changes nothing."""
        ...

    def signals(self, since: datetime, until: datetime) -> AsyncIterator[StoredSignal]:
        """Signals decided in [since, until), in order of time."""
        ...

    def open_positions(self) -> AsyncIterator[OpenPosition]:
        """Positions whose executor has not closed, oldest first."""
        ...

    async def pnl_by_strategy(self, since: datetime, until: datetime) -> list[StrategyPnl]:
        """Trades closed in [since, until), by strategy."""
        ...

    async def counts(self, run_id: str) -> StoredCounts:
        """What is stored of a run."""
        ...

    async def delete_candles(self, symbol: str, timeframe: Timeframe, since: datetime, until: datetime) -> int:
        """Delete a symbol's candles opened in [since, until), of every source; their number.

        There is no delete without bounds.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class StoreError(Exception):
    """The store cannot be reached, read or written. The message is one sentence."""


class StoreUnavailable(StoreError):
    """The store cannot be reached just now; trying again later may help."""


class ValuesRefused(StoreError):
    """The store does not take these values, whenever they come; it would take others."""


class Leases(Protocol):
    """Rights of which the store lets one holder have each at a time, by the store's own clock.

    Every method raises as those of Store do. A request may have worked though it failed here.
    """

    async def acquire(self, account: str, holder: str, ttl_s: float) -> Lease | None:
        """Have the lease for `ttl_s` from now, unless another holder's runs still: then None.

        Each success has a greater token than every one before, also where the holder had it already: of two leases of one
        holder only the newer one can be renewed.
        """
        ...

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        """Have it for `ttl_s` from now; False where it ran out, or was acquired again."""
        ...

    async def release(self, lease: Lease) -> None:
        """Let another one have it at once. What is not held any more is left alone."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class BarHistory(Protocol):
    """Closed bars a source had, on request."""

    @property
    def source(self) -> str:
        """Who reports them, e.g. "binance"."""
        ...

    async def bars(self, symbol: str, timeframe: Timeframe, span: Span) -> list[Bar]:
        """All closed bars opened in the span, ascending, whatever pages it takes.

        What is not in the answer the source never had: nothing was traded. An answer that may be cut short is an error.

        Args:
            symbol: In the source's own quote, e.g. "BTC-USD".
            timeframe: Their length.
            span: In whole bars; over by now, by the source's clock.

        Raises:
            FeedUnavailable: Not now.
            FeedRefused: Not at all.
        """
        ...

    async def server_time_ms(self) -> int:
        """The source's clock, UTC epoch milliseconds.

        Raises:
            FeedUnavailable, FeedRefused: As above.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class PriceSource(Protocol):
    """Prices of now, from a source that has no bars worth the name."""

    @property
    def source(self) -> str:
        """Who reports them, e.g. "coingecko"."""
        ...

    async def prices(self, pairs: Collection[str]) -> Mapping[str, MarkPrice]:
        """The price of each pair, in that pair's own quote. Pairs the source has none for are left out.

        Args:
            pairs: As a bot trades them, e.g. "BTC-USDT".

        Raises:
            FeedUnavailable: Not now.
            FeedRefused: Not at all.
        """
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class FeedError(Exception):
    """A source of prices does not answer as asked. The message is one sentence."""


class FeedUnavailable(FeedError):
    """Trying again later may help.

    Attributes:
        retry_after_s: What the source asks to wait; None where it does not say.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class FeedRefused(FeedError):
    """Trying again changes nothing until a person does something: a wrong key, a plan without it, a blocked country."""


class FeedClosed(FeedRefused):
    """The source refuses whatever is asked of it: a wrong key, a blocked country."""


class UnknownSymbol(FeedRefused):
    """The source has no such symbol; others it may have."""
