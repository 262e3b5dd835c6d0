"""Runs whose trades are evidence for a gate: of a phase, a configuration and a market, with exits that worked or did not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from shared.domain import events as ev
from shared.domain.criteria import STRATEGIES, Facts, StoredTrades
from shared.domain.evidence import Evidence, evidence_for
from shared.domain.exits import STOP_LOSS, TAKE_PROFIT
from shared.domain.run_record import RunRecord
from shared.domain.signals import Side
from tests.unit.domain.generated_runs import SPOT, TradeBuilder, finished

MARKET = "simulated, seed 7"
CONFIG = "0123456789ab"
MINUTE_MS = 60_000
TICK = Decimal("0.01")
AMOUNT = Decimal("0.5")
ENTRY = Decimal(100)


def signal_of(
    number: int, strategy: str = "recovery_dca", phase: int | None = 1, config_id: str | None = CONFIG, **changes: Any
) -> ev.SignalDecided:
    """The taken signal of candle `number` on BTC-USDT."""
    values: dict[str, Any] = {
        "at_ms": number * MINUTE_MS + 5,
        "signal_id": f"{strategy}_phase{phase}@{number}",
        "controller_id": f"{strategy}_phase{phase}",
        "strategy": strategy,
        "pair": "BTC-USDT",
        "side": Side.BUY,
        "candle_close_ms": number * MINUTE_MS,
        "price": 100.0,
        "confidence": 0.5,
        "thresholds": {},
        "values": {},
        "reason": None,
        "phase": phase,
        "config_id": config_id,
    }
    return ev.SignalDecided(**values | changes)


def exit_of(cause: str, side: Side = Side.BUY, at_ms: int = 0, **changes: Any) -> ev.ExitDecided:
    """A barrier that is touched 1 quote away from the entry, with 0.02 of slippage, looked at 1 s before."""
    towards = 1 if (side is Side.BUY) == (cause == TAKE_PROFIT) else -1
    barrier = ENTRY + towards
    best = barrier + towards * TICK
    values: dict[str, Any] = {
        "at_ms": at_ms,
        "executor_id": "",
        "signal_id": None,
        "cause": cause,
        "barrier_price": barrier,
        "best_price": best,
        "expected_price": best - (2 * TICK if side is Side.BUY else -2 * TICK),
        "tick": TICK,
        "untouched_at_ms": at_ms - 1000,
    }
    return ev.ExitDecided(**values | changes)


class PhaseTrade(TradeBuilder):
    """One trade of a signal, written step by step; `round_trip` writes a whole one."""

    def __init__(self, signal: ev.SignalDecided) -> None:
        super().__init__(signal.signal_id, signal.side, signal.pair, SPOT)
        self.signal = signal

    @property
    def signal_id(self) -> str:
        return self.signal.signal_id

    def open(self) -> "PhaseTrade":
        super().open()
        self.events[0] = self.signal
        return self

    def exit(self, decided: ev.ExitDecided) -> None:
        """A decision to close, at a minute after the signal."""
        at_ms = self.signal.at_ms + MINUTE_MS
        ids = {"executor_id": self.executor_id, "signal_id": self.signal_id}
        untouched = None if decided.untouched_at_ms is None else at_ms + decided.untouched_at_ms - decided.at_ms
        self.events.append(replace(decided, at_ms=at_ms, untouched_at_ms=untouched, **ids))


def round_trip(
    signal: ev.SignalDecided,
    cause: str = TAKE_PROFIT,
    *,
    failed_orders: int = 0,
    decided: ev.ExitDecided | None = None,
    closing_price: Decimal | None = None,
) -> PhaseTrade:
    """A closed trade: filled orders, refused ones, an exit where the cause is a barrier, closed at the price expected."""
    trade = PhaseTrade(signal).open()
    for _ in range(failed_orders):
        trade.order([], amount=AMOUNT, limit=ENTRY, end="failed")
    trade.order([(ENTRY, AMOUNT, Decimal("0.05"))], amount=AMOUNT, limit=ENTRY)
    if decided is None and cause in (TAKE_PROFIT, STOP_LOSS):
        decided = exit_of(cause, signal.side)
    price = ENTRY
    if decided is not None:
        trade.exit(decided)
        price = decided.expected_price or ENTRY
    price = closing_price or price
    half = AMOUNT / 2
    trade.order(
        [(price + TICK, half, Decimal("0.02")), (price - TICK, half, Decimal("0.03"))], amount=AMOUNT, closing=True
    )
    trade.close(cause)
    return trade


def trades(*numbers: int, **signal: Any) -> list[PhaseTrade]:
    """Closed trades of these candles, at a profit."""
    return [round_trip(signal_of(number, **signal)) for number in numbers]


def config_of(
    config_id: str = CONFIG,
    strategy: str = "recovery_dca",
    phase: int | None = 1,
    at_ms: int = 1,
    pair: str = "BTC-USDT",
) -> ev.ConfigApplied:
    """A configuration that takes effect at a start."""
    return ev.ConfigApplied(
        at_ms=at_ms,
        controller_id=f"{strategy}_phase{phase}",
        strategy=strategy,
        pair=pair,
        phase=phase,
        config_id=config_id,
        source="start",
        old={},
        new={},
    )


def run_of(
    trades: Sequence[TradeBuilder],
    others: Iterable[ev.Event] = (),
    *,
    market: str = MARKET,
    configs: Iterable[ev.ConfigApplied] | None = None,
    stopped: bool = True,
) -> list[ev.Event]:
    """A run of such trades on a market. Unless told otherwise, the configurations of its signals are those applied."""
    events = finished(trades, others)
    signals = [event for event in events if isinstance(event, ev.SignalDecided)]
    if configs is None:
        names = dict.fromkeys((each.config_id, each.strategy, each.phase) for each in signals if each.config_id)
        configs = [config_of(*name) for name in names]
    events[0] = replace(events[0], market=market)  # type: ignore[call-arg]
    return [events[0], *configs, *events[1 : None if stopped else -1]]


def put_together(**runs: Sequence[ev.Event]) -> dict[str, RunRecord]:
    """Runs by name, as a journal holds them."""
    return {name: RunRecord.of(events) for name, events in runs.items()}


def stored_whole(runs: Mapping[str, RunRecord]) -> StoredTrades:
    """A store that holds every closed trade."""
    return StoredTrades({name: len(run.closed_trades) for name, run in runs.items()}, is_shipped=True)


def facts_of(phase: int, runs: Mapping[str, RunRecord], stored: StoredTrades | str | None = None) -> Facts:
    """The evidence for a gate, in a store that holds it all unless told otherwise."""
    return Facts(evidence_for(phase, runs), stored_whole(runs) if stored is None else stored)


def candles_of(evidence: Evidence) -> list[tuple[str, int]]:
    """Run and candle of what counts."""
    return [(signal.run_id, signal.decided.candle_close_ms // MINUTE_MS) for signal in evidence.signals]


def validated(phase: int = 2) -> list[PhaseTrade]:
    """What passes the gate of phase 2: 54 trades of all strategies, 5 take profits and 5 stop losses."""
    causes = [TAKE_PROFIT] * 5 + [STOP_LOSS] * 5 + ["TIME_LIMIT"] * 44
    return [
        round_trip(signal_of(number, STRATEGIES[number % 3], phase, f"{STRATEGIES[number % 3]}-{phase}"), cause)
        for number, cause in enumerate(causes)
    ]
