"""A database as the legacy system left it: its table names and column types, duplicates and broken rows included."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import migrate

DAYS = 12
SYMBOLS = ("BTC-USDT", "ETH-USDT", "X:SOLUSD")
CANDLES = len(SYMBOLS) * DAYS * (1440 + 96 + 24)
# What is in the table a second time, with another close: every fiftieth candle.
REPEATED = CANDLES // 50
SCANS = 3000
FEATURES = 2000

_TABLES = """
CREATE TABLE ohlc_data (
    id bigserial PRIMARY KEY, symbol varchar(20), timeframe varchar(10), "timestamp" timestamptz, open double precision,
    high double precision, low double precision, close double precision, volume double precision, vwap double precision,
    trades integer, created_at timestamptz DEFAULT now()
);
CREATE INDEX ON ohlc_data (symbol, timeframe, "timestamp");
CREATE TABLE scan_history (
    scan_id serial PRIMARY KEY, "timestamp" timestamp, symbol text, strategy_name text, decision text, reason text,
    features jsonb, ml_confidence numeric, setup_data jsonb, market_regime text, thresholds_used jsonb
);
CREATE TABLE ml_features ("timestamp" timestamptz, symbol text, rsi_14 double precision, volume_ratio double precision,
    never_filled double precision);
CREATE TABLE shadow_testing_scans (id serial, scan_time timestamptz, variation text, decision text);
CREATE TABLE positions (id serial, symbol text);
"""
_FILL = f"""
INSERT INTO ohlc_data (symbol, timeframe, "timestamp", open, high, low, close, volume, vwap, trades)
SELECT symbol, timeframe, at, 100.5, 102.25, 99.125, 101, 12.5, 101.1, 7
FROM (VALUES ('1min', interval '1 minute'), ('15min', interval '15 minutes'), ('1hour', interval '1 hour')) f (timeframe, step),
    generate_series(timestamptz '2025-01-01 00:00+00', timestamptz '2025-01-{DAYS} 23:59+00', step) at,
    unnest('{{{",".join(SYMBOLS)}}}'::text[]) symbol
ORDER BY at, symbol, timeframe;
INSERT INTO ohlc_data (symbol, timeframe, "timestamp", open, high, low, close, volume)
SELECT symbol, timeframe, "timestamp", open, high, low, 100, volume FROM ohlc_data WHERE id % 50 = 0 ORDER BY id;

INSERT INTO scan_history (
    "timestamp", symbol, strategy_name, decision, reason, features, ml_confidence, setup_data, market_regime, thresholds_used
)
SELECT timestamp '2025-01-01 00:00' + n * interval '5 minutes', 'BTC-USDT', 'DCA',
    CASE n % 3 WHEN 0 THEN 'TAKE' ELSE 'SKIP' END, 'drop_not_met', jsonb_build_object('price', 42000.5 + n, 'rsi', 31.5),
    CASE n % 3 WHEN 0 THEN 0.75 END, '{{"grid": [1, null]}}', 'NORMAL', '{{"drop": 0.03}}'
FROM generate_series(1, {SCANS}) n;

INSERT INTO ml_features
SELECT timestamptz '2025-01-01 00:00+00' + n * interval '15 minutes', 'BTC-USDT', 30 + n % 40, 1.5, NULL
FROM generate_series(1, {FEATURES}) n;

