"""The controller: once per closed candle the rule, then the limits, then an executor; every refusal has its reason."""

import asyncio
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hummingbot.core.data_type.common import PriceType, TradeType
from hummingbot.strategy_v2.executors.dca_executor.data_types import DCAMode
from hummingbot.strategy_v2.models.executor_actions import CreateExecutorAction, StopExecutorAction
from hummingbot.strategy_v2.models.executors import CloseType

from shared.bot.controller import RecoveryController
from shared.bot.positions import ENTRY_SLIPPAGE
from shared.domain import events as ev
from shared.domain.candles import CandleSeries
from shared.domain.rules import Exit, Opportunity
from shared.domain.signals import Refusal, Side
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.desk import (
    LOOKBACK,
    PERPETUAL,
    STRATEGIES,
    Desk,
    at_lower_line,
    at_upper_line,
    fallen,
    flat,
    risen,
    with_last,
)
from tests.unit.bot.fake_exchange import ACCOUNT, PAIR
from tests.unit.domain.drawn_channels import drawn_channel


def opened(desk: Desk, candles: CandleSeries) -> Any:
    """The configuration of the executor these candles make the controller open."""
    desk.show(candles)
    (action,) = desk.look()
    assert isinstance(action, CreateExecutorAction)
    return action.executor_config


def reasons(desk: Desk) -> list[str | None]:
    return [decided.reason for decided in desk.decided]


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


# Refusals.


