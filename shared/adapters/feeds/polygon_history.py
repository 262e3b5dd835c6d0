"""Polygon's history over REST: whole months a request, page by page, the key in a header."""

import time

import aiohttp

from shared.adapters.feeds.call_budget import CallBudget
from shared.adapters.feeds.rest import RestSource
from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedUnavailable
from shared.wire import polygon_history as wire
from shared.wire.history_pages import ascending, check_over, check_span, parts
from shared.wire.rest_answer import Answer

# Far more than the one page that a month of minutes has.
_MOST_PAGES = 100


class PolygonHistory:
    """A `BarHistory`. Symbols are such as "BTC-USD".

    Where there are no bars at all it asks once more, whether there is such a symbol: one that Polygon does not have would
    otherwise pass for one without a trade.

    Args:
        base_url: Of its REST interface.
        api_key: Never logged.
        calls_per_minute: What the plan allows.
        session: To share with others, who close it; None makes one.
    """

    def __init__(
        self, base_url: str, api_key: str, calls_per_minute: int, session: aiohttp.ClientSession | None = None
    ) -> None:
        self._base_url = base_url.rstrip("/")
        key = ("Authorization", f"Bearer {api_key}")
        self._rest = RestSource(wire.SOURCE, self._base_url, CallBudget(calls_per_minute), key, session)

    @property
    def source(self) -> str:
        return wire.SOURCE

    async def bars(self, symbol: str, timeframe: Timeframe, span: Span) -> list[Bar]:
        series = Series(wire.SOURCE, symbol, timeframe)
        check_span(series, span)
        found: list[Bar] = []
        for part in parts(span, wire.LONGEST_SPAN_MS):
            found += await self._part(series, part)
        if not found:
            await self._rest.ask(wire.ticker_overview(series), lambda answer: wire.check_listed(series, answer))
        return ascending(found)

    async def _part(self, series: Series, span: Span) -> list[Bar]:
        def read(answer: Answer) -> tuple[wire.AggregatesPage, float]:
            return wire.read_page(series, span, answer), answer.sent_at_s or time.time()

        found: list[Bar] = []
        question = wire.aggregates(series, span)
        asked = []
        while question not in asked:
            page, at_s = await self._rest.ask(question, read)
            check_over(wire.SOURCE, span, at_s, wire.DELAY_S if page.is_delayed else 0.0)
            found += page.bars
            if page.next_url is None:
                return found
            asked.append(question)
            if len(asked) == _MOST_PAGES:
                raise FeedUnavailable(f"{wire.SOURCE}: its pages have no end: {_MOST_PAGES} for {series.symbol}")
            question = wire.following(series, page.next_url, self._base_url)
        raise FeedUnavailable(f"{wire.SOURCE}: its pages go round in circles for {series.symbol}")

    async def server_time_ms(self) -> int:
        return await self._rest.ask(wire.market_status(), wire.read_server_time)

    async def close(self) -> None:
        await self._rest.close()
