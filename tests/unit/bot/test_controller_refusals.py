"""A signal the controller refuses: every refusal has its reason, the crash guard's too."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hummingbot.core.data_type.common import PriceType, TradeType

from shared.bot.positions import ENTRY_SLIPPAGE
from shared.domain.rules import Opportunity
from shared.domain.signals import Refusal, Side
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.desk import (
    PERPETUAL,
    Desk,
    at_lower_line,
    at_upper_line,
    fallen,
    flat,
    opened,
    reasons,
    risen,
    with_last,
)
from tests.unit.bot.fake_exchange import PAIR

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
