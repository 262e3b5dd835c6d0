"""The store by a direct connection: bulk statements, one transaction each."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

import asyncpg

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import lazy_pool, one_sentence
from shared.adapters.quarantine_rows import quarantine_rows
from shared.adapters.storable_text import storable
from shared.domain.feed_records import FeedSwitch, QuarantinedBar
from shared.domain.shipping import EVENT_KINDS, JournalBatch, Shipped
from shared.domain.signals import Side
from shared.domain.stored import (
    Heartbeat,
    OpenPosition,
    StoredCandle,
    StoredCounts,
    StoredSignal,
    StrategyPnl,
    Timeframe,
)

_SHIP = "SELECT last_seq, shipped, dead FROM ship_journal($1, $2, $3, $4, $5, $6, $7)"
_PUT_CANDLES = """
INSERT INTO ohlc_data AS old (symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency)
-- The last of those with one key: an upsert may not touch a row twice.
SELECT DISTINCT ON (symbol, timeframe, source, "timestamp")
    symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency
-- Columns come as the text of an array: that is ten times less work for the client than value by value.
FROM unnest($1::text::text[], $2::text::text[], $3::timestamptz[], $4::text::numeric[], $5::text::numeric[],
    $6::text::numeric[], $7::text::numeric[], $8::text::numeric[], $9::text::text[], $10::text::text[])
    WITH ORDINALITY AS c (symbol, timeframe, "timestamp", open, high, low, close, volume, source, quote_currency, place)
ORDER BY symbol, timeframe, source, "timestamp", place DESC
ON CONFLICT (symbol, timeframe, source, "timestamp") DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
    quote_currency = excluded.quote_currency, revision = old.revision + 1
-- What is sent again is no revision.
WHERE (old.open, old.high, old.low, old.close, old.volume, old.quote_currency)
    IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.quote_currency)
"""
_BEAT = """
INSERT INTO service_heartbeat (home, service, started_at, beat_at, state, detail)
VALUES ($1, $2, $3, clock_timestamp(), $4, $5)
ON CONFLICT (home, service) DO UPDATE SET
    started_at = excluded.started_at, beat_at = excluded.beat_at, state = excluded.state, detail = excluded.detail
"""
_LAST_CANDLES = """
SELECT symbol, timeframe, "timestamp" AS opened_at, open, high, low, close, volume, source, quote_currency
FROM ohlc_data WHERE symbol = $1 AND timeframe = $2 AND source = $3 ORDER BY "timestamp" DESC LIMIT $4
"""
_RECORD_SWITCH = """
INSERT INTO feed_switches (home, at, from_source, to_source, reason) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
_SIGNALS = """
SELECT run_id, signal_id, at, strategy, pair, side, price, confidence, reason
FROM signals WHERE at >= $2 AND at < $1 AND (at, run_id, signal_id) > ($2, $3, $4) ORDER BY at, run_id, signal_id LIMIT $5
"""
_OPEN_POSITIONS = """
SELECT run_id, executor_id, opened_at, strategy, account, pair, side, entry_base, entry_quote, net_base, fees_quote
FROM positions WHERE closed_at IS NULL AND (opened_at, run_id, executor_id) > ($1, $2, $3)
ORDER BY opened_at, run_id, executor_id LIMIT $4
"""
_DELETE_CANDLES = """
WITH deleted AS (
    DELETE FROM ohlc_data WHERE symbol = $1 AND timeframe = $2 AND "timestamp" >= $3 AND "timestamp" < $4 RETURNING 1
) SELECT count(*) AS deleted FROM deleted
"""
_as_row = attrgetter(*(field.name for field in fields(StoredCandle)))
_CONNECTIONS = 4
# For connections on their way back to the pool: one that is cut off there complains to nobody.
_FAREWELL_S = 1.0
_PAGE_ROWS = 1000
# Keys before every other: a page begins after its key.
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_FIRST_RUN = UUID(int=0)


