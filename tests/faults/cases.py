"""Every fault there is at every feed it concerns, as cases: made of the engine's own table, so that no kind is forgotten."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.simulator.fault_kinds import SHAPES, Kind, Moment, Part, Where
from shared.simulator.faults import Fault
from tests.faults.variants import VARIANTS, Variant

FEEDS = (
    (Where.POLYGON, Part.STREAM),
    (Where.POLYGON, Part.REST),
    (Where.BINANCE, Part.STREAM),
    (Where.BINANCE, Part.REST),
    (Where.COINGECKO, Part.REST),
)
"""What a sidecar listens to and asks."""

_QUOTES = {Where.POLYGON: "USD", Where.BINANCE: "USDT", Where.COINGECKO: "USD"}
# What only a new connection meets: the one there is has to end first.
_AT_THE_BEGINNING = frozenset(
    {Kind.REFUSE, Kind.HANG, Kind.AUTH_FAILED, Kind.AUTH_TIMEOUT, Kind.AUTH_SILENT, Kind.NOT_AUTHORIZED}
)
_BEFORE_BARS = (Moment.CONNECT, Moment.AUTH, Moment.SUBSCRIBE)
_LASTS_S = 200.0
_HOLES = 3
_SAID_ALONE = frozenset({"code", "status", "symbol", "evict"})


@dataclass(frozen=True)
class Case:
    """One fault and what must come of it.

    Attributes:
        fault: What goes wrong.
        variant: What is particular about it.
        beside: Faults that let it be felt: a connection that ends, so that a new one meets it; bars that the stream leaves out,
            so that history is asked for; the other sources gone too.
        is_alone: There is another source all the time.
    """

    fault: Fault
    variant: Variant
    beside: tuple[Fault, ...] = ()
    is_alone: bool = True

    @property
    def feed(self) -> str:
        """Which feed, in words."""
        return "whole sources" if self.fault.part is None else f"{self.fault.where} {self.fault.part}"

    @property
    def name(self) -> str:
        """The fault with what is particular about it, and how long it lasts."""
        what = str(self.fault.kind) if self.fault.part is not None else f"{self.fault.where} {self.fault.kind}"
        said = []
        for name in self.variant.options.keys() - {"for_s", "times"}:
            value = getattr(self.fault, name)
            text = f"{value:g}" if isinstance(value, float) else str(value)
            said.append(text if name in _SAID_ALONE else f"{name} {text}")
        length = "once" if self.fault.times in (None, 1) else f"{self.fault.times} times"
        if self.fault.for_s is not None:
            length = f"{self.fault.for_s:g} s"
        return ", ".join([" ".join([what, *sorted(said)]), *filter(None, [self.variant.note]), length])

    @property
    def sources(self) -> tuple[str, ...]:
        """The configuration's: the one the fault is at is the one in use."""
        first = Where.POLYGON if self.fault.where is Where.COINGECKO else self.fault.where
        return tuple(sorted(map(str, Where), key=lambda name: (name == Where.COINGECKO, name != first)))


def cases() -> list[Case]:
    """All of them, by feed."""
    of_feeds = [
        case
        for where, part in FEEDS
        for kind, shape in SHAPES.items()
        if where in shape.where and part in shape.parts
        for case in _of(where, part, kind)
    ]
    return of_feeds + list(_of_whole_sources())


def _of(where: Where, part: Part, kind: Kind) -> Iterator[Case]:
    for variant in VARIANTS.get((kind, part), VARIANTS.get(kind, (Variant(),))):
        if not variant.where or where in variant.where:
            yield _case(where, part, kind, variant)


def _of_whole_sources() -> Iterator[Case]:
    """Streams and REST interfaces gone together: of one source, of all that have bars, of all."""
    for where in (Where.POLYGON, Where.BINANCE):
        yield _case(where, None, Kind.DOWN, Variant())
        yield _case(where, None, Kind.UNKNOWN_SYMBOL, Variant({"symbol": "ETH"}))
    down = Fault(where=Where.POLYGON, kind=Kind.DOWN, for_s=300.0)
    too = [Fault(where=where, kind=Kind.DOWN, for_s=300.0) for where in (Where.BINANCE, Where.COINGECKO)]
    yield Case(down, Variant(note="binance too"), tuple(too[:1]), is_alone=False)
    yield Case(down, Variant(note="all others too"), tuple(too), is_alone=False)


def _case(where: Where, part: Part | None, kind: Kind, variant: Variant) -> Case:
    options: dict[str, Any] = dict(variant.options)
    if "symbol" in options:
        options["symbol"] = _symbol(where, options["symbol"])
    if "for_s" not in options and "times" not in options and (part is not Part.STREAM or not SHAPES[kind].counts):
        options["for_s"] = _LASTS_S
    fault = Fault(where=where, part=part, kind=kind, **options)
    return Case(fault, variant, tuple(_beside(fault, variant)))


def _beside(fault: Fault, variant: Variant) -> Iterator[Fault]:
    if fault.part is Part.STREAM:
        if variant.is_cut_first or fault.kind in _AT_THE_BEGINNING or fault.moment in _BEFORE_BARS:
            yield Fault(where=fault.where, kind=Kind.CLOSE, code=1006)
    elif fault.part is Part.REST and fault.where is not Where.COINGECKO:
        yield Fault(where=fault.where, kind=Kind.SKIPPED, symbol=_symbol(fault.where, "ETH"), times=_HOLES)


def _symbol(where: Where, base: str) -> str:
    return f"{base}-{_QUOTES[where]}"


def chosen(pattern: str, of: Sequence[Case]) -> list[Case]:
    """Cases whose feed and name hold every word of a pattern."""
    return [case for case in of if all(word in f"{case.feed} {case.name}" for word in pattern.split())]
