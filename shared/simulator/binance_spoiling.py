"""What a fault makes of one closed candle's event on Binance's stream: the texts that are sent in its place, and when."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.simulator.fault_kinds import BARS, FRAMES, Kind
from shared.simulator.faults import Fault

SPOILING = (BARS | FRAMES) - {Kind.SKIPPED, Kind.OUT_OF_ORDER}
"""Kinds that this module does. The other two need the candles around."""

_FUTURE_MS = 3_600_000
_HUGE_NUMBER = "9" * 400
_ELSEWHERE = Decimal("1.001")  # a revised close: near enough to be believed


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it goes out.

    Attributes:
        text: JSON, or what is left of it.
        delay_s: Seconds from now.
        is_cut: Only the first half of its frame's text is sent.
    """

    text: str
    delay_s: float = 0.0
    is_cut: bool = False


def spoiled(fault: Fault, text: str) -> tuple[Told, ...]:
    """What is sent instead of a closed candle's event.

    Raises:
        ValueError: The fault is none of `SPOILING`.
    """
    match fault.kind:
        case Kind.DUPLICATE:
            return Told(text), Told(text)
        case Kind.LATE:
            return (Told(text, fault.delay_s or 0.0),)
        case Kind.TRUNCATED:
            return (Told(text, is_cut=True),)
        case Kind.HUGE:
            return Told(f'{{"e":"noSuchEvent","E":0,"x":"{"x" * (fault.size_bytes or 0)}"}}'), Told(text)
        case Kind.REVISED:
            return Told(_otherwise(text)), Told(text, fault.delay_s or 0.0)
        case Kind.FUTURE:
            return Told(text), Told(_later(text))
        case Kind.UNKNOWN_EVENT:
            return Told('{"e":"noSuchEvent","E":0,"k":null}'), Told(text)
        case Kind.WRONG_SHAPE:
            event = json.loads(text)
            return (Told(json.dumps(event | {"k": list(event["k"].values())})),)
        case Kind.NAN:
            return (Told(_with(text, c="NaN")),)
        case Kind.HUGE_NUMBER:
            return (Told(_with(text, h=_HUGE_NUMBER)),)
        case Kind.INCONSISTENT:
            low = Decimal(json.loads(text)["k"]["l"])
            return (Told(_with(text, h=f"{low / 2:f}")),)
        case _:
            raise ValueError(f"{fault.kind} is not done to one event")


def ahead(text: str, skew_s: float) -> str:
    """The event as a source sends it whose clock is ahead: sent later, of the same candle."""
    event = json.loads(text)
    return _written(event | {"E": event["E"] + round(skew_s * 1000)})


def _with(text: str, **values: Any) -> str:
    event = json.loads(text)
    return _written(event | {"k": event["k"] | values})


def _otherwise(text: str) -> str:
    candle = json.loads(text)["k"]
    close = Decimal(candle["c"]) * _ELSEWHERE
    return _with(text, c=f"{close:f}", h=f"{max(close, Decimal(candle['h'])):f}")


def _later(text: str) -> str:
    candle = json.loads(text)["k"]
    return _with(text, t=candle["t"] + _FUTURE_MS, T=candle["T"] + _FUTURE_MS)


def _written(event: dict[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"))
