"""Which variants of a kind of fault are tried: what it is told, how long it lasts, and what is expected of the feeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.simulator.fault_kinds import Evict, Kind, Moment, Part, Where


@dataclass(frozen=True)
class Variant:
    """One way in which a kind of fault comes.

    Attributes:
        options: Fields of the fault; `symbol` is the base alone. Without `for_s` and `times` a fault of the stream comes once,
            any other one lasts for 200 s.
        where: Sources; none: all that know the kind.
        is_refusal: Only a person could mend it: the feed stands refused, another takes over, and it is tried again rarely.
        is_silent: There is nothing to notice.
        intruder_s: Another program is connected with the same key for so long. It counts as one connection more.
        is_cut_first: The connection there is ends first, so that a new one meets the fault.
        note: What the options do not say.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    where: tuple[Where, ...] = ()
    is_refusal: bool = False
    is_silent: bool = False
    intruder_s: float = 0.0
    is_cut_first: bool = False
    note: str = ""


def _once(**options: Any) -> Variant:
    return Variant(options)


def _lasting(**options: Any) -> Variant:
    return Variant({**options, "for_s": 200.0})


def _refusal(**options: Any) -> Variant:
    return Variant({**options, "for_s": 200.0}, is_refusal=True)


_POLYGON, _BINANCE, _COINGECKO = (Where.POLYGON,), (Where.BINANCE,), (Where.COINGECKO,)
_WITH_BARS = (Where.POLYGON, Where.BINANCE)
_CODES = (1000, 1001, 1006, 1008, 1009, 1011)
_FRAME = (_once(symbol="BTC"), _lasting())
_MIB = 1024 * 1024

VARIANTS: Mapping[Kind | tuple[Kind, Part], tuple[Variant, ...]] = {
    # No stream tells the time of its own; what a price is dated is read to the minute.
    (Kind.CLOCK_SKEW, Part.STREAM): (Variant({"skew_s": 120.0, "for_s": 200.0}, is_silent=True),),
    (Kind.CLOCK_SKEW, Part.REST): (
        *(Variant({"skew_s": skew_s, "for_s": 200.0}, _WITH_BARS) for skew_s in (5.0, -5.0, 120.0, -120.0)),
        Variant({"skew_s": 120.0, "for_s": 200.0}, _COINGECKO, is_silent=True),
    ),
    Kind.UNKNOWN_SYMBOL: (_lasting(symbol="ETH"),),
    Kind.REFUSE: (
        *(_lasting(status=status) for status in (429, 500, 503)),
        *(_refusal(status=status) for status in (401, 403, 451)),
    ),
    (Kind.HANG, Part.STREAM): (_lasting(),),
    Kind.AUTH_FAILED: (_refusal(),),
    Kind.AUTH_TIMEOUT: (_once(), _lasting()),
    Kind.AUTH_SILENT: (_once(), _lasting()),
    Kind.NOT_AUTHORIZED: (_refusal(),),
    Kind.MAX_CONNECTIONS: (
        *(_once(moment=moment) for moment in (Moment.AUTH, Moment.SUBSCRIBE, Moment.STREAM)),
        _lasting(moment=Moment.AUTH),
    ),
    Kind.EVICTION: (
        Variant({"evict": Evict.NEWEST}, is_silent=True, intruder_s=150, note="which is not ours"),
        Variant({"evict": Evict.NEWEST}, intruder_s=150, is_cut_first=True, note="which is ours"),
        Variant({"evict": Evict.OLDEST}, intruder_s=150, note="which is ours"),
    ),
    Kind.CLOSE: (
        *(_once(code=code) for code in _CODES),
        _once(code=1006, moment=Moment.CONNECT),
        *(Variant({"code": code, "moment": Moment.AUTH}, _POLYGON) for code in (1000, 1006)),
        _once(code=1006, moment=Moment.SUBSCRIBE),
        *(_lasting(code=code) for code in (1000, 1006, 1008)),
        _lasting(code=1006, moment=Moment.CONNECT),
        Variant({"code": 1006, "moment": Moment.AUTH, "for_s": 200.0}, _POLYGON),
    ),
    Kind.SERVER_SHUTDOWN: (_once(), _once(delay_s=0.0), _lasting()),
    Kind.STALL: (_once(), _lasting(), _lasting(symbol="BTC"), _lasting(symbol="ETH")),
    Kind.HALF_OPEN: (_once(), _lasting()),
    Kind.TRUNCATED: _FRAME,
    Kind.WRONG_SHAPE: _FRAME,
    Kind.UNKNOWN_EVENT: _FRAME,
    Kind.NAN: _FRAME,
    Kind.HUGE_NUMBER: _FRAME,
    (Kind.HUGE, Part.STREAM): (
        *_FRAME,
        Variant({"symbol": "BTC", "size_bytes": _MIB}, _POLYGON, is_silent=True),
        Variant({"symbol": "BTC", "size_bytes": _MIB}, _BINANCE),
    ),
    (Kind.HUGE, Part.REST): (_lasting(), _lasting(size_bytes=64 * _MIB)),
    Kind.DUPLICATE: (Variant({"times": 3}, is_silent=True),),
    Kind.REVISED: (_once(times=3), _once(times=3, delay_s=90.0)),
    Kind.OUT_OF_ORDER: (_once(times=3),),
    Kind.SKIPPED: (_once(times=3), _once(times=4, symbol="BTC"), _once(times=4, symbol="ETH")),
    Kind.LATE: (Variant({"times": 3, "delay_s": 2.0}, is_silent=True), _once(times=3), _once(times=3, delay_s=90.0)),
    Kind.NO_TRADE: (_once(times=3), _once(times=4, symbol="BTC"), _once(times=4, symbol="ETH")),
    Kind.INCONSISTENT: (_once(times=3), _lasting()),
    Kind.FUTURE: (_once(times=3),),
    Kind.STATUS: (
        *(_refusal(status=status) for status in (401, 403, 451)),
        Variant({"status": 418, "for_s": 200.0}, _BINANCE),
        Variant({"status": 418, "retry_after_s": 120.0, "for_s": 100.0}, _BINANCE),
        _lasting(status=429),
        _lasting(status=429, retry_after_s=30.0),
        *(_lasting(status=status) for status in (500, 502, 503)),
    ),
    Kind.SLOW: (
        Variant({"for_s": 200.0}, _WITH_BARS),
        Variant({"for_s": 200.0}, _COINGECKO, is_silent=True),
        _lasting(delay_s=60.0),
    ),
}
"""By kind, or by kind and part; a kind that is not here comes once, or lasts."""
