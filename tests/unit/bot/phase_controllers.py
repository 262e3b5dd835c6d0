"""Controllers of a script that follows the home's phase: which may take signals, and positions of theirs."""

from decimal import Decimal
from typing import Any

from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot.session import Proposal
from shared.domain.signals import Refusal
from tests.unit.bot.session_samples import executor, signal

PHASE1 = ["recovery_dca_phase1_BTC-USDT", "recovery_dca_phase1_ETH-USDT"]
PHASE2 = ["recovery_dca_phase2_BTC-USDT", "recovery_dca_phase2_ETH-USDT"]
NORMAL = ["recovery_dca_BTC-USDT", "recovery_dca_ETH-USDT"]


def active(strategy: Any) -> list[str]:
    """The controllers that may take signals."""
    return [name for name, controller in strategy.controllers.items() if not controller.retired]


def take(strategy: Any, controller_id: str, name: str = "s-1") -> bool:
    """The controller takes a signal; its position is then open. False where it is refused."""
    controller = strategy.controllers[controller_id]
    refusal = Refusal.PHASE_CHANGED if controller.retired else None
    proposal = Proposal(
        signal(name, controller_id), Decimal(20), controller.config.protections, own_refusal=refusal, phase=1
    )
    return bool(strategy.session.decide(proposal))


def close(strategy: Any, name: str = "s-1") -> None:
    """The position of that signal closes at a profit."""
    made = executor(name)
    made.close_type = CloseType.TAKE_PROFIT
    strategy.session.executor_opened(made)
    strategy.session.executor_closed(made, pnl_quote=Decimal(1), fees_quote=Decimal(0))
