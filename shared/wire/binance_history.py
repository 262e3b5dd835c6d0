"""Binance's REST klines: what to ask for and what its answers say.

Source: developers.binance.com, spot REST: klines, server time, limits, errors. A minute without a trade has a kline of volume 0
there; a minute in which the exchange stood still has none.
"""

import re
from decimal import Decimal

import msgspec

from shared.domain.bars import Bar, Series, Span
from shared.ports import FeedError, FeedUnavailable, UnknownSymbol
from shared.wire.history_pages import BadRow, closed_bar
from shared.wire.rest_answer import LONGEST_WAIT_S, Answer, Question, decode, failure, one_line, unreadable, words

SOURCE = "binance"
# What an address may use of weight in a minute, for all its programs together.
ADDRESS_WEIGHT = 6000
PAGE_BARS = 1000
_KLINES_WEIGHT = 2
_INVALID_SYMBOL = -1121
_USED_WEIGHT = "x-mbx-used-weight-1m"
_BANNED_UNTIL = re.compile(r"banned until (\d{13})\b")


class _Row(msgspec.Struct, array_like=True):
    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    last_ms: int


class _Failure(msgspec.Struct):
    code: int = 0
    msg: str = ""


class _Time(msgspec.Struct, rename="camel"):
    server_time: int


_ROWS = msgspec.json.Decoder(list[_Row])
_FAILURE = msgspec.json.Decoder(_Failure)
_TIME = msgspec.json.Decoder(_Time)


def klines(series: Series, span: Span) -> Question:
    """Ask for the bars of a span of at most PAGE_BARS bars: no answer to it can be cut short by a limit."""
    parameters = {
        "symbol": series.symbol.replace("-", ""),
        "interval": series.timeframe.value,
        # Both are about a kline's open, and both are included.
        "startTime": str(span.since_ms),
        "endTime": str(span.until_ms - 1),
        "limit": str(PAGE_BARS),
    }
    return Question("/api/v3/klines", parameters, _KLINES_WEIGHT)


def read_klines(series: Series, span: Span, answer: Answer) -> list[Bar]:
    """The bars of an answer to `klines`.

    Raises:
        FeedUnavailable: Not now, or it cannot be read.
        UnknownSymbol: Binance does not list it.
        FeedRefused: Not at all.
    """
    if answer.status != 200:
        raise _failed(answer, series.symbol)
    rows = decode(SOURCE, answer, _ROWS)
    for row in rows:
        if not span.since_ms <= row.open_ms < span.until_ms or row.last_ms != row.open_ms + series.step_ms - 1:
            raise unreadable(SOURCE, f"a bar from {row.open_ms} to {row.last_ms}, which was not asked for", answer)
    try:
        return [closed_bar(series, row.open_ms, (row.open, row.high, row.low, row.close, row.volume)) for row in rows]
    except BadRow as error:
        raise unreadable(SOURCE, str(error), answer) from error


def used_weight(answer: Answer) -> int | None:
    """What this address has used of its weight in the current minute, all its programs together; None where it is not said."""
    value = answer.headers.get(_USED_WEIGHT, "")
    return int(value[:9]) if value.isascii() and value.isdigit() else None


def server_time() -> Question:
    """Ask for the time."""
    return Question("/api/v3/time")


def read_server_time(answer: Answer) -> int:
    """Its clock, UTC epoch milliseconds.

    Raises:
        FeedUnavailable, FeedRefused: As for `read_klines`.
    """
    if answer.status != 200:
        raise _failed(answer, None)
    return decode(SOURCE, answer, _TIME).server_time


def _failed(answer: Answer, symbol: str | None) -> FeedError:
    said = words(answer, _FAILURE) or _Failure()
    text = one_line(said.msg)
    if said.code == _INVALID_SYMBOL:
        return UnknownSymbol(f"{SOURCE}: does not list {symbol}")
    error = failure(SOURCE, answer, text)
    banned = _BANNED_UNTIL.search(text)
    sent_at_s = answer.sent_at_s
    if isinstance(error, FeedUnavailable) and answer.retry_after_s is None and banned and sent_at_s is not None:
        # Without the header, the end of a ban stands in the text alone.
        left_s = int(banned[1]) / 1000 - sent_at_s
        error.retry_after_s = min(max(error.retry_after_s or 0.0, left_s), LONGEST_WAIT_S)
    return error