@pytest.mark.parametrize("ask", [None, Decimal("NaN"), Decimal(0), Decimal("Infinity"), Decimal(-1)], ids=str)
def test_without_a_price_a_signal_is_refused(ask: Decimal | None, clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.market.best[PriceType.BestAsk] = ask
    desk.show(fallen())
    assert desk.look() == []
    assert reasons(desk) == [Refusal.PRICE_UNAVAILABLE]


@pytest.mark.parametrize("strategy", ["recovery_swing", "recovery_channel"])
def test_a_single_level_is_held_against_the_minimum_at_its_own_price(strategy: str, clock: VirtualClock) -> None:
    """5 quote are 0.005 base at the best price of 1000, but 0.004 at the limit of 1000.5: 4.002 quote."""
    opportunity = Opportunity(Side.BUY, 0.9, {}, stop_price=990.0, target_price=1010.0)
    of_five = Desk(clock, strategy, total_amount_quote=5).controller
    assert of_five.position(opportunity, Decimal(1000)) is Refusal.BELOW_MINIMUM_ORDER
    of_six = Desk(clock, strategy, total_amount_quote=6).controller
    assert [level.amount_quote for level in of_six.position(opportunity, Decimal(1000)).levels] == [6]


def test_the_kill_switch_refuses(clock: VirtualClock) -> None:
    desk = Desk(clock, manual_kill_switch=True)
    desk.show(fallen())
    assert desk.look() == []
    assert reasons(desk) == [Refusal.KILL_SWITCH]


def test_a_controller_another_has_replaced_refuses(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.controller.retired = True
    desk.show(fallen())
    assert desk.look() == []
    assert reasons(desk) == [Refusal.PHASE_CHANGED]


@pytest.mark.parametrize(("least", "refusal"), [("0.61", Refusal.LOW_CONFIDENCE), ("0.59", None)])
def test_a_signal_of_too_little_confidence_is_refused(least: str, refusal: Refusal | None, clock: VirtualClock) -> None:
    """A fall of 6 % where 5 % suffice comes to a confidence of 0.6."""
    desk = Desk(clock, min_confidence=least)
    desk.show(fallen(0.94))
    assert len(desk.look()) == (0 if refusal else 1)
    assert reasons(desk) == [refusal]
    assert desk.decided[0].confidence == pytest.approx(0.6), "a refused signal is journaled with all it was made of"


@pytest.mark.parametrize(
    ("total", "levels", "adjustments"),
    [
        (20, 3, {"levels": "5 -> 3: below_minimum_order"}),
        ("20.1", 4, {"levels": "5 -> 4: below_minimum_order"}),
        ("24.99", 4, {"levels": "5 -> 4: below_minimum_order"}),
        ("25.1", 5, {}),
        (11, 2, {"levels": "5 -> 2: below_minimum_order"}),
        ("5.5", 1, {"levels": "5 -> 1: below_minimum_order"}),
    ],
)
def test_levels_the_venue_would_refuse_are_merged_and_that_is_journaled(
    total: Any, levels: int, adjustments: dict[str, str], clock: VirtualClock
) -> None:
    """At least 5 quote each, after cutting the amount to the venue's step."""
    desk = Desk(clock, total_amount_quote=total, levels=5)
    desk.market.best[PriceType.BestAsk] = Decimal("10.01")
    config = opened(desk, fallen())
    assert len(config.amounts_quote) == len(config.prices) == levels
    assert sum(config.amounts_quote) == Decimal(str(total))
    assert desk.decided[0].adjustments == adjustments


@pytest.mark.parametrize(
    ("strategy", "candles"),
    [
        ("recovery_dca", lambda desk: fallen()),
        ("recovery_swing", risen),
        ("recovery_channel", lambda desk: at_lower_line()),
    ],
)
def test_a_position_below_the_venues_minimum_is_refused(strategy: str, candles: Any, clock: VirtualClock) -> None:
    desk = Desk(clock, strategy, total_amount_quote="4.99")
    desk.show(candles(desk))
    assert desk.look() == []
    assert reasons(desk) == [Refusal.BELOW_MINIMUM_ORDER]


def test_a_second_signal_while_the_position_is_open_is_refused(clock: VirtualClock) -> None:
    desk = Desk(clock)
    opened(desk, fallen())
    desk.wait()
    desk.show(fallen(0.90))
    assert desk.look() == []
    assert reasons(desk) == [None, Refusal.POSITION_OPEN]


def test_an_upper_line_is_a_signal_that_spot_cannot_trade(clock: VirtualClock) -> None:
    desk = Desk(clock, "recovery_channel")
    desk.show(at_upper_line())
    assert desk.look() == []
    (decided,) = desk.decided
    assert (decided.side, decided.reason) == (Side.SELL, Refusal.SHORT_ON_SPOT)
    assert desk.controller.processed_data["signal"] == -1


def test_an_upper_line_is_sold_on_perpetuals(clock: VirtualClock) -> None:
    desk = Desk(clock, "recovery_channel", connector_name=PERPETUAL)
    last = Decimal(str(at_upper_line().close[-1]))
    desk.market.best = {PriceType.BestBid: last, PriceType.BestAsk: None}
    config = opened(desk, at_upper_line())
    (decided,) = desk.decided
    assert (decided.side, decided.reason, decided.signal_id[-5:]) == (Side.SELL, None, "/SELL")
    assert (config.side, config.connector_name) == (TradeType.SELL, PERPETUAL)
    assert config.prices == [last * (1 - ENTRY_SLIPPAGE)], "below the best bid, so that it fills at once"


def test_the_side_and_the_confidence_are_asked_before_the_price(clock: VirtualClock) -> None:
    desk = Desk(clock, "recovery_channel", min_confidence="0.99")
    desk.market.best = {PriceType.BestBid: None, PriceType.BestAsk: None}
    desk.show(at_upper_line())
    desk.look()
    assert reasons(desk) == [Refusal.LOW_CONFIDENCE]
    other = Desk(clock, "recovery_channel")
    other.market.best = desk.market.best
    other.show(at_upper_line())
    other.look()
    assert reasons(other) == [Refusal.SHORT_ON_SPOT]


# The crash guard.

GUARD = {"crash_guard_pair": "ETH-USDT", "crash_drop_1h": "0.05"}


def guarded(desk: Desk, last: float, count: int = 13) -> None:
    """The guard's pair stood at 100 for an hour and has just closed at this price."""
    desk.market.show(with_last(np.full(count, 100.0), last, 300), "5m", "ETH-USDT")


@pytest.mark.parametrize(("last", "refusal"), [(95.1, None), (95.0, Refusal.CRASH_GUARD), (120.0, None)])
def test_a_crash_of_the_leading_market_refuses(last: float, refusal: Refusal | None, clock: VirtualClock) -> None:
    desk = Desk(clock, **GUARD)
    desk.show(fallen())
    guarded(desk, last)
    assert len(desk.look()) == (0 if refusal else 1)
    assert reasons(desk) == [refusal]
    assert desk.market.asked[-1] == ("binance", "ETH-USDT", "5m", 14), "an hour, its ends included, and one in progress"


def test_a_guard_that_cannot_see_refuses(clock: VirtualClock) -> None:
    """Without candles, with a gap in them, with less than an hour of them, with a feed that stands still."""
    desk = Desk(clock, cooldown_s=0, max_positions=9, **GUARD)
    key = ("ETH-USDT", "5m")
    for damage in ("none", "gap", "short", "late"):
        guarded(desk, 99.0)
        frame = desk.market.frames[key]
        if damage == "none":
            desk.market.frames[key] = frame.iloc[:0]
        elif damage == "gap":
            desk.market.frames[key] = frame.drop(index=5)
        elif damage == "short":
            guarded(desk, 99.0, count=12)
        else:
            desk.market.frames[key] = frame.assign(timestamp=frame.timestamp - 900)
        desk.show(fallen())
        assert desk.look() == [], damage
        desk.wait()
    assert reasons(desk) == [Refusal.CRASH_GUARD_BLIND] * 4


def test_the_guards_feed_is_asked_for_signals_alone(clock: VirtualClock) -> None:
    desk = Desk(clock, **GUARD)
    desk.show(flat())
    desk.look()
    assert [pair for _, pair, _, _ in desk.market.asked] == [PAIR]
    assert [feed.trading_pair for feed in desk.config.candles_config] == [PAIR, "ETH-USDT"]


# Exits.


def test_an_entry_that_is_not_filled_within_two_candles_is_given_up(clock: VirtualClock) -> None:
    desk = Desk(clock)
    clock.jump(1.7)
    config = opened(desk, fallen())
    desk.holds(config, filled_quote=0)
    actions = []
    # The look comes a little earlier than in the candle before: it is the candle that counts.
    for later_s in (59.9, 59.9):
        clock.jump(later_s)
        desk.show(flat())
        actions.append(desk.look())
    first, (stop,) = actions
    assert first == []
    assert isinstance(stop, StopExecutorAction)
    assert (stop.executor_id, stop.controller_id) == (config.id, "recovery_dca")
    assert desk.session.exit_causes == {config.id: Exit.ENTRY_UNFILLED}


@pytest.mark.parametrize(("filled", "is_active"), [(100, True), (0, False)], ids=["filled", "closed"])
def test_what_is_filled_or_closed_is_not_given_up(filled: int, is_active: bool, clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.holds(opened(desk, fallen()), filled, is_active=is_active)
    for _ in range(5):
        desk.wait()
        desk.show(flat())
        assert desk.look() == []
    assert desk.session.exit_causes == {}


def channel_after(last_place: float, width: float = 0.03) -> CandleSeries:
    """The channel of `at_lower_line`, whose last close lies so far up it, in widths."""
    candles = drawn_channel(121, width=width)
    last = 100 * np.exp(width * last_place)
    return with_last(candles.close, last, 300)


@pytest.mark.parametrize(
    ("side", "place", "reason"),
    [
        (TradeType.BUY, -0.2, Exit.CHANNEL_BROKEN),
        (TradeType.BUY, -0.1, None),
        (TradeType.BUY, 0.5, None),
        (TradeType.BUY, 0.85, Exit.OPPOSITE_LINE),
        (TradeType.BUY, 1.5, Exit.OPPOSITE_LINE),
        (TradeType.SELL, 1.2, Exit.CHANNEL_BROKEN),
        (TradeType.SELL, 0.15, Exit.OPPOSITE_LINE),
        (TradeType.SELL, 0.5, None),
    ],
)
def test_a_channels_position_is_left_when_the_rule_says_so(
    side: TradeType, place: float, reason: Exit | None, clock: VirtualClock
) -> None:
    desk = Desk(clock, "recovery_channel", connector_name=PERPETUAL, max_positions=1)
    config = opened(desk, at_lower_line() if side is TradeType.BUY else at_upper_line())
    assert config.side is side
    desk.holds(config)
    desk.wait()
    desk.show(channel_after(place))
    stopped = [action for action in desk.look() if isinstance(action, StopExecutorAction)]
    assert [action.executor_id for action in stopped] == ([] if reason is None else [config.id])
    assert desk.session.exit_causes == ({} if reason is None else {config.id: reason})


def test_dca_and_swing_leave_their_positions_to_the_barriers(clock: VirtualClock) -> None:
    for strategy, candles in (("recovery_dca", lambda _: fallen()), ("recovery_swing", risen)):
        desk = Desk(clock, strategy)
        desk.holds(opened(desk, candles(desk)))
        desk.wait()
        desk.show(flat(desk.config.candles_needed, 10.0, desk.config.interval_s))
        assert desk.look() == []


def test_a_replaced_controller_still_leaves_what_its_rule_wants_out_of(clock: VirtualClock) -> None:
    desk = Desk(clock, "recovery_channel")
    config = opened(desk, at_lower_line())
    desk.holds(config)
    desk.controller.retired = True
    desk.wait()
    desk.show(channel_after(-0.2))
    (action,) = desk.look()
    assert action.executor_id == config.id


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
