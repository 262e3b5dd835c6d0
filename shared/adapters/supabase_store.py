"""The store by Supabase's API, for those who have nothing else: 500 to 1,000 rows a request, each request one transaction."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

from postgrest import CountMethod, ReturnMethod
from supabase import AsyncClient

from shared.adapters.quarantine_rows import quarantine_rows
from shared.adapters.storable_text import storable
from shared.adapters.supabase_api import SupabaseApi
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
from shared.ports import StoreError

_BATCH_LIMITS = range(500, 1001)
_PAGE_ROWS = 1000
_AMOUNTS = ("open", "high", "low", "close", "volume")
# Numbers as text: as JSON numbers they would be read as floats and lose digits.
_CANDLE = (
    "symbol",
    "timeframe",
    "opened_at:timestamp",
    *(f"{name}::text" for name in _AMOUNTS),
    "source",
    "quote_currency",
)
_SIGNAL = ("run_id", "signal_id", "at", "strategy", "pair", "side", "price::text", "confidence", "reason")
_POSITION = (
    *("run_id", "executor_id", "opened_at", "strategy", "account", "pair", "side"),
    *(f"{name}::text" for name in ("entry_base", "entry_quote", "net_base", "fees_quote")),
)
_PNL = ("strategy", "trades", "wins", "pnl_quote::text", "fees_quote::text")

Row = Mapping[str, Any]
# A request's builder of the client: generic and without a common type that could be named.
Builder = Any
Filter = tuple[str, str, str]


class SupabaseStore:
    """The Store through PostgREST, as the role service_role.

    Args:
        api: The project; its migrations have run.
        batch_limit: Events of a batch and candles of a request, 500 to 1,000.
    """

    def __init__(self, api: SupabaseApi, batch_limit: int = 1000) -> None:
        if batch_limit not in _BATCH_LIMITS:
            raise ValueError(f"batch_limit = {batch_limit}: must be 500 to 1000")
        self.batch_limit = batch_limit
        self._api = api

    @classmethod
    async def connect(cls, url: str, key: str, batch_limit: int = 1000) -> "SupabaseStore":
        """The store of a project, by SUPABASE_URL and SUPABASE_SECRET_KEY; nothing is sent yet.

        Raises:
            StoreError: The address or the key cannot be used.
        """
        return cls(await SupabaseApi.connect(url, key), batch_limit)

    async def cursor(self, journal_id: str) -> int:
        rows = await self._rows(lambda to: to.table("journal_cursor").select("last_seq").eq("journal_id", journal_id))
        return int(rows[0]["last_seq"]) if rows else 0

    async def ship(self, batch: JournalBatch) -> Shipped:
        """As in Store. A batch sent again within, after a lost answer, tells the cursor and 0 events."""
        if len(batch) > self.batch_limit:
            raise ValueError(f"a batch of {len(batch)} events; at most {self.batch_limit}")
        row = await self._row_of(
            "ship_journal",
            p_journal_id=batch.journal_id,
            p_bot=batch.bot,
            p_after=batch.after_seq,
            p_seqs=batch.seqs,
            p_run_ids=storable(batch.run_ids),
            p_payloads=storable(batch.payloads),
            p_kinds=EVENT_KINDS,
        )
        return Shipped(row["last_seq"], row["shipped"], row["dead"])

    async def put_candles(self, candles: Sequence[StoredCandle]) -> None:
        """As in Store; each `batch_limit` of them are one transaction."""
        for some in batched(candles, self.batch_limit):
            await self._call("put_candles", p_candles=[_candle_row(candle) for candle in some])

    async def beat(self, heartbeat: Heartbeat) -> None:
        row = {
            "home": heartbeat.home,
            "service": heartbeat.service,
            "started_at": heartbeat.started_at.isoformat(),
            # Postgres reads this word as its own clock's time: this machine's may differ.
            "beat_at": "now",
            "state": heartbeat.state,
            "detail": dict(heartbeat.detail),
        }
        await self._api.send(
            lambda to: to.table("service_heartbeat").upsert(
                row, on_conflict="home,service", returning=ReturnMethod.minimal
            )
        )

    async def last_candles(self, symbol: str, timeframe: Timeframe, count: int, source: str) -> list[StoredCandle]:
        found: list[Row] = []

        def newest_before(to: AsyncClient) -> Builder:
            query = to.table("ohlc_data").select(*_CANDLE)
            query = query.eq("symbol", symbol).eq("timeframe", timeframe).eq("source", source)
            if found:
                query = query.lt("timestamp", found[-1]["opened_at"])
            return query.order("timestamp", desc=True).limit(min(count - len(found), _PAGE_ROWS))

        while len(found) < count and (rows := await self._rows(newest_before)):
            found += rows
        return [_candle(row) for row in reversed(found)]

    async def last_opened(self, source: str, timeframe: Timeframe) -> Mapping[str, datetime]:
        of_source = {"p_source": source, "p_timeframe": timeframe}
        rows = self._pages(
            lambda to: to.rpc("last_opened", of_source, get=True).select("symbol", "opened_at"), "symbol"
        )
        return {row["symbol"]: _utc(row["opened_at"]) async for row in rows}

    async def record_switch(self, switch: FeedSwitch) -> None:
        row = {**asdict(switch), "at": switch.at.isoformat()}
        await self._api.send(
            lambda to: to.table("feed_switches").upsert(
                row, on_conflict="home,at", ignore_duplicates=True, returning=ReturnMethod.minimal
            )
        )

    async def quarantine(self, bars: Sequence[QuarantinedBar]) -> None:
        for some in batched(bars, self.batch_limit):
            await self._call("quarantine_bars", p_bars=quarantine_rows(some))

    async def signals(self, since: datetime, until: datetime) -> AsyncIterator[StoredSignal]:
        def within(to: AsyncClient) -> Builder:
            signals = to.table("signals").select(*_SIGNAL)
            return signals.gte("at", since.isoformat()).lt("at", until.isoformat())

        async for row in self._pages(within, "at", "run_id", "signal_id"):
            yield StoredSignal(
                **{
                    **_parsed(row, "at", "price"),
                    "run_id": UUID(row["run_id"]).hex,
                    "side": Side(row["side"]),
                    "confidence": float(row["confidence"]),
                }
            )

    async def open_positions(self) -> AsyncIterator[OpenPosition]:
        def still_open(to: AsyncClient) -> Builder:
            return to.table("positions").select(*_POSITION).is_("closed_at", None)

        async for row in self._pages(still_open, "opened_at", "run_id", "executor_id"):
            amounts = _parsed(row, "opened_at", "entry_base", "entry_quote", "net_base", "fees_quote")
            yield OpenPosition(**{**amounts, "run_id": UUID(row["run_id"]).hex, "side": Side(row["side"])})

    async def pnl_by_strategy(self, since: datetime, until: datetime) -> list[StrategyPnl]:
        period = {"p_since": since.isoformat(), "p_until": until.isoformat()}
        rows = self._pages(lambda to: to.rpc("pnl_by_strategy", period, get=True).select(*_PNL), "strategy")
        return [StrategyPnl(**_parsed(row, None, "pnl_quote", "fees_quote")) async for row in rows]

    async def counts(self, run_id: str) -> StoredCounts:
        return StoredCounts(**await self._row_of("stored_counts", p_run_id=run_id))

    async def delete_candles(self, symbol: str, timeframe: Timeframe, since: datetime, until: datetime) -> int:
        """As in Store. The number may be too low where an answer was lost within and the request sent again."""
        return await self._delete(
            "ohlc_data",
            ("symbol", "eq", symbol),
            ("timeframe", "eq", timeframe),
            ("timestamp", "gte", since.isoformat()),
            ("timestamp", "lt", until.isoformat()),
        )

    async def close(self) -> None:
        await self._api.close()

    async def _delete(self, table: str, *filters: Filter) -> int:
        """The only place that deletes: never a whole table."""
        if not filters:
            raise StoreError(f"{table}: a delete without a filter would empty it; it was not sent")

        def matching(to: AsyncClient) -> Builder:
            query = to.table(table).delete(count=CountMethod.exact, returning=ReturnMethod.minimal)
            for column, operator, value in filters:
                query = query.filter(column, operator, value)
            return query

        deleted = (await self._api.send(matching)).count
        if deleted is None:
            raise StoreError(f"{table}: the API did not tell how many rows it deleted")
        return deleted

    async def _call(self, function: str, **arguments: Any) -> Any:
        return (await self._api.send(lambda to: to.rpc(function, arguments))).data

    async def _row_of(self, function: str, **arguments: Any) -> Row:
        data = await self._call(function, **arguments)
        if not isinstance(data, dict):
            raise StoreError(f"{function}: the API answered with something that is no row")
        return data

    async def _rows(self, query: Callable[[AsyncClient], Builder]) -> list[Row]:
        data: Any = (await self._api.send(query)).data
        if not isinstance(data, list):
            raise StoreError("the API answered with something that is no list of rows")
        return data

    async def _pages(self, query: Callable[[AsyncClient], Builder], *key: str) -> AsyncIterator[Row]:
        """All rows of a query, ordered by a unique key, each page beginning after the last row of the one before.

        The server caps rows at a number it does not tell: a short page may be a capped one, only an empty one is the end.
        """
        last: Row | None = None

        def page(to: AsyncClient) -> Builder:
            part = query(to).limit(_PAGE_ROWS)
            for column in key:
                part = part.order(column)
            if last is None:
                return part
            # The first follows from the second, but an index can use it.
            return part.gte(key[0], last[key[0]]).or_(_beyond(last, key))

        while rows := await self._rows(page):
            for row in rows:
                yield row
            last = rows[-1]


def _beyond(row: Row, key: Sequence[str]) -> str:
    """(a, b, c) > (x, y, z) in PostgREST's words: a > x, or a = x and b > y, or a = x and b = y and c > z."""

    def term(column: str, operator: str) -> str:
        value = str(row[column]).replace("\\", "\\\\").replace('"', '\\"')
        return f'{column}.{operator}."{value}"'

    alternatives = [
        ",".join([*(term(before, "eq") for before in key[:place]), term(column, "gt")])
        for place, column in enumerate(key)
    ]
    return ",".join(f"and({alternative})" for alternative in alternatives)


def _parsed(row: Row, time: str | None, *numbers: str) -> dict[str, Any]:
    """The row, its time read as one and its numbers as Decimal."""
    parsed = dict(row) | {name: Decimal(row[name]) for name in numbers}
    if time is not None:
        parsed[time] = _utc(row[time])
    return parsed


def _candle_row(candle: StoredCandle) -> Row:
    return {
        "symbol": candle.symbol,
        "timeframe": candle.timeframe,
        "timestamp": candle.opened_at.isoformat(),
        **{name: str(getattr(candle, name)) for name in _AMOUNTS},
        "source": candle.source,
        "quote_currency": candle.quote_currency,
    }


def _candle(row: Row) -> StoredCandle:
    return StoredCandle(**_parsed(row, "opened_at", *_AMOUNTS) | {"timeframe": Timeframe(row["timeframe"])})


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
