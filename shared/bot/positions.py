"""The executor that carries a signal out: Hummingbot's DCA executor for every strategy, of one level where there is no ladder.

One kind of executor has one set of guards (shared/bot/executors.py): it closes once, to zero, and leaves no order behind
(docs/decisions/0014).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAExecutorConfig, DCAMode
from hummingbot.strategy_v2.executors.position_executor.data_types import TrailingStop

from shared.bot.config import RecoveryControllerConfig, RuleBarriersConfig
from shared.domain.dca import LadderLevel
from shared.domain.rules import Opportunity
from shared.domain.signals import Side, Signal

# Beyond the best price, so that the first level fills at once although the book moves while the order travels.
ENTRY_SLIPPAGE = Decimal("0.0005")


@dataclass(frozen=True)
class Position:
    """How a signal is to be carried out.

    Attributes:
        levels: First to be filled first.
        take_profit, stop_loss: Fractions of the average entry, after fees.
        adjustments: What had to be changed to get there, by name of the setting, with the reason.
    """

    levels: Sequence[LadderLevel]
    take_profit: Decimal
    stop_loss: Decimal
    adjustments: Mapping[str, str] = field(default_factory=dict)


def single_level(config: RuleBarriersConfig, opportunity: Opportunity, price: Decimal) -> Position:
    """One order for the whole position, with the rule's stop and target as barriers, kept within the configured bounds.

    Args:
        config: The controller's.
        opportunity: With its stop and target price.
        price: What a taker would get now, quote per base.
    """
    assert opportunity.stop_price is not None
    assert opportunity.target_price is not None
    towards = 1 if opportunity.side is Side.BUY else -1
    barriers = config.barrier_bounds.keep_within(
        take_profit=towards * (Decimal(str(opportunity.target_price)) / price - 1),
        stop_loss=-towards * (Decimal(str(opportunity.stop_price)) / price - 1),
    )
    level = LadderLevel(price * (1 + towards * ENTRY_SLIPPAGE), config.total_amount_quote)
    return Position((level,), barriers.take_profit, barriers.stop_loss, barriers.adjustments)


def executor_config(
    config: RecoveryControllerConfig, signal: Signal, position: Position, now_s: float
) -> DCAExecutorConfig:
    """Hummingbot's configuration for the executor; the signal's id travels as its level id.

    Args:
        config: The controller's.
        signal: What it is for.
        position: What it opens.
        now_s: UTC epoch seconds, from which the time limit counts.
    """
    trailing = None
    if config.trailing_activation is not None:
        trailing = TrailingStop(activation_price=config.trailing_activation, trailing_delta=config.trailing_delta)
    return DCAExecutorConfig(
        timestamp=now_s,
        connector_name=config.connector_name,
        trading_pair=config.trading_pair,
        side=TradeType.BUY if signal.side is Side.BUY else TradeType.SELL,
        leverage=config.leverage,
        amounts_quote=[level.amount_quote for level in position.levels],
        prices=[level.price for level in position.levels],
        take_profit=position.take_profit,
        stop_loss=position.stop_loss,
        trailing_stop=trailing,
        time_limit=config.time_limit_s,
        mode=DCAMode.MAKER,
        level_id=signal.signal_id,
    )
