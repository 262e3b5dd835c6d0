"""Polygon's REST aggregates: what to ask for and what its answers say.

Source: massive.com/docs, REST, crypto: custom bars, ticker overview, market status; `massive/rest/` of its own client. A minute
without a trade has no bar there. `limit` counts the one-minute bars that an answer is made of, whatever the timeframe.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from shared.domain.bars import Bar, Series, Span
from shared.domain.stored import Timeframe
from shared.ports import FeedError, FeedRefused, FeedUnavailable, UnknownSymbol
from shared.wire.history_pages import BadRow, closed_bar
from shared.wire.rest_answer import Answer, Question, decode, failure, one_line, unreadable, words

SOURCE = "polygon"
# A month of minutes is less than `limit`, so that an answer is whole in one page, or in a few.
LONGEST_SPAN_MS = 30 * 86_400_000
# What a plan without real-time data is behind. Such an answer says so in its status.
DELAY_S = 15 * 60.0
_LIMIT = "50000"
_RANGES = {Timeframe.MINUTE: "1/minute", Timeframe.QUARTER: "15/minute", Timeframe.HOUR: "1/hour"}
_SAFE_PATH = re.compile(r"[A-Za-z0-9:%_/-]+")
_NOT_ENTITLED = "NOT_AUTHORIZED"


class _Row(msgspec.Struct):
    t: int
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the name is Polygon's
    c: Decimal
    v: Decimal


class _Aggregates(msgspec.Struct, rename="camel"):
    status: str
    results_count: int | None = None
    results: list[_Row] | None = None
    ticker: str | None = None
    next_url: str | None = msgspec.field(default=None, name="next_url")
    error: str = ""
    message: str = ""


class _Failure(msgspec.Struct):
    status: str = ""
    error: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    ticker: str


class _Overview(msgspec.Struct):
    status: str
    results: _Details


class _MarketStatus(msgspec.Struct, rename="camel"):
    server_time: datetime


_AGGREGATES = msgspec.json.Decoder(_Aggregates)
_FAILURE = msgspec.json.Decoder(_Failure)
_OVERVIEW = msgspec.json.Decoder(_Overview)
_MARKET_STATUS = msgspec.json.Decoder(_MarketStatus)


@dataclass(frozen=True, slots=True)
class AggregatesPage:
    """One page.

    Attributes:
        bars: Those of the span asked for.
        next_url: Where the next page is; None where this was the last. Not to be trusted: see `following`.
        is_delayed: The plan's bars come DELAY_S late.
    """

    bars: tuple[Bar, ...]
    next_url: str | None
    is_delayed: bool


def aggregates(series: Series, span: Span) -> Question:
    """Ask for the bars of a span, which is no longer than LONGEST_SPAN_MS."""
    # Both bounds are about a bar's open, and both are included.
    path = f"{_folder(series)}{span.since_ms}/{span.until_ms - 1}"
    return Question(path, {"adjusted": "true", "sort": "asc", "limit": _LIMIT})


def _folder(series: Series) -> str:
    return f"/v2/aggs/ticker/{_ticker(series)}/range/{_RANGES[series.timeframe]}/"


def _ticker(series: Series) -> str:
    return "X:" + series.symbol.replace("-", "")


def following(series: Series, next_url: str, base_url: str) -> Question:
    """Ask for the page a page names as the next one.

    Args:
        base_url: The address of the interface, as configured: the key goes there and nowhere else.

    Raises:
        FeedRefused: It is at another address, or not of these bars.
    """
    base = urlsplit(base_url)
    try:
        there = urlsplit(next_url)
        is_ours = (there.scheme, there.hostname, there.port) == (base.scheme, base.hostname, base.port)
    except ValueError:
        is_ours = False
    if not is_ours or "@" in there.netloc:
        raise FeedRefused(
            f"{SOURCE}: its next page is not at {base.scheme}://{base.netloc} but at {one_line(next_url.partition('?')[0])!r},"
            " where the key must not go"
        )
    path = there.path.removeprefix(base.path)
    if not path.startswith(_folder(series)) or not _SAFE_PATH.fullmatch(path):
        raise FeedRefused(f"{SOURCE}: its next page is of something else: {one_line(path)!r}")
    # The key goes in a header; one that came back in the address is not repeated there.
    return Question(path, {name: value for name, value in parse_qsl(there.query) if name != "apiKey"})


def read_page(series: Series, span: Span, answer: Answer) -> AggregatesPage:
    """The bars of an answer to `aggregates` or `following`; none where nothing was traded.

    Raises:
        FeedUnavailable: It says that it failed, holds fewer bars than it says, or cannot be read.
        FeedRefused: The key or the plan does not allow it.
    """
    if answer.status != 200:
        raise _failed(answer)
    page = decode(SOURCE, answer, _AGGREGATES)
    if page.status == _NOT_ENTITLED:
        raise FeedRefused(f"{SOURCE}: {one_line(page.message or page.error)}")
    if page.status not in ("OK", "DELAYED"):
        raise FeedUnavailable(f"{SOURCE}: answered {one_line(page.status)}: {one_line(page.error or page.message)}")
    rows = page.results or []
    if page.results_count != len(rows):
        raise unreadable(SOURCE, f"{len(rows)} bars where it says {page.results_count}", answer)
    if page.ticker not in (None, _ticker(series)):
        raise unreadable(SOURCE, f"bars of {page.ticker}, not of {_ticker(series)}", answer)
    try:
        bars = [closed_bar(series, row.t, (row.o, row.h, row.l, row.c, row.v)) for row in rows]
    except BadRow as error:
        raise unreadable(SOURCE, str(error), answer) from error
    # It may round the bounds outwards; an answer about another time altogether proves nothing about this one.
    inside = tuple(bar for bar in bars if span.since_ms <= bar.open_ms < span.until_ms)
    if bars and not inside:
        raise unreadable(SOURCE, "bars of another time than asked for", answer)
    return AggregatesPage(inside, page.next_url, page.status == "DELAYED")


def _failed(answer: Answer) -> FeedError:
    said = words(answer, _FAILURE) or _Failure()
    text = one_line(said.error or said.message)
    if _is_of_plan(answer):
        # What the plan lacks may be this request alone, e.g. years too far back: others go on.
        return FeedRefused(f"{SOURCE}: {text}")
    return failure(SOURCE, answer, text)


def _is_of_plan(answer: Answer) -> bool:
    """Whether it failed for what the plan lacks."""
    return (words(answer, _FAILURE) or _Failure()).status == _NOT_ENTITLED


def ticker_overview(series: Series) -> Question:
    """Ask whether a symbol exists: aggregates of one that does not are answered like those of one without a trade."""
    return Question(f"/v3/reference/tickers/{_ticker(series)}")


def check_listed(series: Series, answer: Answer) -> None:
    """Read the answer to `ticker_overview`. A plan without reference data leaves it open, and the symbol passes.

    Raises:
        UnknownSymbol: There is no such symbol.
        FeedUnavailable, FeedClosed: As for `read_page`.
    """
    if answer.status == 404:
        raise UnknownSymbol(f"{SOURCE}: does not list {series.symbol}")
    if answer.status == 200:
        details = decode(SOURCE, answer, _OVERVIEW).results
        if details.ticker != _ticker(series):
            raise unreadable(SOURCE, f"a ticker that was not asked for, {details.ticker}", answer)
        return
    if not _is_of_plan(answer):
        raise _failed(answer)


def market_status() -> Question:
    """Ask for the time."""
    return Question("/v1/marketstatus/now")


def read_server_time(answer: Answer) -> int:
    """Its clock, UTC epoch milliseconds; it tells whole seconds, so that it is up to 1 s further.

    Raises:
        FeedUnavailable, FeedRefused: As for `read_page`.
    """
    if answer.status != 200:
        raise _failed(answer)
    told = decode(SOURCE, answer, _MARKET_STATUS).server_time
    if told.tzinfo is None:
        raise unreadable(SOURCE, "a time without its zone", answer)
    return round(told.timestamp() * 1000)
