"""CoinGecko on a port: prices and coarse candles in USD, the keys of its plans, and how often each may ask.

The demo plan and callers without a key have one host, those who pay another one; a key at the wrong host is refused with 400.
Asking too often is 429 with Retry-After, and every request counts, refused ones too.
"""

import http
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from shared.simulator import coingecko_messages as messages
from shared.simulator.bar_book import USD_PER_USDT, BarBook
from shared.simulator.coingecko_coins import TETHER, Coin, coins
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Faults
from shared.simulator.rest_faults import Handler, RestFace

DEMO_KEY, PRO_KEY = "x-cg-demo-api-key", "x-cg-pro-api-key"
"""Headers; with underscores they are query parameters too."""
DEMO_CALLS_PER_MINUTE, PRO_CALLS_PER_MINUTE = 100, 500
KEYLESS_CALLS_PER_MINUTE = 30
"""The vendor states none for an address without a key; this is what its reports come down to."""

_MINUTE_S = 60
_QUOTE = "usd"  # the only currency that is told: a price in another one would be made up
_MOST_CALLERS = 10_000


class CallCount:
    """Calls of each caller within the minute, which begins with the clock's."""

    def __init__(self) -> None:
        self._minute = -1
        self._calls: dict[str, int] = {}

    def wait_s(self, caller: str, allowed: int, now_s: float) -> int:
        """Count one more call; whole seconds until the caller may ask again, 0 if it may now."""
        minute = int(now_s // _MINUTE_S)
        if minute != self._minute or len(self._calls) > _MOST_CALLERS:
            self._minute, self._calls = minute, {}
        self._calls[caller] = self._calls.get(caller, 0) + 1
        return 0 if self._calls[caller] <= allowed else _MINUTE_S - int(now_s % _MINUTE_S)


class CoinGeckoApi:
    """CoinGecko's answers at one of its two hosts.

    Args:
        book: Bars in USD, "BTC-USD"; prices are their closes.
        is_pro: The host of those who pay.
    """

    def __init__(self, book: BarBook, faults: Faults, is_pro: bool) -> None:
        self._book = book
        self._faults = faults
        self._is_pro = is_pro
        self._count = CallCount()

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """All routes, below `prefix`."""
        base = prefix + "/api/v3"
        answers: dict[str, Callable[[web.Request], Any]] = {
            "/ping": lambda _: {"gecko_says": "(V3) To the Moon!"},
            "/simple/price": self._prices,
            "/simple/supported_vs_currencies": lambda _: [_QUOTE],
            "/coins/list": self._list,
            "/coins/{id}/ohlc": self._candles,
        }
        return [web.get(base + path, self._answering(answer)) for path, answer in answers.items()]

    # ---- who asks

    def _answering(self, answer: Callable[[web.Request], Any]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            demo, pro = _key(request, DEMO_KEY), _key(request, PRO_KEY)
            caller = pro or demo or request.remote or ""
            if wait_s := self._count.wait_s(caller, self._allowed(demo), time.time()):
                raise self._refused(429, 429, "The rate limit is exceeded.", {"Retry-After": str(wait_s)})
            if self._is_pro and not pro:
                if demo:
                    raise self._refused(400, messages.DEMO_KEY_AT_PRO, "A Demo API key belongs to the other root URL.")
                raise self._refused(401, messages.MISSING_KEY, "API Key Missing")
            if pro and not self._is_pro:
                raise self._refused(400, messages.PRO_KEY_AT_DEMO, "A Pro API key belongs to the other root URL.")
            return web.json_response(answer(request))

        return handle

    def _allowed(self, demo: str) -> int:
        if self._is_pro:
            return PRO_CALLS_PER_MINUTE
        return DEMO_CALLS_PER_MINUTE if demo else KEYLESS_CALLS_PER_MINUTE

    def _refused(self, status: int, code: int, message: str, headers: dict[str, str] | None = None) -> web.HTTPError:
        body = messages.refusal(code, message, self._now_ms())
        return _error(status, body, headers)

    # ---- what is asked

    def _prices(self, request: web.Request) -> Any:
        """Ids nobody knows, and currencies that are not told, are left out of the answer, as there."""
        wanted = _values(_required(request, "ids"))
        currencies = _values(_required(request, "vs_currencies"))
        precision = request.query.get("precision")
        if precision not in (None, "full") and not (precision.isdecimal() and int(precision) <= 18):
            raise _error(422, messages.complaint("Invalid precision"))
        with_cap, with_time = (_is_on(request, name) for name in ("include_market_cap", "include_last_updated_at"))
        answer: dict[str, dict[str, float]] = {}
        for coin in self._coins():
            if coin.id not in wanted:
                continue
            row = answer.setdefault(coin.id, {})
            found = self._price(coin)
            if found is None or _QUOTE not in currencies:
                continue
            price, updated_at = found
            row[_QUOTE] = messages.rounded(price, precision)
            if with_cap:
                row[f"{_QUOTE}_market_cap"] = price * coin.supply
            if with_time:
                row["last_updated_at"] = updated_at + round(self._skew_s())
        return answer

    def _price(self, coin: Coin) -> tuple[float, int] | None:
        """In USD, and its time."""
        if coin is TETHER:
            now_s = int(time.time())
            return float(USD_PER_USDT), now_s - now_s % (messages.PRICE_AGE_MS // 1000)
        return messages.price(self._book, f"{coin.base}-USD", int(time.time() * 1000))

    def _list(self, request: web.Request) -> Any:
        extra: dict[str, Any] = {"platforms": {}} if _is_on(request, "include_platform") else {}
        return [{"id": coin.id, "symbol": coin.symbol, "name": coin.name} | extra for coin in self._coins()]

    def _candles(self, request: web.Request) -> Any:
        coin = next((coin for coin in self._coins() if coin.id == request.match_info["id"]), None)
        if coin is None:
            raise _error(404, messages.complaint("coin not found"))
        if _required(request, "vs_currency").lower() != _QUOTE:
            raise _error(422, messages.complaint("invalid vs_currency"))
        days, interval = _required(request, "days"), request.query.get("interval", "")
        if days not in messages.DAYS or interval not in ("", *messages.INTERVALS_MS):
            raise _error(422, messages.complaint("Invalid days or interval"))
        if interval and not self._is_pro:
            raise self._refused(401, messages.PLAN_RESTRICTED, "This interval belongs to the paid plans.")
        length_ms = messages.INTERVALS_MS.get(interval)
        return messages.candles(self._book, f"{coin.base}-USD", days, length_ms, int(time.time() * 1000))

    def _coins(self) -> list[Coin]:
        bases = [symbol.removesuffix("-USD") for symbol in self._book.symbols()]
        unknown = (Kind.UNKNOWN_SYMBOL,)
        return [
            coin
            for coin in coins(bases)
            if not self._faults.peek(Where.COINGECKO, Part.REST, unknown, (f"{coin.base}-USD",))
        ]

    def _skew_s(self) -> float:
        return self._faults.skew_s(Where.COINGECKO, Part.REST)

    def _now_ms(self) -> int:
        return int((time.time() + self._skew_s()) * 1000)


def _key(request: web.Request, name: str) -> str:
    return request.headers.get(name) or request.query.get(name.replace("-", "_"), "")


def _required(request: web.Request, name: str) -> str:
    value = request.query.get(name, "")
    if not value:
        raise _error(422, messages.complaint(f"Missing parameter {name}"))
    return value


def _is_on(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() == "true"


def _values(text: str) -> set[str]:
    return {value.strip().lower() for value in text.split(",")}


def coingecko_face(prefixes: tuple[str, ...]) -> RestFace:
    """What faults of its REST interface must know of it. A request is about many coins, so none is about one symbol."""

    def error(status: int) -> dict[str, Any]:
        return messages.refusal(status, http.HTTPStatus(status).phrase, int(time.time() * 1000))

    return RestFace(Where.COINGECKO, prefixes, error, lambda _: ())


class _Refusal(web.HTTPError):
    """An error answer of any status."""

    def __init__(self, status: int, body: str, headers: dict[str, str] | None) -> None:
        self.status_code = status
        super().__init__(text=body, content_type="application/json", headers=headers)


def _error(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> web.HTTPError:
    return _Refusal(status, web.json_response(body).text or "", headers)
