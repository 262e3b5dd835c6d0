"""Binance's websocket messages: klines, bare or wrapped in their stream's name, answers to requests, and its farewell.

Those of its document "WebSocket Streams for Binance": `k.x` says whether a kline is closed; `serverShutdown` comes before the
server ends all its connections.
"""

from collections.abc import Mapping, Sequence

import msgspec

from shared.domain.bars import Bar, Series
from shared.wire.dialect import Heard, Said, excerpt
from shared.wire.exact_number import exact_number
from shared.wire.link_table import Event
from shared.wire.stream import Complaint, Malformed, Reported

_SOURCE = "binance"
_INTERVAL = "1m"
_LAST_MS = 253_402_300_800_000  # the year 10000, which no datetime holds


class _Kline(msgspec.Struct, gc=False):
    s: str
    i: str
    t: int
    o: str
    h: str
    l: str  # noqa: E741  # the name is Binance's
    c: str
    v: str
    x: bool


class _Event(msgspec.Struct, gc=False):
    e: str = ""
    k: _Kline | None = None


class _Refusal(msgspec.Struct, gc=False):
    code: int = 0
    msg: str = ""


class _Message(_Event, gc=False):
    data: _Event | None = None
    id: int | str | None = None
    error: _Refusal | None = None
    code: int | None = None
    msg: str = ""


_MESSAGE = msgspec.json.Decoder(_Message)


def read(message: str | bytes, series: Mapping[str, Series]) -> Sequence[Heard]:
    """What a message says; a kline of a symbol that is not given says nothing."""
    try:
        found = _MESSAGE.decode(message)
        return _heard(found, series, message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        return [Malformed(_SOURCE, excerpt(str(error)), excerpt(message))]


def _heard(found: _Message, series: Mapping[str, Series], message: str | bytes) -> Sequence[Heard]:
    event = found.data or found
    if event.e == "kline" and event.k is not None:
        of = series.get(event.k.s)
        return [] if of is None else [Reported((_bar(event.k, of),))]
    if event.e == "serverShutdown":
        return [Said(Event.LOST, "Binance is about to shut this connection's server down.", is_planned=True)]
    refusal = found.error or (None if found.code is None else _Refusal(found.code, found.msg))
    if refusal is not None:
        return [Complaint(_SOURCE, f"Binance refuses a request: {refusal.code} {excerpt(refusal.msg)}.")]
    if found.id is not None and not event.e:
        return [Said(Event.SUBSCRIBED)]
    return [Malformed(_SOURCE, "it is neither a kline nor an answer", excerpt(message))]


def _bar(kline: _Kline, series: Series) -> Bar:
    if kline.i != _INTERVAL:
        raise ValueError(f"a kline of {excerpt(kline.i)} where {_INTERVAL} was asked for")
    if not 0 < kline.t < _LAST_MS:
        raise ValueError("its time is none")
    opened, high, low, close, volume = map(exact_number, (kline.o, kline.h, kline.l, kline.c, kline.v))
    return Bar(series, kline.t, opened, high, low, close, volume, is_closed=kline.x)