class PostgresStore:
    """The Store over a few connections, opened when first needed and again after they were lost.

    Args:
        address: The database; its migrations have run.
        batch_limit: Events of a batch.
    """

    def __init__(self, address: Address, batch_limit: int = 5000) -> None:
        self.batch_limit = batch_limit
        self._address = address
        self._pool = lazy_pool(address, _CONNECTIONS)
        self._is_open = False

    async def cursor(self, journal_id: str) -> int:
        rows = await self._fetch("SELECT last_seq FROM journal_cursor WHERE journal_id = $1", journal_id)
        return rows[0]["last_seq"] if rows else 0

    async def ship(self, batch: JournalBatch) -> Shipped:
        if len(batch) > self.batch_limit:
            raise ValueError(f"a batch of {len(batch)} events; at most {self.batch_limit}")
        texts = (storable(batch.run_ids), storable(batch.payloads))
        head = (batch.journal_id, batch.bot, batch.after_seq, batch.seqs)
        (row,) = await self._fetch(_SHIP, *head, *texts, EVENT_KINDS)
        return Shipped(row["last_seq"], row["shipped"], row["dead"])

    async def put_candles(self, candles: Sequence[StoredCandle]) -> None:
        if not candles:
            return
        symbols, timeframes, opens_at, *amounts, sources, quotes = zip(*map(_as_row, candles), strict=True)
        columns = (
            *(_texts(symbols), _texts(timeframes), opens_at),
            *map(_numbers, amounts),
            *(_texts(sources), _texts(quotes)),
        )
        days = {(candle.timeframe, candle.opened_at.date()): candle.opened_at for candle in candles}
        async with self._connection() as connection, connection.transaction():
            # In order, so that two writers never wait for each other.
            for (timeframe, _), opened_at in sorted(days.items()):
                await connection.execute("SELECT recovery.ensure_partition($1, $2)", f"ohlc_{timeframe}", opened_at)
            await connection.execute(_PUT_CANDLES, *columns)

    async def beat(self, heartbeat: Heartbeat) -> None:
        arguments = (heartbeat.home, heartbeat.service, heartbeat.started_at, heartbeat.state, dict(heartbeat.detail))
        await self._fetch(_BEAT, *arguments)

    async def last_candles(self, symbol: str, timeframe: Timeframe, count: int, source: str) -> list[StoredCandle]:
        rows = await self._fetch(_LAST_CANDLES, symbol, timeframe, source, count)
        return [StoredCandle(**{**row, "timeframe": Timeframe(row["timeframe"])}) for row in reversed(rows)]

    async def last_opened(self, source: str, timeframe: Timeframe) -> Mapping[str, datetime]:
        rows = await self._fetch("SELECT symbol, opened_at FROM last_opened($1, $2)", source, timeframe)
        return {row["symbol"]: row["opened_at"] for row in rows}

    async def record_switch(self, switch: FeedSwitch) -> None:
        sources = (switch.from_source, switch.to_source)
        await self._fetch(_RECORD_SWITCH, switch.home, switch.at, *sources, switch.reason)

    async def quarantine(self, bars: Sequence[QuarantinedBar]) -> None:
        await self._fetch("SELECT quarantine_bars($1)", quarantine_rows(bars))

    async def signals(self, since: datetime, until: datetime) -> AsyncIterator[StoredSignal]:
        key = (since, _FIRST_RUN, "")
        while rows := await self._fetch(_SIGNALS, until, *key, _PAGE_ROWS):
            for row in rows:
                yield StoredSignal(**{**row, "run_id": row["run_id"].hex, "side": Side(row["side"])})
            key = (rows[-1]["at"], rows[-1]["run_id"], rows[-1]["signal_id"])

    async def open_positions(self) -> AsyncIterator[OpenPosition]:
        key = (_BEGINNING, _FIRST_RUN, "")
        while rows := await self._fetch(_OPEN_POSITIONS, *key, _PAGE_ROWS):
            for row in rows:
                yield OpenPosition(**{**row, "run_id": row["run_id"].hex, "side": Side(row["side"])})
            key = (rows[-1]["opened_at"], rows[-1]["run_id"], rows[-1]["executor_id"])

    async def pnl_by_strategy(self, since: datetime, until: datetime) -> list[StrategyPnl]:
        return [StrategyPnl(**row) for row in await self._fetch("SELECT * FROM pnl_by_strategy($1, $2)", since, until)]

    async def counts(self, run_id: str) -> StoredCounts:
        (row,) = await self._fetch("SELECT * FROM stored_counts($1)", run_id)
        return StoredCounts(**row)

    async def delete_candles(self, symbol: str, timeframe: Timeframe, since: datetime, until: datetime) -> int:
        (row,) = await self._fetch(_DELETE_CANDLES, symbol, timeframe, since, until)
        return int(row["deleted"])

    async def close(self) -> None:
        if self._is_open:
            # Not for ever: close() waits for connections to answer, and one that is gone never will.
            with suppress(TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                async with asyncio.timeout(_FAREWELL_S):
                    await self._pool.close()

    async def _fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self._connection() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        with one_sentence(self._address):
            if not self._is_open:
                await self._pool
                self._is_open = True
            async with self._pool.acquire() as connection:
                yield connection


def _numbers(column: Iterable[Decimal]) -> str:
    return f"{{{','.join(map(str, column))}}}"


def _texts(column: Collection[str]) -> str:
    # Few are different: a symbol comes again every minute.
    escaped = {text: text.replace("\\", "\\\\").replace('"', '\\"') for text in set(column)}
    return "{" + ",".join(f'"{escaped[text]}"' for text in column) + "}"
