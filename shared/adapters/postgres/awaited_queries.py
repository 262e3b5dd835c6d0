"""The queries people wait for, timed: what retention is for."""

import statistics
import time

import asyncpg
from asyncpg import Connection

_REPETITIONS = 5
# A database in a bad way is measured too, within bounds. Planned each time, as for people: from the sixth time on a plan
# would be kept, and a run's end look faster than its beginning.
_SETTINGS = """
SET LOCAL statement_timeout = '20s'; SET LOCAL lock_timeout = '2s'; SET LOCAL plan_cache_mode = force_custom_plan
"""
_SERIES = "SELECT symbol, source FROM ohlc_data WHERE timeframe = '1m' LIMIT 1"
_OF_SERIES = tuple(
    f"""SELECT * FROM ohlc_data WHERE symbol = $1 AND source = $2 AND timeframe = '{timeframe}'
    ORDER BY "timestamp" DESC LIMIT 1000"""
    for timeframe in ("1m", "1h")
)
_OF_ALL = (
    "SELECT * FROM signals WHERE at >= now() - interval '1 day' ORDER BY at LIMIT 1000",
    "SELECT * FROM positions WHERE closed_at IS NULL ORDER BY opened_at LIMIT 1000",
    "SELECT * FROM pnl_by_strategy(now() - interval '30 days', now())",
)


async def p50_ms(connection: Connection) -> float | None:
    """The median time of last candles, signals of a day, open positions and PnL by strategy, milliseconds.

    None where it cannot be known: a table is locked, or a query takes longer than anybody waits.
    """
    try:
        return await _measured_ms(connection)
    except (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError):
        return None


async def _measured_ms(connection: Connection) -> float:
    took_ms = []
    async with connection.transaction(readonly=True):
        await connection.execute(_SETTINGS)
        series = await connection.fetchrow(_SERIES) or ("", "")
        queries = [(query, *series) for query in _OF_SERIES] + [(query,) for query in _OF_ALL]
        for query in queries:
            # Parsed, and its pages read: for the same reason.
            await connection.fetch(*query)
        for query in queries * _REPETITIONS:
            began = time.perf_counter()
            await connection.fetch(*query)
            took_ms.append((time.perf_counter() - began) * 1000)
    return statistics.median(took_ms)
