"""Binance's history: everything of a span in requests of a thousand bars, within the weight of the address."""

from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.feeds.binance_history import BinanceHistory
from shared.domain.bars import Bar, Span
from shared.domain.stored import Timeframe
from shared.ports import BarHistory, FeedClosed, FeedError, FeedUnavailable, UnknownSymbol
from tests.unit.adapters.feeds.rest_server import NOW_MS, Handler, RestServer, answering, serve, text

MINUTE_MS = 60_000


def exchange(opens: set[int], step_ms: int = MINUTE_MS, limit: int = 1000) -> Handler:
    """Answers from these bars, cut at a limit like the real one."""

    async def answer(request: web.Request) -> web.StreamResponse:
        since, until = int(request.query["startTime"]), int(request.query["endTime"])
        found = sorted(one for one in opens if since <= one <= until)
        rows: list[list[Any]] = [[one, "1", "2", "1", "2", "3", one + step_ms - 1, "1", 1] for one in found]
        return web.json_response(rows[: min(limit, int(request.query["limit"]))])

    return answer


def bars(
    handler: Handler, span: Span, timeframe: Timeframe = Timeframe.MINUTE
) -> tuple[list[Bar] | FeedError, list[web.Request]]:
    """What came of asking, and what was asked."""

    async def scenario(server: RestServer) -> tuple[list[Bar] | FeedError, list[web.Request]]:
        history: BarHistory = BinanceHistory(server.base_url, 3000)
        try:
            return await history.bars("BTC-USDT", timeframe, span), server.asked
        except FeedError as error:
            return error, server.asked
        finally:
            await history.close()

    outcome: tuple[list[Bar] | FeedError, list[web.Request]] = serve(handler, scenario)
    return outcome


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3500), st.data())
def test_every_bar_of_the_span_comes_once_and_no_other(minutes: int, data: st.DataObject) -> None:
    span = Span(NOW_MS - minutes * MINUTE_MS, NOW_MS)
    missing = data.draw(st.sets(st.integers(0, minutes - 1), max_size=minutes))
    opens = {span.since_ms + minute * MINUTE_MS for minute in range(-5, minutes + 5) if minute not in missing}
    got, asked = bars(exchange(opens), span)
    assert isinstance(got, list), got
    assert [bar.open_ms for bar in got] == sorted(one for one in opens if span.since_ms <= one < span.until_ms)
    assert len(asked) == -(-minutes // 1000)


def test_longer_bars_have_longer_requests() -> None:
    hour_ms = 3_600_000
    span = Span(NOW_MS - 1500 * hour_ms, NOW_MS)
    opens = set(range(span.since_ms, span.until_ms, hour_ms))
    got, asked = bars(exchange(opens, hour_ms), span, Timeframe.HOUR)
    assert isinstance(got, list), got
    assert len(got) == 1500
    assert len(asked) == 2


def test_a_bar_still_open_is_not_taken_for_a_closed_one() -> None:
    got, _ = bars(exchange({NOW_MS - MINUTE_MS, NOW_MS}), Span(NOW_MS - MINUTE_MS, NOW_MS + MINUTE_MS))
    assert isinstance(got, FeedUnavailable)
    assert "not over for 59 s" in str(got)


def test_a_broken_span_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin and end where a bar does"):
        bars(exchange(set()), Span(NOW_MS - 1, NOW_MS))


def test_an_unknown_symbol_is_asked_for_once() -> None:
    got, asked = bars(answering(text('{"code":-1121,"msg":"Invalid symbol."}', 400)), Span(NOW_MS - MINUTE_MS, NOW_MS))
    assert isinstance(got, UnknownSymbol)
    assert len(asked) == 1


def test_a_blocked_country_is_asked_once() -> None:
    got, asked = bars(answering(text("", 451)), Span(NOW_MS - 5000 * MINUTE_MS, NOW_MS))
    assert isinstance(got, FeedClosed)
    assert len(asked) == 1


def test_it_stops_where_other_programs_have_used_the_weight_of_the_address() -> None:
    """5,998 of 6,000 are used, mostly by others: one more request of 2 fits, the next waits for another minute."""

    async def scenario(server: RestServer) -> list[float]:
        history = BinanceHistory(server.base_url, 3000)
        for _ in range(3):
            await history.bars("BTC-USDT", Timeframe.MINUTE, Span(NOW_MS - MINUTE_MS, NOW_MS))
        await history.close()
        return server.asked_at_s

    times = serve(answering(text("[]", X_MBX_USED_WEIGHT_1M="5998")), scenario)
    assert times[1] - times[0] < 1
    assert times[2] - times[1] == pytest.approx(61, abs=1)


def test_the_time() -> None:
    async def scenario(server: RestServer) -> int:
        history = BinanceHistory(server.base_url, 3000)
        try:
            return await history.server_time_ms()
        finally:
            await history.close()

    assert serve(answering(text(f'{{"serverTime":{NOW_MS}}}')), scenario) == NOW_MS
