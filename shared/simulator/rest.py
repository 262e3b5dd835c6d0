"""The venue's REST half: Binance's public paths, parameters and errors, spot or USD-M perpetual.

It takes no orders: private paths exist only to refuse (401, code -2015).
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from shared.simulator import binance_messages as messages
from shared.simulator.binance_weights import (
    PERPETUAL_LIMIT,
    SPOT_LIMIT,
    RequestWeights,
    weight,
    weight_headers,
)
from shared.simulator.errors import UnknownPair
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Faults
from shared.simulator.market import Market
from shared.simulator.venue import Venue

_FOREVER_MS = 2**62
_MAX_DEPTH = 5000
_MAX_ROWS = 1000
_PRIVATE = {
    False: "/api/v3/{what:order|order/.*|openOrders|openOrderList|allOrders|account|myTrades|userDataStream.*}",
    True: (
        "/fapi/{version:v[1-3]}/{what:order|openOrder|openOrders|allOrders|allOpenOrders|batchOrders|account|balance"
        "|positionRisk|leverage|leverageBracket|marginType|positionSide/dual|multiAssetsMargin|listenKey|income"
        "|userTrades|commissionRate}"
    ),
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestApi:
    """Public REST answers of one half of the venue.

    Args:
        perpetual: Serve the USD-M perpetual's paths instead of spot's.
        faults: Of the spot half: what it does not list, and how wrong its clock is.
    """

    def __init__(self, venue: Venue, perpetual: bool, faults: Faults) -> None:
        self._venue = venue
        self._perpetual = perpetual
        self._faults = faults
        self._weights = RequestWeights(PERPETUAL_LIMIT if perpetual else SPOT_LIMIT)
        self._max_klines = 1500 if perpetual else 1000

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """All routes, below `prefix`."""
        base = prefix + ("/fapi/v1" if self._perpetual else "/api/v3")
        answers: dict[str, Callable[[web.Request], Any]] = {
            "/ping": lambda _: {},
            "/time": lambda _: {"serverTime": self._now_ms()},
            "/exchangeInfo": self._exchange_info,
            "/depth": self._depth,
            "/klines": self._klines,
            "/aggTrades": self._agg_trades,
            "/ticker/24hr": lambda request: self._each(request, messages.day_ticker),
            "/ticker/price": lambda request: self._each(request, messages.price_ticker),
            "/ticker/bookTicker": lambda request: self._each(request, messages.book_ticker),
        }
        if self._perpetual:
            answers["/premiumIndex"] = lambda request: self._each(request, messages.premium_index)
            answers["/fundingRate"] = self._funding_rate
        private = web.route("*", prefix + _PRIVATE[self._perpetual], _refuse_private)
        return [private, *(web.get(base + path, self._answering(path, answer)) for path, answer in answers.items())]

    def _answering(self, path: str, answer: Callable[[web.Request], Any]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            weighs = weight(path, self._perpetual, request.query)
            headers = weight_headers(self._weights.use(request.remote or "", weighs))
            text = json.dumps(answer(request))
            return web.Response(text=text, content_type="application/json", headers=headers)

        return handle

    def _now_ms(self) -> int:
        skew_s = 0.0 if self._perpetual else self._faults.skew_s(Where.BINANCE, Part.REST)
        return self._venue.now_ms() + round(skew_s * 1000)

    def _is_listed(self, market: Market) -> bool:
        pair = market.instrument.pair
        unknown = (Kind.UNKNOWN_SYMBOL,)
        return self._perpetual or self._faults.peek(Where.BINANCE, Part.REST, unknown, (pair,)) is None

    def _markets(self) -> list[Market]:
        return [market for market in self._venue.markets(self._perpetual) if self._is_listed(market)]

    def _market(self, request: web.Request) -> Market:
        symbol = request.query.get("symbol")
        if not symbol:
            raise _bad(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        try:
            market = self._venue.market(self._perpetual, symbol)
        except UnknownPair:
            raise _bad(-1121, "Invalid symbol.") from None
        if not self._is_listed(market):
            raise _bad(-1121, "Invalid symbol.")
        return market

    def _each(self, request: web.Request, build: Callable[[Market], dict[str, Any]]) -> Any:
        """One entry for `symbol`, or a list of all without it."""
        if "symbol" in request.query:
            return build(self._market(request))
        return [build(market) for market in self._markets()]

    def _exchange_info(self, request: web.Request) -> Any:
        wanted = [self._market(request)] if "symbol" in request.query else self._markets()
        return messages.exchange_info(wanted, self._now_ms())

    def _depth(self, request: web.Request) -> Any:
        limit = _integer(request, "limit", 500 if self._perpetual else 100)
        return messages.depth_snapshot(self._market(request), min(limit, _MAX_DEPTH))

    def _klines(self, request: web.Request) -> Any:
        """Both bounds are about a candle's open. Without a start it is the last `limit` candles, else the first."""
        market = self._market(request)
        interval = request.query.get("interval", "")
        interval_s = messages.INTERVALS_S.get(interval, 1)
        if interval not in messages.INTERVALS_S or interval_s % self._venue.step_s:
            raise _bad(-1120, "Invalid interval.")
        limit = max(1, min(_integer(request, "limit", 500), self._max_klines))
        end_ms = min(_integer(request, "endTime", _FOREVER_MS), market.time_ms)
        interval_ms = interval_s * 1000
        if "startTime" in request.query:
            start_ms = max(_integer(request, "startTime", 0), market.path.start_ms - interval_ms)
            # One interval more than `limit` candles can span, however the start lies between two opens.
            klines = market.klines(interval_s, start_ms, min(end_ms, start_ms + limit * interval_ms))
            return messages.kline_rows(klines, interval_s, market.instrument)[:limit]
        klines = market.klines(interval_s, end_ms - limit * interval_ms, end_ms)
        return messages.kline_rows(klines, interval_s, market.instrument)[-limit:]

    def _agg_trades(self, request: web.Request) -> Any:
        return messages.agg_trade_rows(self._market(request), min(_integer(request, "limit", 500), _MAX_ROWS))

    def _funding_rate(self, request: web.Request) -> Any:
        return messages.funding_rates(self._market(request), min(_integer(request, "limit", 100), _MAX_ROWS))


def spot_pairs(venue: Venue, request: web.Request) -> Sequence[str]:
    """The pairs a request to the spot half is about, "BTC-USDT"; none if it names none that is listed."""
    symbol = request.query.get("symbol", "")
    return [market.instrument.pair for market in venue.markets(False) if market.instrument.symbol == symbol]


def _integer(request: web.Request, name: str, default: int) -> int:
    try:
        return int(request.query.get(name, default))
    except ValueError:
        raise _bad(-1100, f"Illegal characters found in parameter '{name}'.") from None


def _bad(code: int, text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=json.dumps(messages.error(code, text)), content_type="application/json")


async def _refuse_private(_: web.Request) -> web.StreamResponse:
    body = messages.error(-2015, "Invalid API-key, IP, or permissions for action.")
    return web.json_response(body, status=401)
