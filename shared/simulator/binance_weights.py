"""What requests to Binance weigh, and what becomes of an address that asks for too much: 429, then 418.

Weights and limits are those of Binance's spot and USD-M futures market data documentation. When a 429 becomes a ban is not
documented; here it is after ten more requests within that minute.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

_MINUTE_S = 60
_PATIENCE = 10  # requests answered with 429 before the address is banned
_FIRST_BAN_S, _LONGEST_BAN_S = 120, 3 * 86_400
_MOST_ADDRESSES = 10_000
SPOT_LIMIT, PERPETUAL_LIMIT = 6000, 2400
"""Weight an address may use in a minute."""

_ONE_OR_ALL = {"/ticker/24hr": (2, 80), "/ticker/price": (2, 4), "/ticker/bookTicker": (2, 4), "/premiumIndex": (1, 10)}
_SPOT = {"/klines": 2, "/aggTrades": 4, "/exchangeInfo": 20}
_PERPETUAL = {"/aggTrades": 20}
_SPOT_DEPTH = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_PERPETUAL_DEPTH = ((50, 2), (100, 5), (500, 10), (1000, 20))
_PERPETUAL_KLINES = ((99, 1), (499, 2), (1000, 5), (1500, 10))


def weight(path: str, perpetual: bool, query: Mapping[str, str]) -> int:
    """What one request weighs; `path` is below the version, as in "/klines"."""
    if path in _ONE_OR_ALL:
        one, every = _ONE_OR_ALL[path]
        return one if "symbol" in query else every
    if path == "/depth":
        return _by_limit(_PERPETUAL_DEPTH if perpetual else _SPOT_DEPTH, query, 500 if perpetual else 100)
    if path == "/klines" and perpetual:
        return _by_limit(_PERPETUAL_KLINES, query, 500)
    return (_PERPETUAL if perpetual else _SPOT).get(path, 1)


def _by_limit(steps: tuple[tuple[int, int], ...], query: Mapping[str, str], default: int) -> int:
    text = query.get("limit", "")
    limit = int(text) if text.isdecimal() else default
    return next((weighs for most, weighs in steps if limit <= most), steps[-1][1])


@dataclass
class _Address:
    """What one address did of late."""

    minute: int = -1
    used: int = 0
    refused: int = 0
    ban_s: int = _FIRST_BAN_S
    banned_until_s: float = 0.0


class RequestWeights:
    """The weight that each address has used in the clock's present minute.

    Args:
        limit: Most an address may use in one.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._addresses: dict[str, _Address] = {}

    def use(self, address: str, weighs: int) -> int:
        """Count a request; what its address has used in this minute, to be told in the answer's headers.

        Raises:
            web.HTTPException: 429 or 418, with Retry-After.
        """
        now_s = time.time()
        if len(self._addresses) >= _MOST_ADDRESSES:
            self._addresses.clear()
        one = self._addresses.setdefault(address, _Address())
        if one.minute != int(now_s // _MINUTE_S):
            one.minute, one.used, one.refused = int(now_s // _MINUTE_S), 0, 0
        if now_s < one.banned_until_s:
            raise _refused(418, one.banned_until_s - now_s, one.used)
        one.used += weighs
        if one.used <= self._limit:
            return one.used
        one.refused += 1
        if one.refused > _PATIENCE:
            one.banned_until_s = now_s + one.ban_s
            one.ban_s = min(2 * one.ban_s, _LONGEST_BAN_S)
            raise _refused(418, one.banned_until_s - now_s, one.used)
        raise _refused(429, _MINUTE_S - now_s % _MINUTE_S, one.used)


def weight_headers(used: int) -> dict[str, str]:
    """What every answer says of the minute."""
    return {"X-MBX-USED-WEIGHT": str(used), "X-MBX-USED-WEIGHT-1M": str(used)}


def error_body(status: int) -> dict[str, object]:
    """What Binance says with an HTTP status that is no matter of the request itself."""
    code, text = _SAID.get(status, (-1000, "An unknown error occurred while processing the request."))
    return {"code": code, "msg": text}


def _refused(status: int, wait_s: float, used: int) -> web.HTTPException:
    headers = {"Retry-After": str(int(wait_s) + 1), **weight_headers(used)}
    return _Refusal(status, json.dumps(error_body(status)), headers)


class _Refusal(web.HTTPClientError):
    """An error answer of a status that aiohttp has no class for."""

    def __init__(self, status: int, body: str, headers: dict[str, str]) -> None:
        self.status_code = status
        super().__init__(text=body, content_type="application/json", headers=headers)


_SAID = {
    401: (-2015, "Invalid API-key, IP, or permissions for action."),
    403: (0, "Forbidden."),
    418: (-1003, "Way too much request weight used; IP banned."),
    429: (-1003, "Too much request weight used; please use WebSocket Streams for live updates."),
    451: (0, "Service unavailable from a restricted location."),
}
