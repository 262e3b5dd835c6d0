"""Candles on their way to the store, as an SQLite file (WAL): none is lost while the store is away or the sidecar is killed."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from shared.domain.stored import StoredCandle, Timeframe
from shared.ports import StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS candles (
    -- Never given twice: a candle that comes anew gets a number after all that are on their way.
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    source         TEXT NOT NULL,
    symbol         TEXT NOT NULL,
    timeframe      TEXT NOT NULL,
    opened_ms      INTEGER NOT NULL,
    open           TEXT NOT NULL,
    high           TEXT NOT NULL,
    low            TEXT NOT NULL,
    close          TEXT NOT NULL,
    volume         TEXT NOT NULL,
    quote_currency TEXT NOT NULL,
    -- The time first: what comes lies side by side, and a file of many candles is no slower.
    UNIQUE (opened_ms, symbol, timeframe, source)
) STRICT;
-- How far each series came, whether its candles still wait here or not.
CREATE TABLE IF NOT EXISTS reach (
    source    TEXT NOT NULL,
    symbol    TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    PRIMARY KEY (source, symbol, timeframe)
) STRICT, WITHOUT ROWID;
"""
# The columns in the order of StoredCandle's fields: tens of thousands a second pass here.
_COLUMNS = "symbol, timeframe, opened_ms, open, high, low, close, volume, source, quote_currency"
_APPEND = f"INSERT OR REPLACE INTO candles ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NEXT = f"SELECT {_COLUMNS}, seq FROM candles ORDER BY seq LIMIT ?"
_REACH = """
INSERT INTO reach (source, symbol, timeframe, opened_ms) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET opened_ms = max(opened_ms, excluded.opened_ms)
"""
_TIMEFRAMES = {timeframe.value: timeframe for timeframe in Timeframe}


class OutboxError(StoreError):
    """The file cannot be opened, read or written."""


@dataclass(frozen=True)
class CandleBatch:
    """The candles that have waited longest, in the order they came.

    Attributes:
        candles: At most one of each key.
        first_seq: Number of the first of them in the outbox.
        last_seq: Of the last.
    """

    candles: tuple[StoredCandle, ...]
    first_seq: int
    last_seq: int

    def __len__(self) -> int:
        return len(self.candles)


class CandleOutbox:
    """A queue of candles: of two with one source, symbol, timeframe and OPEN the newer one takes the older one's place.

    synchronous=NORMAL with WAL, as the journal has it: a crash of the process loses nothing, a power cut at most the newest
    candles, and those the source still has. Methods block for as long as the file takes; none waits for a network.

    Args:
        path: The file; made with its folder if absent. One process has it.

    Raises:
        OutboxError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._one_sentence("opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)

    @property
    def waiting(self) -> int:
        """Candles in it.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._one_sentence("read"):
            (count,) = self._db.execute("SELECT count(*) FROM candles").fetchone()
            return int(count)

    def append(self, candles: Sequence[StoredCandle]) -> None:
        """Keep candles durably, all or none.

        Raises:
            OutboxError: The file cannot be written.
        """
        with self._one_sentence("written"):
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:  # commits, or takes it back
                self._db.executemany(_APPEND, map(_row, candles))
                self._db.executemany(_REACH, _newest(candles))

    def last_good(self, source: str, symbol: str) -> dict[Timeframe, int]:
        """OPEN of the newest candle ever appended of a series, by timeframe, UTC epoch milliseconds.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._one_sentence("read"):
            rows = self._db.execute(
                "SELECT timeframe, opened_ms FROM reach WHERE source = ? AND symbol = ?", (source, symbol)
            )
            return {Timeframe(timeframe): opened_ms for timeframe, opened_ms in rows}

    def next(self, limit: int) -> CandleBatch | None:
        """At most so many candles; None where none waits. They stay until `done`.

        Raises:
            OutboxError: The file cannot be read.
        """
        with self._one_sentence("read"):
            rows = self._db.execute(_NEXT, (limit,)).fetchall()
            if not rows:
                return None
            return CandleBatch(tuple(_candle(*row) for row in rows), rows[0][-1], rows[-1][-1])

    def done(self, batch: CandleBatch) -> None:
        """Forget a batch that is stored. A candle of it that came anew meanwhile stays.

        Raises:
            OutboxError: The file cannot be written.
        """
        with self._one_sentence("written"):
            self._db.execute("DELETE FROM candles WHERE seq BETWEEN ? AND ?", (batch.first_seq, batch.last_seq))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @contextmanager
    def _one_sentence(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise OutboxError(f"{self.path}: candles on their way cannot be {what}: {error}") from error


def _newest(candles: Iterable[StoredCandle]) -> Iterator[tuple[str, str, str, int]]:
    """Source, symbol, timeframe and OPEN of the newest candle of each series."""
    newest: dict[tuple[str, str, Timeframe], datetime] = {}
    for candle in candles:
        series = (candle.source, candle.symbol, candle.timeframe)
        newest[series] = max(candle.opened_at, newest.get(series, candle.opened_at))
    for (source, symbol, timeframe), opened_at in newest.items():
        yield source, symbol, timeframe.value, _ms(opened_at)


def _ms(opened_at: datetime) -> int:
    return round(opened_at.timestamp() * 1000)


def _row(candle: StoredCandle) -> tuple[str | int, ...]:
    return (
        candle.symbol,
        candle.timeframe.value,
        _ms(candle.opened_at),
        str(candle.open),
        str(candle.high),
        str(candle.low),
        str(candle.close),
        str(candle.volume),
        candle.source,
        candle.quote_currency,
    )


def _candle(symbol: str, timeframe: str, opened_ms: int, *row: str) -> StoredCandle:
    open_, high, low, close, volume, source, quote_currency, _ = row
    opened_at = datetime.fromtimestamp(opened_ms / 1000, UTC)
    prices = (Decimal(open_), Decimal(high), Decimal(low), Decimal(close), Decimal(volume))
    return StoredCandle(symbol, _TIMEFRAMES[timeframe], opened_at, *prices, source, quote_currency)
