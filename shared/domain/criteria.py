"""What a gate asks, one function a question: each looks at the evidence and says PASSED, FAILED or INCONCLUSIVE.

INCONCLUSIVE is not enough evidence yet, and says how much more is needed. FAILED is evidence against: more of the same will
not do.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.domain.evidence import Evidence
from shared.domain.exits import STOP_LOSS, TAKE_PROFIT, BarrierFinding, inspect_barrier
from shared.domain.proportions import lower_bound, successes_needed, upper_bound
from shared.domain.run_record import ZERO, ExecutorRecord, net_base
from shared.domain.verification import LAST_UNIT, verify

STRATEGIES = ("recovery_dca", "recovery_swing", "recovery_channel")


class Verdict(StrEnum):
    """What a criterion or a gate comes to."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True)
class StoredTrades:
    """What the store holds.

    Attributes:
        by_run: Closed trades there, of each run of the evidence.
        is_shipped: Whether the journal was shipped to its end: what is missing then will not come by waiting.
    """

    by_run: Mapping[str, int]
    is_shipped: bool


@dataclass(frozen=True)
class Facts:
    """All a criterion may look at. `stored` is what the store holds, or why it could not be asked."""

    evidence: Evidence
    stored: StoredTrades | str


@dataclass(frozen=True)
class Answer:
    """A criterion's answer.

    Attributes:
        verdict: What it comes to.
        value: What was found, as a reader is told.
        needed: What is missing, or what is wrong; empty where it passed.
        figures: The numbers it rests on, by name; the criterion's query on the store gives the same.
    """

    verdict: Verdict
    value: str
    needed: str = ""
    figures: Mapping[str, int] = field(default_factory=dict)


def closed_trades(facts: Facts, at_least: int) -> Answer:
    """Enough closed trades."""
    trades = len(facts.evidence.trades)
    return _enough(trades, at_least, str(trades), "closed trade", {"trades": trades})


def signals_reach_orders(facts: Facts) -> Answer:
    """Every taken signal has an order; one decided a moment ago may still be on its way."""
    signals = facts.evidence.signals
    without = [signal for signal in signals if not any(True for _ in signal.orders)]
    lost = [signal for signal in without if not signal.is_on_its_way]
    reached = len(signals) - len(without)
    value = f"{reached} of {len(signals)}"
    if len(without) > len(lost):
        value += f", {len(without) - len(lost)} on its way"
    figures = {"taken": len(signals), "reached": reached}
    if lost:
        first = lost[0]
        needed = f"{first.decided.signal_id} has no order (recovery verify --run {first.run_id})"
        return Answer(Verdict.FAILED, value, needed, figures)
    return _enough(reached, 1, value, "taken signal with an order", figures)


def reconciled(facts: Facts) -> Answer:
    """In every run that contributes, positions, PnL and balances are what the fills make of them."""
    runs = facts.evidence.runs
    mismatches = [(run_id, line) for run_id, run in runs.items() for line in verify(run).mismatches]
    trades = [trade for run in runs.values() for trade in run.closed_trades]
    figures = {"trades": len(trades), "unreconciled": sum(map(_is_unreconciled, trades))}
    value = f"{len(mismatches)} mismatches in {len(trades)} trades"
    if mismatches:
        run_id, line = mismatches[0]
        return Answer(Verdict.FAILED, value, f"{line} (recovery verify --run {run_id})", figures)
    return _enough(len(trades), 1, value, "closed trade", figures)


def _is_unreconciled(trade: ExecutorRecord) -> bool:
    """The part of `verify` that the store can repeat."""
    assert trade.closed is not None
    differences = trade.pnl_quote - trade.closed.reported_pnl_quote, trade.fees_quote - trade.closed.reported_fees_quote
    return net_base(trade.fills) != ZERO or any(abs(difference) > LAST_UNIT for difference in differences)


