"""Binance's history over REST: a thousand bars a request, within the weight of the address."""

import time
from collections.abc import Callable

import aiohttp

from shared.adapters.feeds.call_budget import CallBudget
from shared.adapters.feeds.rest import RestSource
from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe
from shared.wire import binance_history as wire
from shared.wire.history_pages import ascending, check_over, check_span, parts
from shared.wire.rest_answer import Answer, Question


class BinanceHistory:
    """A `BarHistory`. Symbols are such as "BTC-USDT".

    Args:
        base_url: Of its REST interface.
        weight_per_minute: What to use of the address's weight.
        session: To share with others, who close it; None makes one.
    """

    def __init__(self, base_url: str, weight_per_minute: int, session: aiohttp.ClientSession | None = None) -> None:
        # Hummingbot trades from the same address.
        self._budget = CallBudget(weight_per_minute, ceiling=wire.ADDRESS_WEIGHT)
        self._rest = RestSource(wire.SOURCE, base_url, self._budget, session=session)

    @property
    def source(self) -> str:
        return wire.SOURCE

    async def bars(self, symbol: str, timeframe: Timeframe, span: Span) -> list[Bar]:
        series = Series(wire.SOURCE, symbol, timeframe)
        check_span(series, span)
        found: list[Bar] = []
        for part in parts(span, wire.PAGE_BARS * series.step_ms):
            found += await self._part(series, part)
        return ascending(found)

    async def _part(self, series: Series, span: Span) -> list[Bar]:
        def read(answer: Answer) -> tuple[list[Bar], float]:
            return wire.read_klines(series, span, answer), answer.sent_at_s or time.time()

        found, at_s = await self._ask(wire.klines(series, span), read)
        check_over(wire.SOURCE, span, at_s)
        return found

    async def server_time_ms(self) -> int:
        return await self._ask(wire.server_time(), wire.read_server_time)

    async def _ask[T](self, question: Question, read: Callable[[Answer], T]) -> T:
        def observing(answer: Answer) -> T:
            used = wire.used_weight(answer)
            if used is not None:
                self._budget.observe(used)
            return read(answer)

        return await self._rest.ask(question, observing)

    async def close(self) -> None:
        await self._rest.close()
