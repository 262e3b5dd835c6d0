"""What the inside needs from the outside, as protocols. Adapters implement them; composition roots choose."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from shared.domain.events import Event
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
        """Write closed candles; one that is there already is replaced. Partitions are made where they are missing."""
        ...

    async def beat(self, heartbeat: Heartbeat) -> None:
        """Record a service's sign of life."""
        ...

    async def last_candles(self, symbol: str, timeframe: Timeframe, count: int) -> list[StoredCandle]:
        """The newest candles in the live tables, ascending."""
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
        """Delete a symbol's candles opened in [since, until); their number. There is no delete without bounds."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class StoreError(Exception):
    """The store cannot be reached, read or written. The message is one sentence."""


class StoreUnavailable(StoreError):
    """The store cannot be reached just now; trying again later may help."""
