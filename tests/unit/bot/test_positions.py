"""Carrying a signal out: one level at what a taker pays, the rule's stop and target as barriers, the terms handed on."""

from decimal import Decimal
from typing import Any

import pytest
import yaml
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAMode

from shared.bot.positions import ENTRY_SLIPPAGE, Position, executor_config, single_level
from shared.domain.dca import LadderLevel
from shared.domain.rules import Opportunity
from shared.domain.signals import Side, Signal
from tests.unit.bot.desk import CHECKOUT, PERPETUAL, STRATEGIES
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR, START_S

BOUNDS = {"min_take_profit": 0.004, "max_take_profit": 0.06, "min_stop_loss": 0.006, "max_stop_loss": 0.04}


def config(strategy: str = "recovery_swing", **changes: Any) -> Any:
    content = yaml.safe_load((CHECKOUT / "conf" / "controllers" / f"{strategy}.yml").read_text())
    return STRATEGIES[strategy][1](**content | changes)


def opportunity(side: Side, stop: float, target: float) -> Opportunity:
    return Opportunity(side, 0.5, {}, stop_price=stop, target_price=target)


@pytest.mark.parametrize(
    ("side", "stop", "target", "level_price"),
    [(Side.BUY, 98.0, 103.0, "100.05"), (Side.SELL, 102.0, 97.0, "99.95")],
)
def test_one_level_beyond_the_best_price_with_the_rules_barriers(
    side: Side, stop: float, target: float, level_price: str
) -> None:
    position = single_level(config(**BOUNDS), opportunity(side, stop, target), Decimal(100))
    assert position.levels == (LadderLevel(Decimal(level_price), Decimal(600)),)
    assert Decimal("0.0005") == ENTRY_SLIPPAGE
    assert (position.take_profit, position.stop_loss) == (Decimal("0.03"), Decimal("0.02"))
    assert position.adjustments == {}


@pytest.mark.parametrize(
    ("side", "stop", "target"), [(Side.BUY, 90.0, 120.0), (Side.SELL, 110.0, 80.0)], ids=lambda value: str(value)
)
def test_barriers_too_far_come_to_the_farthest_allowed_and_that_is_told(side: Side, stop: float, target: float) -> None:
    position = single_level(config(**BOUNDS), opportunity(side, stop, target), Decimal(100))
    assert (position.take_profit, position.stop_loss) == (Decimal("0.06"), Decimal("0.04"))
    assert position.adjustments == {
        "take_profit": "0.200000 -> 0.06: outside_bounds",
        "stop_loss": "0.100000 -> 0.04: outside_bounds",
    }


@pytest.mark.parametrize(("side", "stop", "target"), [(Side.BUY, 99.9, 100.1), (Side.SELL, 100.1, 99.9)])
def test_barriers_too_near_come_to_the_nearest_allowed(side: Side, stop: float, target: float) -> None:
    position = single_level(config(**BOUNDS), opportunity(side, stop, target), Decimal(100))
    assert (position.take_profit, position.stop_loss) == (Decimal("0.004"), Decimal("0.006"))


@pytest.mark.parametrize(("side", "stop", "target"), [(Side.BUY, 101.0, 99.0), (Side.SELL, 99.0, 101.0)])
def test_a_price_that_has_run_past_stop_and_target_still_has_both(side: Side, stop: float, target: float) -> None:
    """Between the candle's close and the look the price may have jumped: a barrier of the wrong sign would close at once."""
    position = single_level(config(**BOUNDS), opportunity(side, stop, target), Decimal(100))
    assert (position.take_profit, position.stop_loss) == (Decimal("0.004"), Decimal("0.006"))
    assert set(position.adjustments) == {"take_profit", "stop_loss"}


def signal(side: Side) -> Signal:
    return Signal("s-1", "c", "recovery_swing", PAIR, side, int(START_S * 1000), 100.0, 0.5, {}, {}, {})


LADDER = Position(
    (LadderLevel(Decimal(100), Decimal(10)), LadderLevel(Decimal(99), Decimal(20))), Decimal("0.01"), Decimal("0.02")
)


@pytest.mark.parametrize("side", list(Side))
def test_the_executor_opens_the_ladder_on_the_signals_side_under_the_signals_id(side: Side) -> None:
    made = executor_config(config(time_limit_s=600), signal(side), LADDER, START_S + 1.5)
    assert (made.side, made.level_id) == (TradeType[side], "s-1")
    assert (made.amounts_quote, made.prices) == ([10, 20], [100, 99])
    assert (made.take_profit, made.stop_loss, made.trailing_stop) == (Decimal("0.01"), Decimal("0.02"), None)
    assert (made.timestamp, made.time_limit, made.mode) == (START_S + 1.5, 600, DCAMode.MAKER)
    assert (made.connector_name, made.trading_pair, made.leverage) == (ACCOUNT, PAIR, 1)


def test_leverage_and_trailing_stop_are_handed_on() -> None:
    wanted = config(connector_name=PERPETUAL, leverage=5, trailing_activation="0.003", trailing_delta="0.001")
    made = executor_config(wanted, signal(Side.SELL), LADDER, START_S)
    assert (made.connector_name, made.leverage) == (PERPETUAL, 5)
    assert made.trailing_stop is not None
    assert made.trailing_stop.activation_price == Decimal("0.003")
    assert made.trailing_stop.trailing_delta == Decimal("0.001")
