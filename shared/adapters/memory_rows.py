"""What the in-memory store keeps of a run: the rules of `ship_journal` (shared/supabase/migrations), written out in Python.

The contract test of the stores holds the two against each other.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from shared.domain import events as ev
from shared.domain.run_record import ZERO, net_base
from shared.domain.stored import OpenPosition, StoredSignal
from shared.wire.journal_codec import JournalCodecError, decode_event, encode_event

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END_MS = 4_102_444_800_000  # 2100-01-01
_ORDER_TYPES = ("MARKET", "LIMIT", "LIMIT_MAKER")
_REASON = re.compile(r"[a-z][a-z0-9_]*")
# A NUL as JSON writes it: valid there, but in no text of Postgres.
_NUL = re.compile(r"(?<!\\)(\\\\)*\\u0000")
_MOMENTS = ("at_ms", "candle_close_ms", "untouched_at_ms", "since_ms", "until_ms")
_PHASES = ("phase", "from_phase", "to_phase")
_LAST_PHASE = 4
# A batch is placed in the order of a signal's life, so that each event finds in it what it belongs to.
_LIFE = (
    ev.PhaseChanged,
    ev.RunStarted,
    ev.ConfigApplied,
    ev.CandlesEvaluated,
    ev.SignalDecided,
    ev.ExecutorOpened,
    ev.OrderSubmitted,
    ev.OrderFailed,
    ev.OrderCancelled,
    ev.OrderCompleted,
    ev.OrderFilled,
    ev.ExitDecided,
    ev.ExecutorClosed,
    ev.ConfigRefused,
    ev.RunStopped,
)


class Poison(ValueError):
    """An event, or the id of a run, that no table takes. The message is the reason."""


def parse_event(payload: str) -> ev.Event:
    """The event of a payload.

    Raises:
        Poison: It is none, or holds what the tables' checks refuse.
    """
    try:
        event = decode_event(payload)
        encode_event(event)  # refuses numbers that are none
    except JournalCodecError as error:
        raise Poison(str(error)) from error
    if _NUL.search(payload):
        raise Poison("\\u0000 cannot be converted to text")
    for trouble in _troubles(event):
        raise Poison(trouble)
    return event


def parse_run_id(text: str) -> str:
    """A run's id as hex digits.

    Raises:
        Poison: It is no UUID.
    """
    try:
        return UUID(text).hex
    except ValueError as error:
        raise Poison(f"{text!r} is no UUID") from error


def place_in_life(event: ev.Event) -> int:
    """Where an event stands in the life of a signal, for sorting."""
    return _LIFE.index(type(event))


def time(at_ms: int) -> datetime:
    """UTC epoch milliseconds as a time."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def _troubles(event: ev.Event) -> Iterator[str]:
    for name in _MOMENTS:
        at_ms = getattr(event, name, None)
        if at_ms is not None and not 0 <= at_ms < _END_MS:
            yield f"{name} = {at_ms}: lies outside 1970 to 2099"
    for name in _PHASES:
        phase = getattr(event, name, None)
        if phase is not None and not 0 <= phase <= _LAST_PHASE:
            yield f"{name} = {phase}: must be 0 to {_LAST_PHASE}"
    match event:
        case ev.SignalDecided():
            if event.price <= 0:
                yield f"price = {event.price}: must be positive"
            if not 0 <= event.confidence <= 1:
                yield f"confidence = {event.confidence}: must be 0 to 1"
            if event.reason is not None and not _REASON.fullmatch(event.reason):
                yield f"reason = {event.reason!r}: must be a word of a-z, 0-9 and _"
        case ev.OrderSubmitted():
            if event.amount <= 0 or (event.price is not None and event.price <= 0):
                yield f"amount = {event.amount}, price = {event.price}: must be positive"
            if event.order_type not in _ORDER_TYPES:
                yield f"order_type = {event.order_type}: must be one of {', '.join(_ORDER_TYPES)}"
        case ev.OrderFilled() if event.amount <= 0 or event.price <= 0:
            yield f"amount = {event.amount}, price = {event.price}: must be positive"
        case ev.ExitDecided():
            for name in ("barrier_price", "best_price", "expected_price", "tick"):
                price = getattr(event, name)
                if price is not None and price <= 0:
                    yield f"{name} = {price}: must be positive"
        case ev.CandlesEvaluated():
            if event.since_ms > event.until_ms:
                yield f"until_ms = {event.until_ms}: must not be before since_ms = {event.since_ms}"
            if event.evaluated < 0 or event.unevaluated < 0:
                yield f"evaluated = {event.evaluated}, unevaluated = {event.unevaluated}: must not be negative"


