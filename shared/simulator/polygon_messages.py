"""Polygon's JSON: status messages and aggregates of the crypto stream, aggregates and errors of REST, sound and spoiled.

Field names and types are those of Polygon's (Massive's) documentation of the crypto websocket (XA, XAS) and of "Custom bars".
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.simulator.bar_book import BookBar
from shared.simulator.fault_kinds import Kind

_TRUNCATED_TO = 0.6  # of a frame's length
_DIGITS = 400  # more than any float or fixed-size decimal holds


def status(name: str, message: str) -> str:
    """One status message, as an element of a frame."""
    return json.dumps({"ev": "status", "status": name, "message": message}, separators=(",", ":"))


def frame(elements: Sequence[str]) -> str:
    """Elements as one message."""
    return f"[{','.join(elements)}]"


def aggregate(event: str, pair: str, bar: BookBar, length_ms: int) -> str:
    """An `XA` or `XAS` element."""
    return _aggregate(event, pair, bar, length_ms, f"{bar.close:f}")


def _aggregate(event: str, pair: str, bar: BookBar, length_ms: int, close: str) -> str:
    size = int(bar.volume / bar.trades)
    return (
        f'{{"ev":"{event}","pair":"{pair}","o":{bar.open:f},"c":{close},"h":{bar.high:f},"l":{bar.low:f},"v":{bar.volume:f},'
        f'"s":{bar.open_ms},"e":{bar.open_ms + length_ms},"vw":{bar.vwap:f},"z":{size}}}'
    )


def spoiled(kind: Kind, pair: str, bar: BookBar, length_ms: int) -> str:
    """An element as a fault of its frame leaves it; of `UNKNOWN_EVENT` the one to add."""
    match kind:
        case Kind.NAN:
            return _aggregate("XA", pair, bar, length_ms, "NaN")
        case Kind.HUGE_NUMBER:
            return _aggregate("XA", pair, bar, length_ms, "1" + "0" * _DIGITS)
        case Kind.WRONG_SHAPE:
            return f'{{"ev":"XA","pair":["{pair}"],"o":{{"price":"{bar.open:f}"}},"s":"soon"}}'
        case Kind.UNKNOWN_EVENT:
            return f'{{"ev":"XYZ","pair":"{pair}","p":{bar.close:f},"t":{bar.open_ms}}}'
        case _:
            raise ValueError(f"{kind} does not spoil an element")


def truncated(text: str) -> str:
    """A frame that ends too soon."""
    return text[: int(len(text) * _TRUNCATED_TO)]


def huge(size_bytes: int) -> str:
    """A frame that is too large and says nothing."""
    return frame([status("success", "x" * size_bytes)])


def row(bar: BookBar) -> str:
    """An aggregate as REST has it."""
    return (
        f'{{"v":{bar.volume:f},"vw":{bar.vwap:f},"o":{bar.open:f},"c":{bar.close:f},"h":{bar.high:f},"l":{bar.low:f},'
        f'"t":{bar.open_ms},"n":{bar.trades}}}'
    )


def page(ticker: str, bars: Sequence[BookBar], base_count: int, next_url: str | None) -> str:
    """A page of aggregates. As with Polygon, one without any has no `results`.

    Args:
        base_count: Minutes it was made of.
    """
    head = (
        f'"ticker":"{ticker}","queryCount":{base_count},"resultsCount":{len(bars)},"adjusted":true,'
        f'"status":"OK","request_id":"{_REQUEST}","count":{len(bars)}'
    )
    results = f',"results":[{",".join(map(row, bars))}]' if bars else ""
    following = f',"next_url":{json.dumps(next_url)}' if next_url else ""
    return f"{{{head}{results}{following}}}"


def error(status_code: int, message: str | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    known = _ERRORS.get(status_code, ("ERROR", "Something went wrong."))
    return {"status": known[0], "request_id": _REQUEST, "error": message or known[1]}


def altered(bar: BookBar) -> BookBar:
    """A bar as it is before its revision: as sound, and not the same."""
    return replace(bar, close=bar.open, volume=bar.volume / 2)


_REQUEST = "00000000000000000000000000000000"
_ERRORS = {
    401: ("ERROR", "Unknown API Key"),
    403: ("NOT_AUTHORIZED", "You are not entitled to this data. Please upgrade your plan."),
    404: ("NOT_FOUND", "Ticker not found."),
    429: ("ERROR", "You've exceeded the maximum requests per minute, please wait or upgrade your subscription."),
}
