"""What goes wrong in a soak: every kind of fault that ends by itself, in a random order and at random moments."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from shared.simulator.fault_kinds import Kind, Moment, Part, Where
from shared.simulator.faults import Fault

HOUR_S = 3600.0
# The feeds have to be there before anything can happen to them.
_FIRST_AFTER_S = 300.0
# A fault that waits for a connection or a bar does so for no longer than this: it is to hit where it was meant to.
_WAITS_S = 600.0
_ANEW_AFTER_S = 1.0


@dataclass(frozen=True)
class Draw:
    """One kind of fault with what is drawn for it.

    Attributes:
        weight: How often it is in the deck.
        for_s: It lasts between these.
        times: It hits between so many, within `_WAITS_S`; None: what it counts is not limited.
        options: Fields of the fault, each with the values it may have.
        symbol: Share of those that are about one symbol.
        is_anew: It hits a connection's beginning, so the one that is open is cut.
    """

    kind: Kind
    part: Part | None
    weight: int = 4
    for_s: tuple[float, float] = (_WAITS_S, _WAITS_S)
    times: tuple[int, int] | None = None
    options: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    symbol: float = 0.0
    is_anew: bool = False

    def faults(self, rng: random.Random, symbols: Sequence[str], after_s: float) -> Iterator[Fault]:
        """The fault, and the cut that lets it happen."""
        about = rng.choice(symbols) if rng.random() < self.symbol else None
        told = {name: rng.choice(values) for name, values in self.options.items()}
        times = None if self.times is None else rng.randint(*self.times)
        for_s = rng.uniform(*self.for_s)
        where = Where.POLYGON
        yield Fault(
            where=where, part=self.part, kind=self.kind, symbol=about, after_s=after_s, for_s=for_s, times=times, **told
        )
        if self.is_anew:
            cut_s = after_s + _ANEW_AFTER_S
            yield Fault(where=where, part=Part.STREAM, kind=Kind.CLOSE, after_s=cut_s, times=1, for_s=_WAITS_S)


def _bar(kind: Kind, **told: Any) -> Draw:
    return Draw(kind, Part.STREAM, times=(1, 5), symbol=0.5, **told)


def _connection(kind: Kind, weight: int = 4, **told: Any) -> Draw:
    return Draw(kind, Part.STREAM, weight, times=(1, 1), **told)


def _request(kind: Kind, weight: int = 4, **told: Any) -> Draw:
    return Draw(kind, Part.REST, weight, times=(1, 8), **told)


_BEGINNINGS = (Moment.CONNECT, Moment.AUTH, Moment.SUBSCRIBE)
_CLOSES = {"code": (1000, 1001, 1006, 1008, 1009, 1011)}
# After each of these it takes a quarter of an hour until the source is asked again.
_RARE = 1

DRAWS = (
    Draw(Kind.DOWN, None, for_s=(5.0, 240.0)),
    Draw(Kind.CLOCK_SKEW, None, for_s=(60.0, 600.0), options={"skew_s": (-60.0, -8.0, -2.0, 2.0, 8.0, 60.0)}),
    Draw(Kind.UNKNOWN_SYMBOL, None, _RARE, for_s=(30.0, 300.0), symbol=1.0),
    _connection(Kind.REFUSE, is_anew=True, options={"status": (429, 500, 502, 503)}),
    _connection(Kind.HANG, is_anew=True),
    _connection(Kind.AUTH_FAILED, _RARE, is_anew=True),
    _connection(Kind.AUTH_TIMEOUT, is_anew=True),
    _connection(Kind.AUTH_SILENT, is_anew=True),
    _connection(Kind.NOT_AUTHORIZED, _RARE, is_anew=True),
    _connection(Kind.MAX_CONNECTIONS, options={"moment": (Moment.AUTH, Moment.SUBSCRIBE)}, is_anew=True),
    _connection(Kind.MAX_CONNECTIONS, options={"moment": (Moment.STREAM,)}),
    _connection(Kind.CLOSE, options={"moment": _BEGINNINGS, **_CLOSES}, is_anew=True),
    _connection(Kind.CLOSE, options=_CLOSES),
    _connection(Kind.SLOW_CONSUMER),
    Draw(Kind.STALL, Part.STREAM, for_s=(30.0, 400.0), symbol=0.6),
    Draw(Kind.HALF_OPEN, Part.STREAM, for_s=(30.0, 300.0)),
    *map(_bar, (Kind.TRUNCATED, Kind.WRONG_SHAPE, Kind.UNKNOWN_EVENT, Kind.NAN, Kind.HUGE_NUMBER)),
    *map(_bar, (Kind.DUPLICATE, Kind.OUT_OF_ORDER, Kind.SKIPPED, Kind.NO_TRADE, Kind.INCONSISTENT, Kind.FUTURE)),
    _bar(Kind.REVISED, options={"delay_s": (2.0, 20.0, 90.0)}),
    _bar(Kind.LATE, options={"delay_s": (3.0, 30.0, 150.0)}),
    Draw(Kind.HUGE, Part.STREAM, times=(1, 1)),
    Draw(Kind.HUGE, Part.REST, times=(1, 1)),
    Draw(Kind.HANG, Part.REST, for_s=(5.0, 90.0)),
    _request(Kind.STATUS, options={"status": (500, 502, 503, 504)}),
    _request(Kind.STATUS, options={"status": (429,), "retry_after_s": (None, 1.0, 30.0, 120.0)}),
    _request(Kind.STATUS, _RARE, options={"status": (401, 403, 451)}),
    *map(_request, (Kind.NOT_JSON, Kind.CUT, Kind.LOOPING_NEXT_URL, Kind.FOREIGN_NEXT_URL)),
    _request(Kind.SLOW, options={"delay_s": (2.0, 12.0, 25.0)}),
)  # fmt: skip
"""All kinds of Polygon's but `eviction`: that one is about a second connection, which there must never be."""


def random_faults(seed: int, symbols: Sequence[str], until_s: float, an_hour: float) -> list[Fault]:
    """A script of faults.

    Args:
        seed: The same one gives the same faults.
        symbols: In Polygon's quote.
        until_s: Seconds after the start at which the last may begin.
        an_hour: How many are drawn for an hour. Some need a second one, that cuts the connection.
    """
    rng = random.Random(seed)
    script: list[Fault] = []
    deck: list[Draw] = []
    for number in count():
        after_s = _FIRST_AFTER_S + (number + rng.random()) * HOUR_S / an_hour
        if after_s > until_s:
            return script
        if not deck:
            deck = [draw for draw in DRAWS for _ in range(draw.weight)]
            rng.shuffle(deck)
        script += deck.pop().faults(rng, symbols, after_s)
    raise AssertionError
