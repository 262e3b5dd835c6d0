"""Records as the store gives them back. Times are aware UTC datetimes, money and amounts Decimal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.domain.signals import Side


class Timeframe(StrEnum):
    """Length of a stored candle. Each has its own retention."""

    MINUTE = "1m"
    QUARTER = "15m"
    HOUR = "1h"

    @property
    def seconds(self) -> int:
        """Its length."""
        return _SECONDS[self]


_SECONDS = {Timeframe.MINUTE: 60, Timeframe.QUARTER: 900, Timeframe.HOUR: 3600}


@dataclass(frozen=True)
class StoredCandle:
    """One closed candle with where it came from.

    Attributes:
        symbol: Trading pair, e.g. "BTC-USDT".
        timeframe: Its length.
        opened_at: OPEN of the candle.
        open: Quote per base, as are high, low and close.
        volume: In base.
        source: Who reported it, e.g. "polygon".
        quote_currency: What the prices are in: USD and USDT are different quotes.
    """

    symbol: str
    timeframe: Timeframe
    opened_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    source: str
    quote_currency: str


@dataclass(frozen=True)
class StoredSignal:
    """A signal as it was decided; `reason` is None exactly when it was taken."""

    run_id: str
    signal_id: str
    at: datetime
    strategy: str
    pair: str
    side: Side
    price: Decimal
    confidence: float
    reason: str | None


@dataclass(frozen=True)
class OpenPosition:
    """A position whose executor has not closed.

    Attributes:
        entry_base: Base filled on the side it was opened on.
        entry_quote: Quote that base cost or brought, before fees.
        net_base: Base bought minus base sold.
    """

    run_id: str
    executor_id: str
    opened_at: datetime
    strategy: str | None
    account: str
    pair: str
    side: Side
    entry_base: Decimal
    entry_quote: Decimal
    net_base: Decimal
    fees_quote: Decimal


@dataclass(frozen=True)
class StrategyPnl:
    """Closed trades of one strategy in a period, PnL after fees in quote."""

    strategy: str
    trades: int
    wins: int
    pnl_quote: Decimal
    fees_quote: Decimal


@dataclass(frozen=True)
class StoredCounts:
    """What the store holds of one run. `dead`: events that are dead letters."""

    signals: int
    orders: int
    fills: int
    trades: int
    dead: int


class ServiceState(StrEnum):
    """How a service of the sidecar is."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    DEGRADED = "degraded"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Heartbeat:
    """A service's sign of life.

    Attributes:
        home: The home it serves.
        service: Its name, e.g. "shipping".
        started_at: When its process began.
        state: How it is.
        detail: Figures for people, e.g. how far it lags.
    """

    home: str
    service: str
    started_at: datetime
    state: ServiceState
    detail: Mapping[str, Any] = field(default_factory=dict)
