"""The funnel: from a candle looked at to a closed trade, with the reason wherever a signal went no further.

A limit that blocks in silence must be seen here: what the journal has no reason for is counted under a name of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from shared.domain import events as ev
from shared.domain.run_record import ExecutorRecord, OrderRecord, RunRecord

_Countable = ev.SignalDecided | ev.CandlesEvaluated
_Belongs = Callable[[_Countable], bool]


class Step(StrEnum):
    """A step of the funnel. From the signal on, each signal is counted once a step, however many orders it has."""

    EVALUATED = "evaluated"
    SIGNAL = "signal"
    TAKEN = "taken"
    ORDER = "order"
    FILLED = "filled"
    CLOSED = "closed"


class Loss(StrEnum):
    """Why a step was not reached, where no event says it in words of its own."""

    NOT_EVALUATED = "not_evaluated"
    NO_SIGNAL = "no_signal"
    UNDER_WAY = "under_way"
    UNEXPLAINED = "no_reason_recorded"


@dataclass(frozen=True)
class Life:
    """What became of one signal.

    Attributes:
        signal: As it was decided.
        executors: Those made for it; one, if all is well.
        reached: The last step it came to.
        reason: Why it came no further; None exactly for a closed trade.
    """

    signal: ev.SignalDecided
    executors: tuple[ExecutorRecord, ...]
    reached: Step
    reason: str | None

    @property
    def orders(self) -> list[OrderRecord]:
        return [order for executor in self.executors for order in executor.orders]


@dataclass(frozen=True)
class Funnel:
    """Counts from candle to closed trade.

    Attributes:
        counts: By step. None for candles that were not counted, as in journals from before they were.
        lost: By step that was not reached: how many did not reach it, by reason.
        orders: Orders placed.
        failed: Orders the venue refused, by its code.
        fills: Fills of these orders.
        trades: Executors that closed with fills.
    """

    counts: Mapping[Step, int | None]
    lost: Mapping[Step, Mapping[str, int]]
    orders: int
    failed: Mapping[str, int]
    fills: int
    trades: int

    @property
    def signals(self) -> int:
        return self.counts[Step.SIGNAL] or 0

    @property
    def taken(self) -> int:
        return self.counts[Step.TAKEN] or 0

    @property
    def refused(self) -> Mapping[str, int]:
        return self.lost[Step.TAKEN]

    @property
    def unexplained(self) -> int:
        """Signals that went no further without a reason in the journal."""
        return sum(reasons.get(Loss.UNEXPLAINED, 0) for reasons in self.lost.values())

    def share(self, step: Step) -> float | None:
        """Fraction of the step before that reached this one; None where that cannot be said.

        A run that is still on counts its newest candles later than their signals.
        """
        steps = list(Step)
        place = steps.index(step)
        before = self.counts[steps[place - 1]] if place else None
        count = self.counts[step]
        return count / before if before and count is not None and count <= before else None


def funnel_of(record: RunRecord) -> Funnel:
    """The funnel of one run, orders and trades that belong to no signal included in their counts."""
    return total([record])


def total(records: Sequence[RunRecord]) -> Funnel:
    """The funnel of several runs, as `funnel_of`."""
    return _funnel(
        [life for record in records for life in lives(record)],
        _evaluations(records, lambda _: True),
        [order for record in records for order in record.orders.values()],
        sum(len(record.closed_trades) for record in records),
    )


class Breakdown(StrEnum):
    """What a funnel can be broken down by."""

    STRATEGY = "strategy"
    PAIR = "pair"
    PHASE = "phase"


def by(breakdown: Breakdown, records: Sequence[RunRecord]) -> dict[str, Funnel]:
    """A funnel for each strategy, pair or phase, in the order of their names."""

    def name_of(event: _Countable) -> str:
        return _phase(event) if breakdown is Breakdown.PHASE else str(getattr(event, breakdown))

    def part(name: str) -> Funnel:
        return _part(parts[name], records, lambda event: name_of(event) == name)

    parts: dict[str, list[Life]] = {}
    for record in records:
        for event in record.evaluations:
            parts.setdefault(name_of(event), [])
        for life in lives(record):
            parts.setdefault(name_of(life.signal), []).append(life)
    return {name: part(name) for name in sorted(parts)}


def _phase(event: _Countable) -> str:
    if event.phase is not None:
        return str(event.phase)
    # Journals from before there were phases have no fingerprint of the configuration either.
    return "not recorded" if event.config_id is None else "normal"


def _part(members: Sequence[Life], records: Sequence[RunRecord], belongs: _Belongs) -> Funnel:
    orders = list(chain.from_iterable(life.orders for life in members))
    trades = sum(1 for life in members if life.reached is Step.CLOSED)
    return _funnel(members, _evaluations(records, belongs), orders, trades)


def _evaluations(records: Iterable[RunRecord], belongs: _Belongs) -> tuple[int, int] | None:
    """Candles looked at and not; None as soon as one run that should have counted them did not."""
    evaluated = unevaluated = 0
    for record in records:
        if not record.evaluations and any(belongs(signal) for signal in record.signals):
            return None
        for event in record.evaluations:
            if belongs(event):
                evaluated += event.evaluated
                unevaluated += event.unevaluated
    counted = any(record.evaluations for record in records)
    return (evaluated, unevaluated) if counted else None


def _funnel(
    members: Sequence[Life], evaluations: tuple[int, int] | None, orders: Iterable[OrderRecord], trades: int
) -> Funnel:
    orders = list(orders)
    steps = list(Step)
    reached = Counter(life.reached for life in members)
    counts: dict[Step, int | None] = {
        step: sum(reached[later] for later in steps[place:]) for place, step in enumerate(steps)
    }
    lost: dict[Step, Counter[str]] = {step: Counter() for step in steps}
    for life in members:
        if life.reason is not None:
            lost[steps[steps.index(life.reached) + 1]][life.reason] += 1
    counts[Step.EVALUATED] = None
    if evaluations is not None:
        counts[Step.EVALUATED], unevaluated = evaluations
        # Empty, not negative, where signals came from candles that are not counted yet.
        lost[Step.SIGNAL] += Counter({Loss.NO_SIGNAL: evaluations[0] - len(members)})
        lost[Step.EVALUATED] += Counter({Loss.NOT_EVALUATED: unevaluated})
    return Funnel(
        counts=counts,
        lost=lost,
        orders=len(orders),
        failed=Counter(order.failed.code for order in orders if order.failed is not None),
        fills=sum(len(order.fills) for order in orders),
        trades=trades,
    )


# What becomes of a signal.

_PROMPT_MS = 60_000
"""A taken signal has its executor within the tick; after this long without one, it is not merely under way."""


def lives(record: RunRecord) -> list[Life]:
    """Each signal of a run with what became of it, in the order they were decided."""
    executors: dict[str, list[ExecutorRecord]] = {}
    for executor in record.executors.values():
        if executor.opened.signal_id is not None:
            executors.setdefault(executor.opened.signal_id, []).append(executor)
    waiting_since_ms = None if record.stopped else record.last_ms - _PROMPT_MS
    return [_life(signal, tuple(executors.get(signal.signal_id, ())), waiting_since_ms) for signal in record.signals]


def _life(signal: ev.SignalDecided, executors: tuple[ExecutorRecord, ...], waiting_since_ms: int | None) -> Life:
    """`waiting_since_ms`: decided before it and without an executor, something is amiss; None once the run has stopped."""
    if not signal.taken:
        return Life(signal, executors, Step.SIGNAL, signal.reason)
    if not executors:
        waits = waiting_since_ms is not None and signal.at_ms >= waiting_since_ms
        return Life(signal, executors, Step.TAKEN, Loss.UNDER_WAY if waits else Loss.UNEXPLAINED)
    if any(executor.is_closed_trade for executor in executors):
        return Life(signal, executors, Step.CLOSED, None)
    orders = [order for executor in executors for order in executor.orders]
    reached = Step.FILLED if any(order.fills for order in orders) else Step.ORDER if orders else Step.TAKEN
    closed = executors[-1].closed
    if closed is not None:
        codes = Counter(order.failed.code for order in orders if order.failed is not None)
        return Life(signal, executors, reached, f"order {codes.most_common(1)[0][0]}" if codes else closed.close_type)
    return Life(signal, executors, reached, Loss.UNEXPLAINED if waiting_since_ms is None else Loss.UNDER_WAY)
