"""The gates: what must be proved to leave each phase, as a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from shared.domain import criteria
from shared.domain.criteria import Answer, Facts, Verdict

MAX_FAILURE_RATE = 0.05


@dataclass(frozen=True)
class Criterion:
    """One thing a gate asks.

    Attributes:
        name: For programs.
        title: For people.
        bound: What is asked, as a reader is told.
        judge: Says whether it is met.
    """

    name: str
    title: str
    bound: str
    judge: Callable[[Facts], Answer]


GATES: Mapping[int, tuple[Criterion, ...]] = {
    1: (
        Criterion("closed_trades", "closed trades", ">= 10", partial(criteria.closed_trades, at_least=10)),
        Criterion("signals_reach_orders", "signals reach orders", "all", criteria.signals_reach_orders),
        Criterion("reconciled", "positions and PnL", "agree", criteria.reconciled),
    ),
    2: (
        Criterion("closed_trades", "closed trades", ">= 50", partial(criteria.closed_trades, at_least=50)),
        Criterion(
            "order_failure_rate",
            "order failure rate",
            f"< {MAX_FAILURE_RATE:.0%}",
            partial(criteria.order_failure_rate, below=MAX_FAILURE_RATE),
        ),
        Criterion("take_profit_works", "take profit works", ">= 5", partial(criteria.take_profit_works, at_least=5)),
        Criterion("stop_loss_works", "stop loss works", ">= 5", partial(criteria.stop_loss_works, at_least=5)),
        Criterion("trades_stored", "trades in the database", "all", criteria.trades_stored),
        Criterion("every_strategy", "trades of every strategy", ">= 10", partial(criteria.every_strategy, at_least=10)),
    ),
    3: (Criterion("boosted_gain", "gain of boosted trades", "measured", criteria.not_measured),),
    4: (Criterion("shadow_differences", "shadow differences", "measured", criteria.not_measured),),
}


@dataclass(frozen=True)
class Gate:
    """A phase's gate as the evidence has it: each criterion with its answer."""

    phase: int
    answers: tuple[tuple[Criterion, Answer], ...]

    @property
    def verdict(self) -> Verdict:
        """FAILED where any criterion failed, else INCONCLUSIVE where any is, else PASSED."""
        found = {answer.verdict for _, answer in self.answers}
        return next((each for each in (Verdict.FAILED, Verdict.INCONCLUSIVE) if each in found), Verdict.PASSED)


def judge(facts: Facts) -> Gate:
    """Put the evidence for a phase before its gate."""
    phase = facts.evidence.phase
    return Gate(phase, tuple((criterion, criterion.judge(facts)) for criterion in GATES[phase]))


def needs_store(phase: int) -> bool:
    """Whether the phase's gate asks the store."""
    return any(criterion.judge is criteria.trades_stored for criterion in GATES[phase])
