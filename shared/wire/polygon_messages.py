"""Polygon's websocket messages: lists of records, read as a whole where that can be done and one by one where not.

Records are those of its document on crypto aggregates (`ev` XA: a minute's bar, sent when the minute is over and again when it
is revised), status messages those that its own client reads (massive/websocket/__init__.py).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from shared.domain.bars import Bar, Series
from shared.wire.dialect import Heard, Said, excerpt
from shared.wire.exact_number import exact_number
from shared.wire.link_table import Event
from shared.wire.stream import Complaint, Malformed, Reported

_SOURCE = "polygon"
_LAST_MS = 253_402_300_800_000  # the year 10000, which no datetime holds
# A message of nothing but rubbish must not become as many complaints as it has records.
_MOST_MALFORMED = 20
# Records are flat. Looked for so, one that is broken off or holds what JSON does not know spoils none beside it.
_FLAT = re.compile(r"\{[^{}]*\}")
_BETWEEN = re.compile(r"[\s,\[\]]*")

_DENIALS = ("not authorized", "not entitled", "don't have access", "authentication failed", "sign your agreements")
_FULL = "maximum number of websocket connections"
_EVENTS = {
    "connected": Event.GREETED,
    "auth_success": Event.AUTHENTICATED,
    "success": Event.SUBSCRIBED,
    "auth_failed": Event.DENIED,
    "auth_timeout": Event.LOST,
    "max_connections": Event.ACCOUNT_FULL,
    "slow_consumer": Event.LOST,
    "force_disconnect": Event.LOST,
}
_GOOD = frozenset({Event.GREETED, Event.AUTHENTICATED, Event.SUBSCRIBED})


class Aggregate(msgspec.Struct, tag_field="ev", tag="XA", gc=False):
    """A minute's bar. Its numbers are kept as they stand there: a bad one spoils its own record alone, a good one is exact."""

    pair: str
    s: int
    o: msgspec.Raw
    h: msgspec.Raw
    l: msgspec.Raw  # noqa: E741  # the name is Polygon's
    c: msgspec.Raw
    v: msgspec.Raw


class Status(msgspec.Struct, tag_field="ev", tag="status", gc=False):
    """What Polygon says of the connection."""

    status: str
    message: str = ""


_UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError)
_RECORDS = msgspec.json.Decoder(list[Aggregate | Status])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_RECORD: msgspec.json.Decoder[Aggregate | Status] = msgspec.json.Decoder(Aggregate | Status)


def records(message: str | bytes) -> list[Aggregate | Status]:
    """All records of a message.

    Raises:
        msgspec.MsgspecError, UnicodeError, RecursionError: At least one of them cannot be read.
    """
    return _RECORDS.decode(message)


def read(message: str | bytes, series: Mapping[str, Series]) -> Sequence[Heard]:
    """What a message says: its bars first, of the given pairs; then how the connection stands; then what could not be read."""
    malformed: list[Malformed] = []
    try:
        found: Iterable[Aggregate | Status] = records(message)
    except _UNREADABLE:
        found = _one_by_one(message, malformed)
    bars: list[Bar] = []
    said: list[Heard] = []
    for record in found:
        if isinstance(record, Status):
            said.append(_said(record))
        elif (of := series.get(record.pair)) is not None:
            try:
                bars.append(_bar(record, of))
            except ValueError as error:
                malformed.append(Malformed(_SOURCE, str(error), excerpt(f"{record.pair} at {record.s}")))
    reported = [Reported(tuple(bars))] if bars else []
    return [*reported, *said, *_bounded(malformed)]


def _one_by_one(message: str | bytes, malformed: list[Malformed]) -> Iterator[Aggregate | Status]:
    """The records that can be read; the others are added to `malformed`."""
    for record in _elements(message, malformed):
        try:
            yield _RECORD.decode(record)
        except _UNREADABLE as error:
            malformed.append(Malformed(_SOURCE, excerpt(str(error)), excerpt(record)))


def _elements(message: str | bytes, malformed: list[Malformed]) -> Iterator[bytes]:
    """What stands where records should; of a message that is no JSON, whatever in it might be one."""
    try:
        yield from map(bytes, _ELEMENTS.decode(message))
        return
    except _UNREADABLE:
        text = message.decode(errors="replace") if isinstance(message, bytes) else message
    read_to = 0
    rest = ""
    for found in _FLAT.finditer(text):
        rest = rest or _rubbish(text, read_to, found.start())
        read_to = found.end()
        yield found.group().encode(errors="replace")
    rest = rest or _rubbish(text, read_to, len(text))
    if rest:
        malformed.append(Malformed(_SOURCE, "what stands between its records is none", rest))


def _rubbish(text: str, begin: int, end: int) -> str:
    """What stands in a stretch where only commas and brackets should; empty where nothing does."""
    between = _BETWEEN.match(text, begin, end)
    first = begin if between is None else between.end()
    return excerpt(text[first : min(end, first + 1000)])


def _bounded(malformed: list[Malformed]) -> list[Malformed]:
    if len(malformed) <= _MOST_MALFORMED:
        return malformed
    more = len(malformed) - _MOST_MALFORMED
    return [*malformed[:_MOST_MALFORMED], Malformed(_SOURCE, f"{more} more records could not be read", "")]


def _bar(record: Aggregate, series: Series) -> Bar:
    if not 0 < record.s < _LAST_MS:
        raise ValueError("its time is none")
    opened, high, low, close, volume = [
        exact_number(str(raw, "ascii", "replace")) for raw in (record.o, record.h, record.l, record.c, record.v)
    ]
    return Bar(series, record.s, opened, high, low, close, volume, is_closed=True)


def _said(record: Status) -> Said | Complaint:
    message = record.message.lower()
    event = _EVENTS.get(record.status)
    if event in _GOOD:
        return Said(event)
    if _FULL in message:
        event = Event.ACCOUNT_FULL
    elif any(denial in message for denial in _DENIALS):
        event = Event.DENIED
    text = f"Polygon says {excerpt(record.status)}: {excerpt(record.message).rstrip('.')}."
    return Complaint(_SOURCE, text) if event is None else Said(event, text)