def order_failure_rate(facts: Facts, below: float) -> Answer:
    """The rate at which the venue refuses orders, shown to be below a bound by the exact 95 % upper bound."""
    orders = facts.evidence.orders
    failed = sum(1 for order in orders if order.failed is not None)
    figures = {"orders": len(orders), "failed": failed}
    value = f"{failed} of {len(orders)}"
    if orders:
        value += f", below {upper_bound(failed, len(orders)):.3%}"
    at_least = lower_bound(failed, len(orders))
    if at_least > below:
        needed = f"the rate is above {at_least:.3%}: find out why orders fail (recovery db psql: table orders)"
        return Answer(Verdict.FAILED, value, needed, figures)
    missing = successes_needed(failed, len(orders), below)
    if missing:
        return Answer(Verdict.INCONCLUSIVE, value, f"{_more(missing, 'order')} without a failure", figures)
    return Answer(Verdict.PASSED, value, figures=figures)


def take_profit_works(facts: Facts, at_least: int) -> Answer:
    """The take profit was seen working often enough."""
    return _barrier_works(facts.evidence.trades, TAKE_PROFIT, "take profit", at_least)


def stop_loss_works(facts: Facts, at_least: int) -> Answer:
    """The stop loss was seen working often enough."""
    return _barrier_works(facts.evidence.trades, STOP_LOSS, "stop loss", at_least)


def _barrier_works(trades: list[ExecutorRecord], barrier: str, name: str, at_least: int) -> Answer:
    found = Counter(finding for trade in trades if (finding := inspect_barrier(trade, barrier)) is not None)
    worked, seen = found[BarrierFinding.WORKED], found.total()
    value = f"{worked} worked"
    # Those that did not are no proof of the contrary, the market moves between decision and fill; but they are told.
    if seen > worked:
        others = ", ".join(
            f"{found[each]} {each}" for each in BarrierFinding if each is not BarrierFinding.WORKED and found[each]
        )
        value += f", not counted: {others}"
    return _enough(worked, at_least, value, name, {"worked": worked, "seen": seen})


def trades_stored(facts: Facts) -> Answer:
    """Every closed trade of the runs that contribute is in the database."""
    if isinstance(facts.stored, str):
        return Answer(Verdict.INCONCLUSIVE, "not known", facts.stored)
    runs = facts.evidence.runs
    journaled = {run_id: len(run.closed_trades) for run_id, run in runs.items()}
    stored = {run_id: facts.stored.by_run.get(run_id, 0) for run_id in runs}
    missing = sum(max(0, count - stored[run_id]) for run_id, count in journaled.items())
    figures = {"trades": sum(stored.values())}
    value = f"{sum(stored.values())} of {sum(journaled.values())}"
    if missing and facts.stored.is_shipped:
        return Answer(
            Verdict.FAILED, value, f"{missing} were shipped and are not there: look into dead_letters", figures
        )
    if missing:
        return Answer(Verdict.INCONCLUSIVE, value, f"{missing} wait to be shipped (recovery sidecar --once)", figures)
    return _enough(sum(journaled.values()), 1, value, "closed trade", figures)


def every_strategy(facts: Facts, at_least: int) -> Answer:
    """Every strategy has enough closed trades."""
    found = Counter(signal.decided.strategy for signal in facts.evidence.signals for _ in signal.trades)
    figures = {strategy: found[strategy] for strategy in STRATEGIES}
    value = ", ".join(f"{strategy.removeprefix('recovery_')} {count}" for strategy, count in figures.items())
    missing = [f"{at_least - count} more of {strategy}" for strategy, count in figures.items() if count < at_least]
    return Answer(Verdict.INCONCLUSIVE if missing else Verdict.PASSED, value, ", ".join(missing), figures)


def not_measured(_: Facts) -> Answer:
    """What nothing measures yet."""
    return Answer(Verdict.INCONCLUSIVE, "", "not measured yet")


def _enough(found: int, at_least: int, value: str, name: str, figures: Mapping[str, int]) -> Answer:
    if found >= at_least:
        return Answer(Verdict.PASSED, value, figures=figures)
    return Answer(Verdict.INCONCLUSIVE, value, _more(at_least - found, name), figures)


def _more(count: int, name: str) -> str:
    plural = "" if count == 1 else "es" if name.endswith("s") else "s"
    return f"{count} more {name}{plural}"
