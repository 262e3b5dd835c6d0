"""What of a home's journal counts for a gate. The rules are such that evidence cannot be made by repetition:

- A signal counts for the phase of the configuration it was decided by, and for the gates before it: a later phase asks for
  more. Normal operation counts for none.
- Of each strategy and phase only the configuration in force counts: that of its newest ConfigApplied. A changed threshold
  starts its own count; going back to old values goes back to their count.
- The same candle of the same market counts once, however often that market is replayed, and under however many names the
  same rule looks at it. The first taken decision is the one that counts, so no better second try can take its place.
- A run from before markets were recorded is a market of its own. One on a venue that does not say what it serves counts for
  nothing, and neither does one that never began to trade.
- Orders and trades count through the signal of their executor.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from shared.domain import events as ev
from shared.domain.markets import is_named, origin_of
from shared.domain.run_record import ExecutorRecord, OrderRecord, RunRecord
from shared.domain.signals import Side

# An executor places its first order within seconds.
_ORDER_IS_DUE_AFTER_MS = 60_000


@dataclass(frozen=True)
class CountedConfig:
    """The configuration in force of a strategy in a phase. `since_ms`: when it first took effect, on its bot's clock."""

    strategy: str
    phase: int
    config_id: str
    since_ms: int


@dataclass(frozen=True)
class CountedSignal:
    """A taken signal that counts.

    Attributes:
        run_id: Its run.
        decided: The signal.
        executors: What was opened for it.
        is_on_its_way: It has no order yet, and its run, the newest, did not go on for so long that there should be one.
    """

    run_id: str
    decided: ev.SignalDecided
    executors: tuple[ExecutorRecord, ...]
    is_on_its_way: bool

    @property
    def orders(self) -> Iterator[OrderRecord]:
        return chain.from_iterable(executor.orders for executor in self.executors)

    @property
    def trades(self) -> Iterator[ExecutorRecord]:
        """Closed ones."""
        return (executor for executor in self.executors if executor.is_closed_trade)


@dataclass(frozen=True)
class Evidence:
    """What counts for one gate.

    Attributes:
        phase: Whose gate.
        configs: The configurations in force.
        signals: Taken signals, in the order they were decided.
        runs: Runs with taken signals of these configurations, counted or repeated, by id.
        repeated: Taken signals left out because their candle counts already.
        of_other_configs: Taken signals left out because their configuration is not in force.
        on_unnamed_markets: Taken signals left out because their venue does not say what it serves.
    """

    phase: int
    configs: tuple[CountedConfig, ...]
    signals: tuple[CountedSignal, ...]
    runs: Mapping[str, RunRecord]
    repeated: int
    of_other_configs: int
    on_unnamed_markets: int = 0

    @property
    def trades(self) -> list[ExecutorRecord]:
        """Closed ones."""
        return [trade for signal in self.signals for trade in signal.trades]

    @property
    def orders(self) -> list[OrderRecord]:
        return [order for signal in self.signals for order in signal.orders]


def evidence_for(phase: int, runs: Mapping[str, RunRecord]) -> Evidence:
    """Pick what counts.

    Args:
        phase: Whose gate, 1 to 4.
        runs: All of a home's journal by id, in the order they began.
    """
    begun = {run_id: run for run_id, run in runs.items() if run.started is not None}
    configs = _configs_in_force(phase, chain.from_iterable(run.configs for run in runs.values()))
    counted_ids = {config.config_id for config in configs}
    newest_id = next(reversed(begun), None)
    signals: dict[tuple[str, str, str, Side, int], CountedSignal] = {}
    contributing: dict[str, RunRecord] = {}
    repeated = of_other_configs = on_unnamed_markets = 0
    for run_id, run in begun.items():
        assert run.started is not None
        by_signal = _executors_by_signal(run)
        for decided in run.signals:
            if not decided.taken or decided.phase is None or decided.phase < phase:
                continue
            if decided.config_id not in counted_ids:
                of_other_configs += 1
                continue
            if not is_named(run.started.market):
                on_unnamed_markets += 1
                continue
            contributing[run_id] = run
            # Not the signal's id: that names the controller, and a copied file has another one.
            market, shift_ms = origin_of(run.started.market or run_id, decided.pair)
            key = market, decided.strategy, decided.pair, decided.side, decided.candle_close_ms - shift_ms
            if key in signals:
                repeated += 1
                continue
            executors = tuple(by_signal.get(decided.signal_id, ()))
            on_its_way = run_id == newest_id and _is_on_its_way(decided, executors, run)
            signals[key] = CountedSignal(run_id, decided, executors, on_its_way)
    counted = tuple(signals.values())
    return Evidence(phase, configs, counted, contributing, repeated, of_other_configs, on_unnamed_markets)


def _configs_in_force(phase: int, applied: Iterable[ev.ConfigApplied]) -> tuple[CountedConfig, ...]:
    since_ms: dict[str, int] = {}
    newest: dict[tuple[int, str], str] = {}
    for config in applied:
        if config.phase is not None and config.phase >= phase:
            since_ms.setdefault(config.config_id, config.at_ms)
            newest[config.phase, config.strategy] = config.config_id
    return tuple(
        CountedConfig(strategy, its_phase, config_id, since_ms[config_id])
        for (its_phase, strategy), config_id in sorted(newest.items())
    )


def _executors_by_signal(run: RunRecord) -> dict[str, list[ExecutorRecord]]:
    found: dict[str, list[ExecutorRecord]] = {}
    for executor in run.executors.values():
        if executor.opened.signal_id is not None:
            found.setdefault(executor.opened.signal_id, []).append(executor)
    return found


def _is_on_its_way(decided: ev.SignalDecided, executors: Iterable[ExecutorRecord], run: RunRecord) -> bool:
    if run.stopped is not None or any(executor.orders or executor.closed for executor in executors):
        return False
    return run.last_ms - decided.at_ms < _ORDER_IS_DUE_AFTER_MS
