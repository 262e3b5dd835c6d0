"""Every fault there is at every feed it concerns, as cases: made from the engine's own table, so that no kind is forgotten."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
# What only a new connection meets: the one there is has to go first.
_AT_THE_BEGINNING = frozenset(
    {Kind.REFUSE, Kind.HANG, Kind.AUTH_FAILED, Kind.AUTH_TIMEOUT, Kind.AUTH_SILENT, Kind.NOT_AUTHORIZED}
)
_LASTS_S = 200.0
_HOLES = 3


@dataclass(frozen=True)
class Case:
    """One fault and what must come of it.

    Attributes:
        fault: What goes wrong.
        variant: What is particular about it.
        helpers: Faults that let it be felt: a connection that ends, so that a new one meets it; bars that the stream leaves
            out, so that history is asked for.
    """

    fault: Fault
    variant: Variant
    helpers: tuple[Fault, ...] = ()

    @property
    def feed(self) -> str:
        """Which feed, in words."""
        return f"{self.fault.where} {self.fault.part or 'all'}"

    @property
    def name(self) -> str:
        """The fault with what is particular about it."""
        options = {name: value for name, value in self.variant.options.items() if name not in ("for_s", "times")}
        said = [str(value) if name in _PLAIN else f"{name} {value}" for name, value in options.items()]
        return " ".join(
            [str(self.fault.kind), *said, *([self.variant.note] if self.variant.note else []), self._length]
        )

    @property
    def _length(self) -> str:
        if self.fault.for_s is not None:
            return f"{self.fault.for_s:g} s"
        times = self.fault.times or 1
        return "once" if times == 1 else f"{times} times"


_PLAIN = frozenset({"code", "status", "symbol", "evict"})


def cases() -> list[Case]:
    """All of them, by feed."""
    return [
        case
        for where, part in FEEDS
        for kind, shape in SHAPES.items()
        if where in shape.where and part in shape.parts
        for case in _of(where, part, kind)
    ] + [_case(where, None, Kind.DOWN, Variant()) for where in (Where.POLYGON, Where.BINANCE)]


def _of(where: Where, part: Part, kind: Kind) -> Iterator[Case]:
    variants = VARIANTS.get((kind, part), VARIANTS.get(kind, (Variant(),)))
    for variant in variants:
        if not variant.where or where in variant.where:
            yield _case(where, part, kind, variant)


def _case(where: Where, part: Part | None, kind: Kind, variant: Variant) -> Case:
    options: dict[str, Any] = dict(variant.options)
    if (base := options.get("symbol")) is not None:
        options["symbol"] = _symbol(where, base)
    if "for_s" not in options and "times" not in options and (part is Part.REST or not SHAPES[kind].counts):
        options["for_s"] = _LASTS_S
    fault = Fault(where=where, part=part, kind=kind, **options)
    shown = replace(variant, options={name: options[name] for name in variant.options})
    return Case(fault, shown, tuple(_helpers(fault)))


def _helpers(fault: Fault) -> Iterator[Fault]:
    where = fault.where
    if fault.part is Part.STREAM:
        if fault.kind in _AT_THE_BEGINNING or fault.moment in (Moment.CONNECT, Moment.AUTH, Moment.SUBSCRIBE):
            yield Fault(where=where, kind=Kind.CLOSE, code=1006)
    elif where is not Where.COINGECKO and fault.part is Part.REST:
        yield Fault(where=where, kind=Kind.SKIPPED, symbol=_symbol(where, "ETH"), times=_HOLES)


def _symbol(where: Where, base: str) -> str:
    return f"{base}-{_QUOTES[where]}"


def chosen(pattern: str, of: Sequence[Case]) -> list[Case]:
    """Cases whose feed and name hold all words of a pattern."""
    return [case for case in of if all(word in f"{case.feed} {case.name}" for word in pattern.split())]
