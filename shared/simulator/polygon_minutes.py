"""What Polygon's stream says about one minute, and when: each bar once, unless a fault has it otherwise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from shared.simulator import polygon_messages as messages
from shared.simulator.bar_book import MINUTE_MS, BookBar
from shared.simulator.fault_kinds import BARS, FRAMES, Kind, Part, Where
from shared.simulator.faults import Fault, Faults

_FUTURE_MS = 10 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing to be said to whoever listens to a pair.

    Attributes:
        after_s: Seconds after the moment at which the minute's bars are sent.
        pair: "BTC-USD".
        text: An element to go with the others in one frame.
        is_frame: `text` is a frame of its own, before the others.
    """

    after_s: float
    pair: str
    text: str
    is_frame: bool = False


class MinutePlan:
    """Turns a minute's bars into deliveries. Keeps what a fault holds back until the next bar of its pair."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._held: dict[str, str] = {}

    def deliveries(self, bars: Mapping[str, BookBar]) -> list[Delivery]:
        """Everything to be said about a minute.

        Args:
            bars: Of the minute, by pair: of those that somebody listens to. Faults of other pairs wait until somebody does.
        """
        return [delivery for pair, bar in bars.items() for delivery in self._of(pair, bar)]

    def _of(self, pair: str, bar: BookBar) -> Iterator[Delivery]:
        held = self._held.pop(pair, None)
        injection = self._faults.take(Where.POLYGON, Part.STREAM, BARS | FRAMES, (pair,))
        if injection is None:
            yield Delivery(0.0, pair, _element(pair, bar))
        elif injection.fault.kind is Kind.OUT_OF_ORDER:
            self._held[pair] = _element(pair, bar)
        elif injection.fault.kind in BARS:
            yield from _misreported(injection.fault, pair, bar)
        else:
            yield from _spoiled(injection.fault, pair, bar)
        if held is not None:
            yield Delivery(0.0, pair, held)


def _misreported(fault: Fault, pair: str, bar: BookBar) -> Iterator[Delivery]:
    right = _element(pair, bar)
    match fault.kind:
        case Kind.DUPLICATE:
            yield Delivery(0.0, pair, right)
            yield Delivery(0.0, pair, right)
        case Kind.REVISED:
            yield Delivery(0.0, pair, _element(pair, messages.altered(bar)))
            yield Delivery(fault.delay_s or 0.0, pair, right)
        case Kind.LATE:
            yield Delivery(fault.delay_s or 0.0, pair, right)
        case Kind.INCONSISTENT:
            yield Delivery(0.0, pair, _element(pair, replace(bar, high=bar.low, low=bar.high * 2)))
        case Kind.FUTURE:
            yield Delivery(0.0, pair, right)
            yield Delivery(0.0, pair, _element(pair, replace(bar, open_ms=bar.open_ms + _FUTURE_MS)))
        case _:  # skipped
            return


def _spoiled(fault: Fault, pair: str, bar: BookBar) -> Iterator[Delivery]:
    right = _element(pair, bar)
    match fault.kind:
        case Kind.TRUNCATED:
            yield Delivery(0.0, pair, messages.truncated(messages.frame([right])), is_frame=True)
        case Kind.HUGE:
            yield Delivery(0.0, pair, messages.huge(fault.size_bytes or 0), is_frame=True)
            yield Delivery(0.0, pair, right)
        case Kind.UNKNOWN_EVENT:
            yield Delivery(0.0, pair, messages.spoiled(fault.kind, pair, bar, MINUTE_MS))
            yield Delivery(0.0, pair, right)
        case _:
            yield Delivery(0.0, pair, messages.spoiled(fault.kind, pair, bar, MINUTE_MS))


def _element(pair: str, bar: BookBar) -> str:
    return messages.aggregate("XA", pair, bar, MINUTE_MS)
