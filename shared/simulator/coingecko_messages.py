"""CoinGecko's JSON: prices, candles and refusals, as its documentation of API v3 and its clients' reports have them.

Candles are stamped at their CLOSE and come in 30 minutes, 4 hours or 4 days, whatever is asked for.
"""

from datetime import UTC, datetime
from typing import Any

from shared.simulator.bar_book import BarBook, longer

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
PRICE_AGE_MS = _MINUTE_MS
"""Prices are from a cache that is renewed this often."""
_CANDLE_AGE_MS = 15 * _MINUTE_MS
# For the last trade: a day of minutes is read only for what is hardly traded. What was not traded at all has no price.
_LOOK_BACK_MS = (_MINUTE_MS, _HOUR_MS, _DAY_MS)
_ALL_DAYS = 365
DAYS = ("1", "7", "14", "30", "90", "180", "365", "max")
"""What `days` may be."""
INTERVALS_MS = {"hourly": _HOUR_MS, "daily": _DAY_MS}
"""What `interval` may be, for who pays."""

# CoinGecko's own codes, from "Errors & Rate Limits".
MISSING_KEY, PLAN_RESTRICTED, PRO_KEY_AT_DEMO, DEMO_KEY_AT_PRO = 10002, 10005, 10010, 10011


def price(book: BarBook, symbol: str, now_ms: int) -> tuple[float, int] | None:
    """The last price in USD and its time, UTC epoch seconds; None if nothing was traded for a day."""
    as_of_ms = now_ms - now_ms % PRICE_AGE_MS
    for back_ms in _LOOK_BACK_MS:
        if bars := book.minutes(symbol, as_of_ms - back_ms, as_of_ms):
            return float(bars[-1].close), as_of_ms // 1000
    return None


def candles(book: BarBook, symbol: str, days: str, length_ms: int | None, now_ms: int) -> list[list[float]]:
    """Rows of [close time, open, high, low, close], ascending, of candles that are over.

    Args:
        days: One of `DAYS`.
        length_ms: One of `INTERVALS_MS`; None: what goes with `days`.
    """
    days_back = _ALL_DAYS if days == "max" else int(days)
    if length_ms is None:
        length_ms = _HOUR_MS // 2 if days_back <= 2 else 4 * _HOUR_MS if days_back <= 30 else 4 * _DAY_MS
    until_ms = now_ms - now_ms % _CANDLE_AGE_MS
    until_ms -= until_ms % length_ms
    since_ms = until_ms - max(days_back * _DAY_MS, length_ms)
    since_ms += -since_ms % length_ms
    bars = longer(book.minutes(symbol, since_ms, until_ms), length_ms)
    return [
        [bar.open_ms + length_ms, float(bar.open), float(bar.high), float(bar.low), float(bar.close)] for bar in bars
    ]


def refusal(code: int, message: str, now_ms: int) -> dict[str, Any]:
    """The body of a refusal that is about a key, a plan or a rate: `code` is one of those above or the HTTP status."""
    at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    return {"status": {"timestamp": at, "error_code": code, "error_message": message}}


def complaint(message: str) -> dict[str, str]:
    """The body of a refusal that is about a parameter."""
    return {"error": message}


def rounded(value: float, precision: str | None) -> float:
    """A price as `precision` has it: a number of decimals, or "full"."""
    return value if precision in (None, "full") else round(value, int(precision))
