"""Signals proposed to a session and what becomes of their positions, for tests."""

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot.session import Proposal, Session
from shared.domain import events as ev
from shared.domain.limits import Limits
from shared.domain.protections import Protections
from shared.domain.signals import Refusal, Side, Signal
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR

LIMITS = Limits(max_positions=2, max_positions_per_pair=1, capital_quote=Decimal(1_000))
STOP = CloseType.STOP_LOSS


def executor(name: str = "a", controller: str = "c", side: TradeType = TradeType.BUY) -> Any:
    """What the session reads of an executor."""
    config = SimpleNamespace(
        id=f"executor-{name}",
        level_id=name,
        controller_id=controller,
        connector_name=ACCOUNT,
        trading_pair=PAIR,
        side=side,
    )
    return SimpleNamespace(config=config, close_type=CloseType.TAKE_PROFIT)


def signal(name: str = "a", controller: str = "c", pair: str = PAIR) -> Signal:
    """A buy at 100 that a controller proposes."""
    return Signal(
        signal_id=name,
        controller_id=controller,
        strategy="recovery_dca",
        pair=pair,
        side=Side.BUY,
        candle_close_ms=1,
        price=100.0,
        confidence=0.5,
        thresholds={"drop_threshold": 0.03},
        values={"drop": 0.04},
        components={"depth": 0.5},
    )


Decide = Callable[..., bool]


def deciding(under: Session) -> Decide:
    """Proposes signals to a session, under the protections named; True where one is taken."""

    def decide(
        name: str,
        controller: str = "c",
        pair: str = PAIR,
        amount: int = 100,
        own: Refusal | None = None,
        max_positions: int = 1,
        cooldown_s: int = 300,
        **bounds: Any,
    ) -> bool:
        protections = Protections(max_positions=max_positions, cooldown_s=cooldown_s, **bounds)
        return under.decide(Proposal(signal(name, controller, pair), Decimal(amount), protections, own_refusal=own))

    return decide


def close(under: Session, name: str, by: CloseType = CloseType.TAKE_PROFIT, *, filled: bool = True) -> None:
    """Its executor opened, was filled or not, and closed."""
    made = executor(name)
    made.close_type = by
    under.executor_opened(made)
    if filled:
        fill(under, name)
    under.executor_closed(made, pnl_quote=Decimal(1), fees_quote=Decimal(0))


def fill(under: Session, name: str) -> None:
    """Its executor's only order is filled."""
    under.order_submitted(
        executor(name),
        f"order-{name}",
        side=TradeType.BUY,
        order_type="LIMIT",
        price=Decimal(100),
        amount=Decimal(1),
        closing=False,
    )
    under.append(
        ev.OrderFilled(
            at_ms=1,
            trade_id=f"fill-{name}",
            order_id=f"order-{name}",
            signal_id=name,
            pair=PAIR,
            side=Side.BUY,
            price=Decimal(100),
            amount=Decimal(1),
            fee_quote=Decimal(0),
        )
    )


def ends(under: Session, *types: CloseType, filled: bool = True) -> None:
    """One position after the other was taken and ended so."""
    decide = deciding(under)
    for by in types:
        name = f"{by.name}-{len(under.record.signals)}"
        assert decide(name, cooldown_s=0)
        close(under, name, by, filled=filled)


def reasons(under: Session) -> list[str | None]:
    """Of every signal in the journal, oldest first."""
    return [event.reason for event in under.journal.read("run") if isinstance(event, ev.SignalDecided)]
