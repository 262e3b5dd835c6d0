"""The history of any venue that ccxt knows, over REST. ccxt is optional: it is imported when it is asked for.

ccxt does not tell an answer that is cut short from one that is whole, and each venue keeps only so many bars. So a history is
read on from the last bar that came until none comes, and counts only where it shows a bar from before it.
"""

import importlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedClosed, FeedError, FeedRefused, FeedUnavailable, UnknownSymbol
from shared.wire.history_pages import BadRow, ascending, check_span, closed_bar
from shared.wire.rest_answer import one_line

_TIMEOUT_MS = 20_000
# How far before a span a bar must be found.
_BARS_BEFORE = 60
_LIMIT_WINDOW_S = 60.0
_BLOCKED_COUNTRY = " 451 "


class CcxtHistory:
    """A `BarHistory` of one venue. Symbols are such as "BTC-USDT".

    Making the first one imports all of ccxt's venues, which takes seconds.

    Args:
        venue: As ccxt names it, e.g. "kraken".
        options: Settings of ccxt's own exchange class, e.g. other addresses. Its limiter of calls goes by the real clock: on a
            virtual one it must be off, `{"enableRateLimit": False}`.

    Raises:
        FeedRefused: ccxt is not installed, or knows no such venue.
    """

    def __init__(self, venue: str, options: Mapping[str, Any] | None = None) -> None:
        try:
            self._ccxt = importlib.import_module("ccxt.async_support")
        except ImportError as error:
            raise FeedRefused(f"{venue}: needs the package ccxt, which is not installed: pip install ccxt") from error
        if venue not in self._ccxt.exchanges:
            raise FeedRefused(f"{venue}: is no venue that ccxt knows; see ccxt.exchanges")
        settings = {"enableRateLimit": True, "timeout": _TIMEOUT_MS, **(options or {})}
        self._venue = venue
        self._exchange = getattr(self._ccxt, venue)(settings)

    @property
    def source(self) -> str:
        return self._venue

    async def bars(self, symbol: str, timeframe: Timeframe, span: Span) -> list[Bar]:
        series = Series(self._venue, symbol, timeframe)
        check_span(series, span)
        try:
            rows = await self._rows(series, span)
        except self._ccxt.BaseError as error:
            raise self._named(error, symbol) from error
        if not any(row[0] < span.since_ms for row in rows):
            raise FeedUnavailable(f"{self._venue}: its history of {symbol} may begin within the span asked for")
        try:
            bars = [closed_bar(series, row[0], _prices(row)) for row in rows if row[0] >= span.since_ms]
        except BadRow as error:
            raise FeedUnavailable(f"{self._venue}: answered what cannot be read: {error}") from error
        return ascending(bar for bar in bars if bar.open_ms < span.until_ms)

    async def _rows(self, series: Series, span: Span) -> list[Any]:
        await self._exchange.load_markets()
        # By default ccxt makes floats of prices. Its markets it reads with its own kind of number, so not before.
        self._exchange.number = Decimal
        symbol = series.symbol.replace("-", "/")
        limit = self._exchange.feature_value(symbol, "fetchOHLCV", "limit")
        rows: list[Any] = []
        # Each round is at least one bar further, or the last.
        cursor_ms = span.since_ms - _BARS_BEFORE * series.step_ms
        while cursor_ms < span.until_ms:
            page = await self._exchange.fetch_ohlcv(symbol, series.timeframe.value, cursor_ms, limit)
            new = [row for row in page if row[0] is not None and row[0] >= cursor_ms]
            if not new:
                break
            rows += new
            cursor_ms = max(row[0] for row in new) + series.step_ms
        return rows

    async def server_time_ms(self) -> int:
        try:
            return int(await self._exchange.fetch_time())
        except self._ccxt.BaseError as error:
            raise self._named(error, None) from error

    async def close(self) -> None:
        await self._exchange.close()

    def _named(self, error: Exception, symbol: str | None) -> FeedError:
        ccxt = self._ccxt
        said = f"{self._venue}: {one_line(str(error)) or type(error).__name__}"
        if isinstance(error, ccxt.BadSymbol):
            return UnknownSymbol(f"{self._venue}: does not list {symbol}")
        if isinstance(error, ccxt.AuthenticationError) or _BLOCKED_COUNTRY in str(error):
            return FeedClosed(said)
        if isinstance(error, ccxt.RateLimitExceeded | ccxt.DDoSProtection):
            return FeedUnavailable(said, _LIMIT_WINDOW_S)
        if isinstance(error, ccxt.NetworkError | ccxt.BadResponse):
            return FeedUnavailable(said)
        return FeedRefused(said)


def _prices(row: Any) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal]:
    numbers = row[1:6]
    if len(numbers) != 5 or not all(isinstance(number, Decimal) for number in numbers):
        raise BadRow(f"the bar opened at {row[0]} is {one_line(str(row))}")
    return tuple(numbers)
