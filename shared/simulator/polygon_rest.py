"""Polygon's REST half: aggregates in pages, the server's time, and whether a ticker exists.

Paths, parameters and answers are those of Polygon's (Massive's) "Custom bars", "Market status" and "Ticker overview". As there,
a ticker that does not exist has no bars and is no error, `limit` counts minutes whatever they are joined to, and `next_url`
carries no key.
"""

import json
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from shared.simulator import polygon_messages as messages
from shared.simulator.bar_book import MINUTE_MS, BarBook, BookBar, longer
from shared.simulator.fault_kinds import Kind, Part, Where
from shared.simulator.faults import Faults
from shared.simulator.polygon_account import Account
from shared.simulator.rest_faults import Handler, RestFace

AGGREGATES = "/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{since}/{until}"
STATUS = "/v1/marketstatus/now"
TICKER = "/v3/reference/tickers/{ticker}"
_LENGTHS_MS = {"minute": MINUTE_MS, "hour": 60 * MINUTE_MS, "day": 1440 * MINUTE_MS}
_DEFAULT_LIMIT, _MAX_LIMIT = 5000, 50_000
_FEWEST_MINUTES = 1440
_FOREIGN = "http://127.0.0.2:9"  # never answers, and is not the host asked
_EASTERN = timezone(timedelta(hours=-5))
_NEXT_URL_FAULTS = (Kind.LOOPING_NEXT_URL, Kind.FOREIGN_NEXT_URL)


@dataclass(frozen=True)
class _Query:
    """What a request for aggregates asks for; times in UTC epoch milliseconds, `until_ms` not included."""

    ticker: str
    length_ms: int
    since_ms: int
    until_ms: int
    limit: int
    is_ascending: bool


class PolygonRest:
    """REST answers.

    Args:
        bars: What there is.
        prefix: Beginning of its paths.
    """

    def __init__(self, faults: Faults, account: Account, bars: BarBook, prefix: str) -> None:
        self._faults = faults
        self._account = account
        self._bars = bars
        self._prefix = prefix
        self._pairs = {_ticker(pair): pair for pair in bars.symbols()}

    def routes(self) -> list[web.RouteDef]:
        """Below the prefix, and once more without it: a vendor's client keeps of `next_url` nothing but the path."""
        answers = {AGGREGATES: self._aggregates, STATUS: self._status, TICKER: self._describe}
        prefixes = dict.fromkeys((self._prefix, ""))
        return [web.get(prefix + path, self._known(answer)) for prefix in prefixes for path, answer in answers.items()]

    @property
    def face(self) -> RestFace:
        """For the faults in front of it."""
        return RestFace(Where.POLYGON, (f"{self._prefix}/", "/v1/", "/v2/", "/v3/"), messages.error, self._symbols_of)

    def _symbols_of(self, request: web.Request) -> Sequence[str]:
        pair = self._pairs.get(request.match_info.get("ticker", ""))
        return [] if pair is None else [pair]

    def _known(self, answer: Handler) -> Handler:
        """Let in whoever has a key, in a header or in the query."""

        async def handle(request: web.Request) -> web.StreamResponse:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            key = token if scheme.lower() == "bearer" else request.query.get("apiKey", "")
            if not key:
                return _refused(401, "API Key was not provided")
            return await answer(request) if self._account.knows(key) else _refused(401)

        return handle

    async def _status(self, _: web.Request) -> web.StreamResponse:
        """As there, in whole seconds and New York's time."""
        now_s = time.time() + self._faults.skew_s(Where.POLYGON, Part.REST)
        told = datetime.fromtimestamp(int(now_s), UTC).astimezone(_EASTERN).isoformat()
        body = {"market": "open", "serverTime": told, "currencies": {"crypto": "open", "fx": "open"}, "exchanges": {}}
        return web.json_response({**body, "afterHours": False, "earlyHours": False})

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        ticker = request.match_info["ticker"]
        if not self._listed(ticker):
            return _refused(404)
        base, _, quote = self._pairs[ticker].partition("-")
        told = {"ticker": ticker, "market": "crypto", "locale": "global", "active": True}
        symbols = {"base_currency_symbol": base, "currency_symbol": quote}
        return web.json_response({"status": "OK", "results": {**told, **symbols}})

    def _listed(self, ticker: str) -> bool:
        pair = self._pairs.get(ticker)
        unknown = (Kind.UNKNOWN_SYMBOL,)
        return pair is not None and not self._faults.peek(Where.POLYGON, Part.REST, unknown, (pair,))

    async def _aggregates(self, request: web.Request) -> web.StreamResponse:
        try:
            query = _query(request.match_info, request.query)
        except ValueError as error:
            return _refused(400, str(error))
        now_ms = int(time.time() * 1000)
        until_ms = min(query.until_ms, now_ms - now_ms % MINUTE_MS)
        listed = self._listed(query.ticker)
        minutes = self._first(query, until_ms) if listed else []
        page, rest = minutes[: query.limit], minutes[query.limit :]
        next_url = self._next_url(request, query, rest)
        bars = longer(page if query.is_ascending else page[::-1], query.length_ms)
        text = messages.page(query.ticker, bars if query.is_ascending else bars[::-1], len(page), next_url)
        return web.Response(text=text, content_type="application/json")

    def _first(self, query: _Query, until_ms: int) -> list[BookBar]:
        """Minutes in the order asked for, at least one more than a page holds if there are as many.

        Read piece by piece: a book may go back for ever.
        """
        pair, found = self._pairs[query.ticker], list[BookBar]()
        since_ms, piece_ms = query.since_ms, max(query.limit + 1, _FEWEST_MINUTES) * MINUTE_MS
        while since_ms < until_ms and len(found) <= query.limit:
            if query.is_ascending:
                found += self._bars.minutes(pair, since_ms, min(since_ms + piece_ms, until_ms))
                since_ms += piece_ms
            else:
                found += reversed(self._bars.minutes(pair, max(until_ms - piece_ms, since_ms), until_ms))
                until_ms -= piece_ms
        return found

    def _next_url(self, request: web.Request, query: _Query, rest: Sequence[BookBar]) -> str | None:
        injection = self._faults.take(Where.POLYGON, Part.REST, _NEXT_URL_FAULTS, self._symbols_of(request))
        if injection is not None and injection.fault.kind is Kind.LOOPING_NEXT_URL:
            return str(request.url)
        if not rest and injection is None:
            return None
        origin = _FOREIGN if injection is not None else str(request.url.origin())
        following = rest[0].open_ms if rest else query.since_ms
        since_ms, last_ms = (following, query.until_ms - 1) if query.is_ascending else (query.since_ms, following)
        stem = request.path.rsplit("/", 2)[0]
        sort = "asc" if query.is_ascending else "desc"
        cursor = urlsafe_b64encode(urlencode({"limit": query.limit, "sort": sort}).encode()).decode()
        return f"{origin}{stem}/{since_ms}/{last_ms}?cursor={cursor}"