INSERT INTO shadow_testing_scans (scan_time, variation, decision)
SELECT timestamptz '2025-01-01 00:00+00' + n * interval '10 minutes', 'CHAMPION', 'SKIP' FROM generate_series(1, 1700) n;
"""
# Broken candles, each with the reason it is to be refused for.
_FINE = "'1min', '2025-01-01 00:00+00', 1, 1, 1, 1, 1"
BROKEN = {
    "no time": ["'BTC-USDT', '1min', NULL, 1, 1, 1, 1, 1", "'BTC-USDT', '1h', NULL, 1, 1, 1, 1, 1"],
    "the time has not come yet": [
        "'BTC-USDT', '1m', 'infinity', 1, 1, 1, 1, 1",
        "'BTC-USDT', '1m', '2199-01-01 00:00+00', 1, 1, 1, 1, 1",
    ],
    "the time is before 1970": ["'BTC-USDT', '1m', '0001-01-01 00:00+00 BC', 1, 1, 1, 1, 1"],
    "no symbol, or one too long": [f"NULL, {_FINE}", f"'', {_FINE}"],
    "timeframe '5min'": ["'BTC-USDT', '5min', '2025-01-01 00:00+00', 1, 1, 1, 1, 1"],
    "timeframe '1M'": ["'BTC-USDT', '1M', '2025-01-01 00:00+00', 1, 1, 1, 1, 1"],
    "timeframe is missing": ["'BTC-USDT', NULL, '2025-01-01 00:00+00', 1, 1, 1, 1, 1"],
    "no candle has such prices": [
        "'BTC-USDT', '1min', '2025-01-01 00:00+00', 1, 0.5, 1, 1, 1",
        "'BTC-USDT', '1min', '2025-01-01 00:00+00', 'NaN', 1, 1, 1, 1",
        "'BTC-USDT', '1min', '2025-01-01 00:00+00', 1, 'infinity', 1, 1, 1",
        "'BTC-USDT', '1min', '2025-01-01 00:00+00', 1, 1, 0, 1, 1",
        "'BTC-USDT', '1min', '2025-01-01 00:00+00', 1, 1, 1, NULL, 1",
    ],
    "the volume is missing or no amount": [
        "'BTC-USDT', '1min', '2025-01-01 00:00+00', 1, 1, 1, 1, NULL",
        "'BTC-USDT', '1min', '2025-01-01 00:00+00', 1, 1, 1, 1, -1",
    ],
    "the time is not the open of a candle": ["'BTC-USDT', '15min', '2025-01-01 00:05+00', 1, 1, 1, 1, 1"],
}


@dataclass(frozen=True)
class LegacyDatabase:
    """A database of its own, on a server that others use too."""

    address: Address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Drop it: servers are shared, and the next test makes its own."""
        name = urlsplit(self.address.url).path.removeprefix("/")
        asyncio.run(_execute(_database(self.address, "postgres").address.url, f"DROP DATABASE {name} WITH (FORCE)"))

    @classmethod
    def on(cls, server: Address, *, empty: bool = False) -> "LegacyDatabase":
        """A new one with the legacy system's tables in public, filled; or with none at all."""
        name, template = f"legacy{uuid.uuid4().hex}", "template1" if empty else "filled_legacy"
        if not empty and not asyncio.run(_fetch(server.url, "SELECT FROM pg_database WHERE datname = $1", template)):
            asyncio.run(_execute(server.url, f"CREATE DATABASE {template}"))
            _database(server, template).execute(_TABLES + _FILL)
        asyncio.run(_execute(server.url, f"CREATE DATABASE {name} TEMPLATE {template}"))
        return _database(server, name)

    def break_rows(self) -> None:
        """Put in the broken candles."""
        for rows in BROKEN.values():
            for row in rows:
                self.execute(
                    f'INSERT INTO ohlc_data (symbol, timeframe, "timestamp", open, high, low, close, volume) VALUES ({row})'
                )

    def migrate(self) -> None:
        asyncio.run(migrate(self.address))

    def execute(self, statements: str, *arguments: object) -> None:
        asyncio.run(_execute(self.address.url, statements, *arguments))

    def fetch(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        return asyncio.run(_fetch(self.address.url, statement, *arguments))

    def value(self, statement: str, *arguments: object) -> object:
        return self.fetch(statement, *arguments)[0][0]


def _database(server: Address, name: str) -> LegacyDatabase:
    return LegacyDatabase(Address(urlunsplit(urlsplit(server.url)._replace(path=f"/{name}")), "test"))


async def _execute(url: str, statements: str, *arguments: object) -> None:
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        await connection.execute(statements, *arguments)
    finally:
        await connection.close()


async def _fetch(url: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()
