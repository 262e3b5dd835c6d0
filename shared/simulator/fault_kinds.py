"""The kinds of fault there are: at which source, in which part, and what each may be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Where(StrEnum):
    """A source that the local venue plays."""

    POLYGON = "polygon"
    BINANCE = "binance"
    COINGECKO = "coingecko"


class Part(StrEnum):
    """A side of a source."""

    STREAM = "stream"
    REST = "rest"


class Moment(StrEnum):
    """Where a connection stands when it is hit."""

    CONNECT = "connect"  # open, nothing said yet
    AUTH = "auth"  # in the place of the answer to the key; a close comes after the answer
    SUBSCRIBE = "subscribe"  # the first subscription was answered
    STREAM = "stream"  # bars flow: at once where it is subscribed already, else after its first bar


class Evict(StrEnum):
    """Which connection has to go when a key has one too many."""

    OLDEST = "oldest"
    NEWEST = "newest"


class Kind(StrEnum):
    """What goes wrong."""

    # The whole source.
    DOWN = "down"  # connections are cut, new ones are cut before they are answered
    CLOCK_SKEW = "clock_skew"  # it tells the time wrongly; its bars keep their times
    UNKNOWN_SYMBOL = "unknown_symbol"  # it does not list the symbol
    # A connection's beginning.
    REFUSE = "refuse"  # the handshake is answered with an HTTP status
    HANG = "hang"  # no answer at all: to a handshake, or to a request
    AUTH_FAILED = "auth_failed"
    AUTH_TIMEOUT = "auth_timeout"
    AUTH_SILENT = "auth_silent"  # the key is never answered
    NOT_AUTHORIZED = "not_authorized"  # the plan has no such subscription
    # A connection's end.
    MAX_CONNECTIONS = "max_connections"
    EVICTION = "eviction"  # which one goes when the account has one too many
    CLOSE = "close"
    SLOW_CONSUMER = "slow_consumer"  # told that it reads too slowly, and closed
    SERVER_SHUTDOWN = "server_shutdown"  # told that the server goes, and closed after `delay_s`
    EXPIRED = "expired"  # its longest life is over
    # A connection that lives and does not work.
    STALL = "stall"  # no bars, while pings are answered
    HALF_OPEN = "half_open"  # the other end is gone and nobody was told
    # Frames.
    TRUNCATED = "truncated"  # cut in the middle
    WRONG_SHAPE = "wrong_shape"  # JSON, but not of this kind
    UNKNOWN_EVENT = "unknown_event"  # one more record, of a kind nobody knows
    NAN = "nan"  # not a number, in the place of a price
    HUGE = "huge"  # `size_bytes` of nothing, before the frame; an answer so large
    HUGE_NUMBER = "huge_number"  # a price of hundreds of digits
    # Bars.
    DUPLICATE = "duplicate"  # sent twice
    REVISED = "revised"  # sent with other values first, then as it is
    OUT_OF_ORDER = "out_of_order"  # sent after the next one
    SKIPPED = "skipped"  # not sent; REST has it
    LATE = "late"  # sent `delay_s` later
    NO_TRADE = "no_trade"  # never was: neither sent nor in REST
    INCONSISTENT = "inconsistent"  # its high below its low; REST has it as it is
    FUTURE = "future"  # one more bar, of a minute that has not come
    # Requests.
    STATUS = "status"  # an HTTP status, 5xx as a page of HTML
    NOT_JSON = "not_json"  # 200, and a page of HTML
    CUT = "cut"  # the connection ends in the middle of the answer
    SLOW = "slow"  # the answer drips for `delay_s`
    LOOPING_NEXT_URL = "looping_next_url"  # the next page is this page
    FOREIGN_NEXT_URL = "foreign_next_url"  # the next page is at another host


Option = float | str | None


@dataclass(frozen=True)
class Shape:
    """What a kind of fault is about.

    Attributes:
        where: Sources that know it.
        parts: Parts that know it.
        counts: What `times` counts; empty: it lasts until it is over.
        options: Fields of a fault that it reads, with their defaults.
    """

    where: tuple[Where, ...]
    parts: tuple[Part, ...]
    counts: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)


_ALL = (Where.POLYGON, Where.BINANCE, Where.COINGECKO)
_STREAMING = (Where.POLYGON, Where.BINANCE)
_POLYGON, _BINANCE = (Where.POLYGON,), (Where.BINANCE,)
_STREAM, _REST, _BOTH = (Part.STREAM,), (Part.REST,), (Part.STREAM, Part.REST)


def _connection(where: tuple[Where, ...], **options: Option) -> Shape:
    return Shape(where, _STREAM, "connections", options)


def _bar(where: tuple[Where, ...] = _STREAMING, **options: Option) -> Shape:
    return Shape(where, _STREAM, "bars", options)


def _request(where: tuple[Where, ...] = _ALL, **options: Option) -> Shape:
    return Shape(where, _REST, "requests", options)


SHAPES: Mapping[Kind, Shape] = {
    Kind.DOWN: Shape(_ALL, _BOTH),
    Kind.CLOCK_SKEW: Shape(_ALL, _BOTH, options={"skew_s": 5.0}),
    Kind.UNKNOWN_SYMBOL: Shape(_ALL, _BOTH),
    Kind.REFUSE: _connection(_STREAMING, status=503),
    Kind.HANG: Shape(_ALL, _BOTH, "connections and requests"),
    Kind.AUTH_FAILED: _connection(_POLYGON),
    Kind.AUTH_TIMEOUT: _connection(_POLYGON),
    Kind.AUTH_SILENT: _connection(_POLYGON),
    Kind.NOT_AUTHORIZED: _connection(_POLYGON),
    Kind.MAX_CONNECTIONS: _connection(_POLYGON, moment=Moment.AUTH),
    Kind.EVICTION: Shape(_POLYGON, _STREAM, options={"evict": Evict.NEWEST}),
    Kind.CLOSE: _connection(_STREAMING, moment=Moment.STREAM, code=1006),
    Kind.SLOW_CONSUMER: _connection(_POLYGON),
    Kind.SERVER_SHUTDOWN: _connection(_BINANCE, delay_s=10.0),
    Kind.EXPIRED: _connection(_BINANCE),
    Kind.STALL: _connection(_STREAMING),
    Kind.HALF_OPEN: _connection(_STREAMING),
    Kind.TRUNCATED: _bar(),
    Kind.WRONG_SHAPE: _bar(),
    Kind.UNKNOWN_EVENT: _bar(),
    Kind.NAN: _bar(),
    Kind.HUGE: Shape(_ALL, _BOTH, "bars and requests", {"size_bytes": 8 * 1024 * 1024}),
    Kind.HUGE_NUMBER: _bar(),
    Kind.DUPLICATE: _bar(),
    Kind.REVISED: _bar(delay_s=2.0),
    Kind.OUT_OF_ORDER: _bar(),
    Kind.SKIPPED: _bar(),
    Kind.LATE: _bar(delay_s=30.0),
    Kind.NO_TRADE: _bar(_POLYGON),
    Kind.INCONSISTENT: _bar(),
    Kind.FUTURE: _bar(),
    Kind.STATUS: _request(status=503, retry_after_s=None),
    Kind.NOT_JSON: _request(),
    Kind.CUT: _request(),
    Kind.SLOW: _request(delay_s=20.0),
    Kind.LOOPING_NEXT_URL: _request(_POLYGON),
    Kind.FOREIGN_NEXT_URL: _request(_POLYGON),
}
"""Every kind, and what it may be told."""

ENDING = frozenset({Kind.CLOSE, Kind.MAX_CONNECTIONS, Kind.SLOW_CONSUMER, Kind.EXPIRED, Kind.SERVER_SHUTDOWN})
"""Kinds that end a connection."""
HOLDING = frozenset({Kind.STALL, Kind.HALF_OPEN})
"""Kinds that a connection has until they are over or it is."""
FRAMES = frozenset({Kind.TRUNCATED, Kind.WRONG_SHAPE, Kind.UNKNOWN_EVENT, Kind.NAN, Kind.HUGE, Kind.HUGE_NUMBER})
"""Kinds that spoil the frame a bar is in."""
BARS = frozenset(
    {Kind.DUPLICATE, Kind.REVISED, Kind.OUT_OF_ORDER, Kind.SKIPPED, Kind.LATE, Kind.INCONSISTENT, Kind.FUTURE}
)
"""Kinds that change which bars are sent, and when. A minute without a trade is not among them: there is no bar to change."""