def _ticker(pair: str) -> str:
    return f"X:{pair.replace('-', '')}"


def _query(path: Mapping[str, str], asked: Mapping[str, str]) -> _Query:
    """Read a request.

    Raises:
        ValueError: A part of it cannot be; the message is for the client.
    """
    if path["timespan"] not in _LENGTHS_MS or not path["multiplier"].isdigit() or not int(path["multiplier"]):
        raise ValueError(
            "The parameters 'multiplier' and 'timespan' must be a whole number and one of minute, hour, day."
        )
    if "cursor" in asked:
        asked = dict(parse_qsl(b64decode(asked["cursor"], b"-_", validate=True).decode()))
    length_ms = int(path["multiplier"]) * _LENGTHS_MS[path["timespan"]]
    limit = int(asked.get("limit") or _DEFAULT_LIMIT)
    since_ms, until_ms = _moment_ms(path["since"], 0), _moment_ms(path["until"], 86_400_000 - 1) + 1
    if until_ms <= since_ms:
        raise ValueError("The parameter 'to' must not be before 'from'.")
    # A bar is whole where its span touches the one asked for.
    since_ms, until_ms = since_ms - since_ms % length_ms, -(-until_ms // length_ms) * length_ms
    is_ascending = asked.get("sort", "asc") != "desc"
    return _Query(path["ticker"], length_ms, since_ms, until_ms, max(1, min(limit, _MAX_LIMIT)), is_ascending)


def _moment_ms(text: str, within_day_ms: int) -> int:
    """Epoch milliseconds as they are, or a date's beginning and so much more."""
    if text.isdigit():
        return int(text)
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000) + within_day_ms


def _refused(status: int, message: str | None = None) -> web.Response:
    body = json.dumps(messages.error(status, message))
    return web.Response(status=status, text=body, content_type="application/json")