@dataclass
class StoredRun:
    """What is stored of one run, each kind by its natural key.

    Attributes:
        places: Numbers of the events stored.
        numbered: Events that have no other key than their number.
    """

    run_id: str
    places: list[int] = field(default_factory=list)
    bounds: dict[str, ev.RunStarted | ev.RunStopped] = field(default_factory=dict)
    signals: dict[str, ev.SignalDecided] = field(default_factory=dict)
    opened: dict[str, ev.ExecutorOpened] = field(default_factory=dict)
    closed: dict[str, ev.ExecutorClosed] = field(default_factory=dict)
    orders: dict[str, ev.OrderSubmitted] = field(default_factory=dict)
    ends: dict[tuple[str, str], ev.Event] = field(default_factory=dict)
    fills: dict[tuple[str, str], ev.OrderFilled] = field(default_factory=dict)
    numbered: dict[int, ev.Event] = field(default_factory=dict)

    def place(self, event: ev.Event, seq: int) -> bool:
        """Store an event; False where it repeats one, or what it belongs to is not there."""
        match event:
            case ev.RunStarted():
                return _put(self.bounds, event.kind, event)
            case ev.RunStopped():
                return "run_started" in self.bounds and _put(self.bounds, event.kind, event)
            case ev.SignalDecided():
                return _put(self.signals, event.signal_id, event)
            case ev.ExecutorOpened():
                return _put(self.opened, event.executor_id, event)
            case ev.ExecutorClosed():
                return event.executor_id in self.opened and _put(self.closed, event.executor_id, event)
            case ev.OrderSubmitted():
                return _put(self.orders, event.order_id, event)
            case ev.OrderFailed() | ev.OrderCancelled() | ev.OrderCompleted():
                return event.order_id in self.orders and _put(self.ends, (event.order_id, event.kind), event)
            case ev.OrderFilled():
                return _put(self.fills, (event.order_id, event.trade_id), event)
            case ev.ExitDecided() | ev.ConfigApplied() | ev.ConfigRefused() | ev.CandlesEvaluated() | ev.PhaseChanged():
                return _put(self.numbered, seq, event)

    def stored_signals(self) -> Iterator[StoredSignal]:
        """Its signals, in no order."""
        for signal in self.signals.values():
            yield StoredSignal(
                self.run_id,
                signal.signal_id,
                time(signal.at_ms),
                signal.strategy,
                signal.pair,
                signal.side,
                # As the journal writes a float: the shortest text that means it.
                Decimal(repr(signal.price)),
                signal.confidence,
                signal.reason,
            )

    def open_positions(self) -> Iterator[OpenPosition]:
        """Its positions whose executor has not closed, in no order."""
        fills_of = self._fills_by_executor()
        for executor_id, opened in self.opened.items():
            if executor_id not in self.closed:
                fills = fills_of[executor_id]
                entry = [fill for fill in fills if fill.side is opened.side]
                yield OpenPosition(
                    self.run_id,
                    executor_id,
                    time(opened.at_ms),
                    self.strategy_of(executor_id),
                    opened.account,
                    opened.pair,
                    opened.side,
                    entry_base=sum((fill.amount for fill in entry), ZERO),
                    entry_quote=sum((fill.price * fill.amount for fill in entry), ZERO),
                    net_base=net_base(fills),
                    fees_quote=sum((fill.fee_quote for fill in fills), ZERO),
                )

    def trades(self) -> list[tuple[ev.ExecutorClosed, list[ev.OrderFilled]]]:
        """Closed executors that had fills, with those."""
        fills_of = self._fills_by_executor()
        return [(close, fills_of[executor_id]) for executor_id, close in self.closed.items() if fills_of[executor_id]]

    def strategy_of(self, executor_id: str) -> str | None:
        """The strategy of an executor's signal; None where that is not stored."""
        signal = self.signals.get(self.opened[executor_id].signal_id or "")
        return None if signal is None else signal.strategy

    def _fills_by_executor(self) -> defaultdict[str, list[ev.OrderFilled]]:
        fills_of = defaultdict(list)
        for fill in self.fills.values():
            if fill.order_id in self.orders:
                fills_of[self.orders[fill.order_id].executor_id].append(fill)
        return fills_of


def _put[Key, Row](rows: dict[Key, Row], key: Key, row: Row) -> bool:
    return rows.setdefault(key, row) is row
