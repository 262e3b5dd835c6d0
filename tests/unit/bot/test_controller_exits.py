"""What the controller gives up or leaves: entries that were not filled, positions its rule wants out of."""

import numpy as np
import pytest
from hummingbot.core.data_type.common import TradeType
from hummingbot.strategy_v2.models.executor_actions import StopExecutorAction

from shared.domain.candles import CandleSeries
from shared.domain.rules import Exit
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.desk import (
    PERPETUAL,
    Desk,
    at_lower_line,
    at_upper_line,
    fallen,
    flat,
    opened,
    risen,
    with_last,
)
from tests.unit.domain.drawn_channels import drawn_channel


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
