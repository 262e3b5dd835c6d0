"""How long each step of a signal's life took, on the clock of its run."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from shared.domain.run_record import OrderRecord, RunRecord


class Span(StrEnum):
    """From one step to another."""

    DECIDED = "candle closed to signal decided"
    SUBMITTED = "signal decided to first order"
    ENTRY_FILLED = "entry order to its first fill"
    EXIT_DECIDED = "exit decided to closed"
    EXIT_FILLED = "exit order to its first fill"
    HELD = "executor opened to closed"


@dataclass(frozen=True)
class Latency:
    """Durations of one span, milliseconds.

    Attributes:
        count: How often it was seen.
        p50_ms, p99_ms: Of these, each a duration that was really seen; None where there was none. Of fewer than 100, p99 is the
            longest.
    """

    span: Span
    count: int
    p50_ms: int | None
    p99_ms: int | None


def latencies_of(records: Sequence[RunRecord]) -> tuple[Latency, ...]:
    """The latency of each span over some runs."""
    seen: dict[Span, list[int]] = {span: [] for span in Span}
    for record in records:
        for span, duration_ms in _durations(record):
            seen[span].append(duration_ms)
    return tuple(
        Latency(span, len(durations), _quantile(durations, 0.5), _quantile(durations, 0.99))
        for span, durations in seen.items()
    )


def _durations(record: RunRecord) -> Iterator[tuple[Span, int]]:
    decided_ms = {signal.signal_id: signal.at_ms for signal in record.signals}
    for signal in record.signals:
        yield Span.DECIDED, signal.at_ms - signal.candle_close_ms
    for order in record.orders.values():
        span = Span.EXIT_FILLED if order.submitted.closing else Span.ENTRY_FILLED
        yield from ((span, waited_ms) for waited_ms in _until_filled(order))
    for executor in record.executors.values():
        signal_id = executor.opened.signal_id
        if executor.orders and signal_id in decided_ms:
            yield Span.SUBMITTED, executor.orders[0].submitted.at_ms - decided_ms[signal_id]
        if executor.closed is None or not executor.fills:
            continue
        yield Span.HELD, executor.closed.at_ms - executor.opened.at_ms
        if executor.exit is not None:
            yield Span.EXIT_DECIDED, executor.closed.at_ms - executor.exit.at_ms


def _until_filled(order: OrderRecord) -> Iterable[int]:
    return [order.fills[0].at_ms - order.submitted.at_ms] if order.fills else []


def _quantile(durations: Sequence[int], share: float) -> int | None:
    """The smallest duration that at least `share` of them do not exceed."""
    return sorted(durations)[ceil(share * len(durations)) - 1] if durations else None
