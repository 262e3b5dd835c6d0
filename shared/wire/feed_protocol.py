"""What the sidecar and the bot say to each other about candles (`feed_messages`), as JSON text and back.

`GET /stream` is a websocket, `GET /candles?pair=&interval=&limit=` answers with one window message. Both want the header
`Authorization: Bearer TOKEN`; a refusal is HTTP 4xx with `{"error": "one sentence"}`. To the sidecar goes
`{"subscribe": [{"pair", "interval", "limit"}, ...]}`; to the bot go messages whose `type` is window, candle, refused, mode,
alert or heartbeat. A candle is `[open_ms, "open", "high", "low", "close", "volume"]`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.domain.feed_status import Mode
from shared.domain.stored import Timeframe
from shared.wire.feed_messages import (
    MAX_CANDLES,
    FeedAlert,
    FeedCandle,
    FeedClose,
    FeedHeartbeat,
    FeedMessage,
    FeedProtocolError,
    FeedRefusal,
    FeedWindow,
    ModeChange,
    Subscription,
)

CANDLES_PATH = "/candles"
STREAM_PATH = "/stream"
HEARTBEAT_S = 2.0
"""Seconds between two heartbeats of the sidecar."""
MAX_MESSAGE_BYTES = 1 << 20
"""More than the longest window takes, with prices of 30 digits."""
MAX_SUBSCRIPTIONS = 2000

_SERVED = ", ".join(Timeframe)
_SHOWN = 60

# The sidecar's half.


def read_subscriptions(text: str) -> tuple[Subscription, ...]:
    """What the bot wants from now on, each pair and interval once.

    Raises:
        FeedProtocolError: It is no subscription, or one that cannot be served: the message says which.
    """
    listed = _object(text).get("subscribe")
    if not isinstance(listed, list) or len(listed) > MAX_SUBSCRIPTIONS:
        raise FeedProtocolError(f"subscribe: must be a list of at most {MAX_SUBSCRIPTIONS}")
    wanted = tuple(_subscription(_mapping(each)) for each in listed)
    if len({(each.pair, each.interval) for each in wanted}) != len(wanted):
        raise FeedProtocolError("subscribe: must name each pair and interval once")
    return wanted


def read_query(query: Mapping[str, str]) -> Subscription:
    """What `GET /candles` asks for. Without a limit, all there is.

    Raises:
        FeedProtocolError: As above.
    """
    limit = query.get("limit", str(MAX_CANDLES))
    return _subscription({**query, "limit": int(limit) if re.fullmatch("[0-9]{1,9}", limit) else limit})


def write_message(message: FeedMessage) -> str:
    """A message to the bot."""
    return json.dumps(_content(message), separators=(",", ":"))


def _content(message: FeedMessage) -> dict[str, Any]:
    match message:
        case FeedWindow():
            return {
                "type": "window",
                "pair": message.pair,
                "interval": message.interval,
                "source": message.source,
                "quote": message.quote,
                "generation": message.generation,
                "mode": message.mode,
                "reason": message.reason,
                "stale_after_s": message.stale_after_s,
                "candles": [_row(candle) for candle in message.candles],
            }
        case FeedClose():
            return {
                "type": "candle",
                "pair": message.pair,
                "interval": message.interval,
                "generation": message.generation,
                "candle": _row(message.candle),
                "revision": message.revision,
            }
        case FeedRefusal(pair, interval, reason):
            return {"type": "refused", "pair": pair, "interval": interval, "reason": reason}
        case ModeChange(pair, mode, reason):
            return {"type": "mode", "pair": pair, "mode": mode, "reason": reason}
        case FeedAlert(text):
            return {"type": "alert", "text": text}
        case FeedHeartbeat(at_ms):
            return {"type": "heartbeat", "at_ms": at_ms}


def _row(candle: FeedCandle) -> list[int | str]:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return [candle.open_ms, *map(str, prices)]


# The bot's half.


def write_subscriptions(wanted: Sequence[Subscription]) -> str:
    """What the bot wants from now on."""
    listed = [{"pair": each.pair, "interval": each.interval, "limit": each.limit} for each in wanted]
    return json.dumps({"subscribe": listed}, separators=(",", ":"))


def query_of(wanted: Subscription) -> dict[str, str]:
    """The query of `GET /candles`."""
    return {"pair": wanted.pair, "interval": wanted.interval, "limit": str(wanted.limit)}


def read_message(text: str) -> FeedMessage:
    """What the sidecar said.

    Raises:
        FeedProtocolError: It is nothing of this protocol.
    """
    content = _object(text)
    kind = content.get("type")
    if kind == "window":
        return FeedWindow(
            pair=_text(content, "pair"),
            interval=_interval(content),
            source=_optional_text(content, "source"),
            quote=_optional_text(content, "quote"),
            generation=_count(content, "generation"),
            mode=_mode(content),
            reason=_text(content, "reason"),
            stale_after_s=_count(content, "stale_after_s"),
            candles=_candles(content),
        )
    if kind == "candle":
        return FeedClose(
            pair=_text(content, "pair"),
            interval=_interval(content),
            generation=_count(content, "generation"),
            candle=_candle(content.get("candle")),
            revision=_count(content, "revision"),
        )
    if kind == "refused":
        return FeedRefusal(_text(content, "pair"), _interval(content), _text(content, "reason"))
    if kind == "mode":
        return ModeChange(_text(content, "pair"), _mode(content), _text(content, "reason"))
    if kind == "alert":
        return FeedAlert(_text(content, "text"))
    if kind == "heartbeat":
        return FeedHeartbeat(_count(content, "at_ms"))
    raise FeedProtocolError(f"type = {_shown(kind)}: must be window, candle, refused, mode, alert or heartbeat")


# What both halves read.


def _object(text: str) -> dict[str, Any]:
    try:
        return _mapping(json.loads(text))
    except (ValueError, RecursionError):
        raise FeedProtocolError("a message must be a JSON object") from None


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FeedProtocolError(f"{_shown(value)}: must be an object")
    return value


def _subscription(content: Mapping[str, Any]) -> Subscription:
    return Subscription(_text(content, "pair"), _interval(content), _count(content, "limit"))


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str):
        raise FeedProtocolError(f"{name} = {_shown(value)}: must be text")
    return value


def _optional_text(content: Mapping[str, Any], name: str) -> str | None:
    return None if content.get(name) is None else _text(content, name)


def _count(content: Mapping[str, Any], name: str) -> int:
    value = content.get(name)
    if type(value) is not int or value < 0:
        raise FeedProtocolError(f"{name} = {_shown(value)}: must be a whole number of 0 or more")
    return value


def _interval(content: Mapping[str, Any]) -> Timeframe:
    value = content.get("interval")
    if value not in list(Timeframe):
        raise FeedProtocolError(f"interval = {_shown(value)}: must be one of {_SERVED}")
    return Timeframe(value)


def _mode(content: Mapping[str, Any]) -> Mode:
    value = content.get("mode")
    if value not in list(Mode):
        raise FeedProtocolError(f"mode = {_shown(value)}: must be one of {', '.join(Mode)}")
    return Mode(value)


def _candles(content: Mapping[str, Any]) -> tuple[FeedCandle, ...]:
    rows = content.get("candles")
    if not isinstance(rows, list) or len(rows) > MAX_CANDLES:
        raise FeedProtocolError(f"candles: must be a list of at most {MAX_CANDLES}")
    return tuple(map(_candle, rows))


def _candle(row: Any) -> FeedCandle:
    match row:
        case [int(open_ms), str(), str(), str(), str(), str()] if type(open_ms) is int and open_ms >= 0:
            return FeedCandle(open_ms, *map(_number, row[1:]))
    raise FeedProtocolError(f"candle = {_shown(row)}: must be [open_ms, open, high, low, close, volume]")


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise FeedProtocolError(f"{_shown(text)}: must be a number as text") from None


def _shown(value: Any) -> str:
    """A value in a message for people: never longer than a few words, whatever was sent."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return repr(value)[:_SHOWN]
