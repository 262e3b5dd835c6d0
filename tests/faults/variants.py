"""Which variants of a kind of fault are tried: what it may be told, how long it lasts, and what is expected of the feeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.simulator.fault_kinds import Evict, Kind, Moment, Part, Where


@dataclass(frozen=True)
class Variant:
    """One way in which a kind of fault comes.

    Attributes:
        options: Fields of the fault; `symbol` is the base alone. Without `for_s` and `times` the fault comes once, or lasts for
            200 s if it counts nothing.
        where: Sources; none: all that know the kind.
        is_refusal: Only a person could mend it: the feed stands refused, another takes over, and it is tried again rarely.
        is_silent: There is nothing to notice.
        intruder_s: Another program connects with the same key meanwhile, for so long.
        others_at_once: Connections at the source that are not ours, or that we have left and it has not noticed.
        note: What the options do not say.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    where: tuple[Where, ...] = ()
    is_refusal: bool = False
    is_silent: bool = False
    intruder_s: float = 0.0
    others_at_once: int = 0
    note: str = ""


def _once(**options: Any) -> Variant:
    return Variant(options)


def _lasting(**options: Any) -> Variant:
    return Variant({**options, "for_s": 200.0})


def _refusal(**options: Any) -> Variant:
    return Variant({**options, "for_s": 200.0}, is_refusal=True)


_POLYGON, _BINANCE = (Where.POLYGON,), (Where.BINANCE,)
_CODES = (1000, 1001, 1006, 1008, 1009, 1011)
_FRAME = (_once(symbol="BTC"), _lasting())
_BAR = (_once(times=3),)
_SILENT_BAR = (Variant({"times": 3}, is_silent=True),)

VARIANTS: Mapping[Kind | tuple[Kind, Part], tuple[Variant, ...]] = {
    Kind.CLOCK_SKEW: tuple(_lasting(skew_s=skew_s) for skew_s in (5.0, -5.0, 120.0, -120.0)),
    (Kind.UNKNOWN_SYMBOL, Part.STREAM): (_lasting(symbol="ETH"),),
    (Kind.UNKNOWN_SYMBOL, Part.REST): (_lasting(symbol="ETH"),),
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
        Variant({"evict": Evict.NEWEST}, is_silent=True, intruder_s=150, others_at_once=1, note="beside another"),
        Variant({"evict": Evict.OLDEST}, intruder_s=150, others_at_once=1, note="by another"),
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
    Kind.SLOW_CONSUMER: (_once(),),
    Kind.SERVER_SHUTDOWN: (_once(), _once(delay_s=0.0), _lasting()),
    Kind.EXPIRED: (_once(),),
    Kind.STALL: (_once(), _lasting(), _lasting(symbol="BTC"), _lasting(symbol="ETH")),
    Kind.HALF_OPEN: (
        Variant(others_at_once=1),
        Variant({"for_s": 200.0}, others_at_once=9),
    ),
    Kind.TRUNCATED: _FRAME,
    Kind.WRONG_SHAPE: _FRAME,
    Kind.UNKNOWN_EVENT: _FRAME,
    Kind.NAN: _FRAME,
    Kind.HUGE_NUMBER: _FRAME,
    (Kind.HUGE, Part.STREAM): (_once(symbol="BTC"), _once(symbol="BTC", size_bytes=1024 * 1024), _lasting()),
    (Kind.HUGE, Part.REST): (_lasting(), _lasting(size_bytes=64 * 1024 * 1024)),
    Kind.DUPLICATE: _SILENT_BAR,
    Kind.REVISED: (_once(times=3), _once(times=3, delay_s=90.0)),
    Kind.OUT_OF_ORDER: _BAR,
    Kind.SKIPPED: (_once(times=3), _once(times=4, symbol="BTC"), _once(times=4, symbol="ETH")),
    Kind.LATE: (Variant({"times": 3, "delay_s": 2.0}, is_silent=True), _once(times=3), _once(times=3, delay_s=90.0)),
    Kind.NO_TRADE: (_once(times=3), _once(times=4, symbol="BTC"), _once(times=4, symbol="ETH")),
    Kind.INCONSISTENT: (*_BAR, _lasting()),
    Kind.FUTURE: _BAR,
    Kind.STATUS: (
        *(_refusal(status=status) for status in (401, 403, 451)),
        Variant({"status": 418, "for_s": 200.0}, _BINANCE),
        Variant({"status": 418, "retry_after_s": 120.0, "for_s": 100.0}, _BINANCE),
        _lasting(status=429),
        Variant({"status": 429, "retry_after_s": 30.0, "for_s": 200.0}),
        *(_lasting(status=status) for status in (500, 502, 503)),
    ),
    Kind.SLOW: (_lasting(), _lasting(delay_s=60.0)),
}
"""By kind, or by kind and part; a kind that is not here comes once, or lasts."""
