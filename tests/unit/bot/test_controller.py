"""The controller: once per closed candle the rule, then the limits, then an executor."""

import asyncio
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from hummingbot.core.data_type.common import PriceType, TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAMode
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot.controller import RecoveryController
from shared.bot.positions import ENTRY_SLIPPAGE
from shared.domain import events as ev
from shared.domain.signals import Refusal, Side
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.desk import (
    LOOKBACK,
    STRATEGIES,
    Desk,
    at_lower_line,
    fallen,
    flat,
    opened,
    reasons,
    risen,
)
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR


def test_a_fall_opens_a_ladder(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(fallen())
    (action,) = desk.look()
    assert isinstance(action, CreateExecutorAction)
    config: Any = action.executor_config
    (decided,) = desk.decided
    assert (action.controller_id, decided.controller_id) == ("recovery_dca", "recovery_dca")
    assert config.level_id == decided.signal_id == "recovery_dca@2025-01-06T00:00:00Z/BUY"
    assert decided.taken
    assert decided.values == pytest.approx({"drop": 0.06, "window_high": 100.0, "close": 94.0})
    assert decided.thresholds == {"drop_threshold": 0.05, "lookback_s": LOOKBACK * 60}
    assert (config.side, config.mode, config.time_limit) == (TradeType.BUY, DCAMode.MAKER, 86_400)
    assert sum(config.amounts_quote) == 600
    assert config.prices == [100 * (1 + ENTRY_SLIPPAGE), Decimal(99), Decimal(98)]
    assert (config.take_profit, config.stop_loss, config.trailing_stop) == (Decimal("0.01"), Decimal("0.04"), None)
    assert desk.controller.processed_data["signal"] == 1


def test_a_trailing_stop_is_handed_on(clock: VirtualClock) -> None:
    desk = Desk(clock, take_profit=0.03, trailing_activation=0.02, trailing_delta=0.01)
    trailing = opened(desk, fallen()).trailing_stop
    assert (trailing.activation_price, trailing.trailing_delta) == (Decimal("0.02"), Decimal("0.01"))


@pytest.mark.parametrize("phase", [None, 2])
def test_a_signal_carries_what_its_confidence_is_made_of_and_the_configuration_it_is_evidence_for(
    phase: int | None, clock: VirtualClock
) -> None:
    desk = Desk(clock, phase=phase)
    opened(desk, fallen())
    (decided,) = desk.decided
    assert decided.components == pytest.approx({"depth": 0.6})
    assert decided.confidence == pytest.approx(0.6)
    assert (decided.strategy, decided.phase, decided.config_id) == ("recovery_dca", phase, desk.config.config_id)
    assert decided.adjustments == {}


@pytest.mark.parametrize(
    ("strategy", "candles", "components"),
    [
        ("recovery_swing", risen, {"breakout", "volume", "rsi", "trend"}),
        ("recovery_channel", lambda desk: at_lower_line(), {"strength", "nearness", "room", "slope"}),
    ],
)
def test_swing_and_channel_open_one_level_with_the_rules_barriers(
    strategy: str, candles: Any, components: set[str], clock: VirtualClock
) -> None:
    desk = Desk(clock, strategy)
    shown = candles(desk)
    last = Decimal(str(shown.close[-1]))
    desk.market.best = {PriceType.BestAsk: last, PriceType.BestBid: None}
    config = opened(desk, shown)
    (decided,) = desk.decided
    assert (config.side, decided.side, decided.strategy) == (TradeType.BUY, Side.BUY, strategy)
    assert config.prices == [last * (1 + ENTRY_SLIPPAGE)]
    assert config.amounts_quote == [600]
    assert set(decided.components) == components
    assert all(0 <= value <= 1 for value in decided.components.values())
    opportunity = desk.controller.latest.opportunity
    assert decided.confidence == opportunity.confidence
    target, stop = (Decimal(str(price)) for price in (opportunity.target_price, opportunity.stop_price))
    bounds = desk.config.barrier_bounds.keep_within(take_profit=target / last - 1, stop_loss=1 - stop / last)
    assert (config.take_profit, config.stop_loss) == (bounds.take_profit, bounds.stop_loss)
    assert decided.adjustments == bounds.adjustments


# Candles: which decide, and how often.


def test_the_candle_in_progress_decides_nothing(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(flat())
    assert desk.market.frames[PAIR, "1m"].close.iloc[-1] < 1
    assert desk.look() == []
    assert desk.decided == []
    assert desk.controller.latest.values["close"] == 100.0


@pytest.mark.parametrize(("strategy", "interval", "closed"), [
    ("recovery_dca", "1m", LOOKBACK),
    ("recovery_swing", "15m", 296),
    ("recovery_channel", "5m", 101),
])  # fmt: skip
def test_as_many_candles_are_asked_for_as_the_rule_needs_and_the_one_in_progress(
    strategy: str, interval: str, closed: int, clock: VirtualClock
) -> None:
    desk = Desk(clock, strategy)
    desk.show(flat(closed, interval_s=desk.config.interval_s))
    desk.look()
    assert desk.market.asked == [("binance", PAIR, interval, closed + 1)]
    assert desk.controller.latest is not None


def test_a_closed_candle_decides_once(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(fallen())
    assert len(desk.look()) == 1
    for _ in range(5):
        assert desk.look() == []
    assert len(desk.decided) == 1
    assert len(desk.market.asked) == 1, "nothing is asked before the next candle can have closed"
    desk.wait()
    assert desk.look() == []
    assert len(desk.market.asked) == 2
    assert len(desk.decided) == 1, "the feed is late: the same candle is not decided on again"
    desk.show(fallen())
    assert desk.look() == []
    assert len(desk.decided) == 2


def test_no_candles_and_too_few_are_waited_for(clock: VirtualClock) -> None:
    desk = Desk(clock)
    assert desk.controller.outlook() == "waiting for candles"
    for count in (0, 1, LOOKBACK - 1):
        desk.show(flat(LOOKBACK, 50.0))
        desk.market.frames[PAIR, "1m"] = desk.market.frames[PAIR, "1m"].iloc[-count - 1 :]
        assert desk.look() == []
    desk.market.frames[PAIR, "1m"] = desk.market.frames[PAIR, "1m"].iloc[:0]
    assert desk.look() == []
    assert desk.decided == []
    assert desk.controller.latest is None


def test_a_gap_is_told_and_not_evaluated(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(clock)
    desk.show(fallen())
    desk.market.frames[PAIR, "1m"] = desk.market.frames[PAIR, "1m"].drop(index=4).reset_index(drop=True)
    assert desk.look() == []
    assert desk.decided == []
    told = "recovery_dca: BTC-USDT 1m: candles are not 60 s apart in ascending order; not evaluated"
    assert told in caplog.text
    for _ in range(20):
        clock.jump(1)
        assert desk.look() == []
    assert caplog.text.count(told) == 1, "a gap is told once"
    assert len(desk.market.asked) == 5, "and looked at again every few seconds"
    desk.show(fallen())
    clock.jump(5)
    assert len(desk.look()) == 1, "it is looked at anew once the feed is whole"


# Protections, wired to the journal.


@pytest.mark.parametrize(("by", "refusal"), [
    (CloseType.STOP_LOSS, Refusal.COOLDOWN_AFTER_STOP),
    (CloseType.TAKE_PROFIT, None),
])  # fmt: skip
def test_a_controllers_protections_are_those_of_its_configuration(
    by: CloseType, refusal: Refusal | None, clock: VirtualClock
) -> None:
    desk = Desk(clock, cooldown_s=0, cooldown_after_stop_s=120, stops_in_a_row=None)
    desk.closes(opened(desk, fallen()), by)
    desk.wait()
    desk.show(fallen())
    desk.look()
    assert reasons(desk) == [None, refusal]


# The rest of its life.


def test_under_a_foreign_script_the_controller_begins_the_runs_record(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.bot.session._market", "simulated, seed 1")
    desk = Desk(clock)
    desk.show(flat())
    assert not desk.session.is_watching
    desk.look()
    desk.look()
    started: list[ev.RunStarted] = desk.of_kind("run_started")
    assert [(event.script, event.market) for event in started] == [("recovery_dca", "simulated, seed 1")]


def test_rates_of_the_pair_are_asked_for(clock: VirtualClock) -> None:
    (source,) = Desk(clock).market.rate_sources
    assert (source.connector_name, source.trading_pair) == (ACCOUNT, PAIR)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_features_are_shown_as_the_rule_has_them(strategy: str, clock: VirtualClock) -> None:
    desk = Desk(clock, strategy)
    desk.show(flat(desk.config.candles_needed, interval_s=desk.config.interval_s))
    desk.look()
    shown: pd.DataFrame = desk.controller.processed_data["features"]
    (row,) = shown.to_dict("records")
    assert row == pytest.approx(dict(desk.controller.latest.values), nan_ok=True)


@pytest.mark.parametrize(
    ("strategy", "candles", "outlook"),
    [
        ("recovery_dca", lambda desk: fallen(), "6.00% below the 0.166667 h high, buys at 5.00%"),
        ("recovery_swing", risen, "5.05% above the 20-candle high, buys 3.00% above"),
        ("recovery_swing", lambda desk: risen(desk, 0.98), "1.95% below the 20-candle high, buys 3.00% above"),
    ],
)
def test_the_outlook_says_how_far_a_signal_is(strategy: str, candles: Any, outlook: str, clock: VirtualClock) -> None:
    desk = Desk(clock, strategy)
    desk.show(candles(desk))
    desk.look()
    assert desk.controller.outlook() == outlook


def test_the_hooks_are_a_strategys_to_fill(clock: VirtualClock) -> None:
    desk = Desk(clock)
    base: Any = RecoveryController(desk.controller.config, desk.market, asyncio.Queue())
    for hook, arguments in (("position", (None, None)), ("outlook", ())):
        with pytest.raises(NotImplementedError):
            getattr(base, hook)(*arguments)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_hummingbot_finds_our_controller_in_its_module(strategy: str, clock: VirtualClock) -> None:
    """It takes the alphabetically first class it accepts, imported base classes included."""
    assert Desk(clock, strategy).config.get_controller_class() is STRATEGIES[strategy][0]
