"""A controller's configuration: journaled when it takes effect, edited as a whole, told apart by its fingerprint."""

from decimal import Decimal
from typing import Any

import pytest
from hummingbot.core.data_type.common import PositionMode
from pydantic import ValidationError

from shared.bot.config import is_updatable
from shared.bot.live_edits import frozen_changes
from shared.domain import events as ev
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.desk import STRATEGIES, Desk, fallen, flat
from tests.unit.bot.fake_exchange import PAIR, START_S

SOURCE = "conf/controllers/recovery_dca.yml"


def edited(desk: Desk, **changes: Any) -> Any:
    """The controller's configuration as a trader edits it."""
    return type(desk.config)(**desk.config.model_dump(exclude={"candles_config"}) | changes)


def applied(desk: Desk) -> list[ev.ConfigApplied]:
    return desk.of_kind("config_applied")


def test_a_configuration_is_journaled_once_before_it_decides(clock: VirtualClock) -> None:
    desk = Desk(clock, phase=2)
    desk.show(fallen())
    for _ in range(3):
        desk.look()
    assert applied(desk) == [
        ev.ConfigApplied(
            at_ms=int(START_S * 1000),
            controller_id="recovery_dca",
            strategy="recovery_dca",
            pair=PAIR,
            phase=2,
            config_id=desk.config.config_id,
            source="start",
            old={},
            new=desk.config.as_text(),
        )
    ]
    kinds = [event.kind for event in desk.session.journal.read("run")]
    assert kinds == ["run_started", "config_applied", "signal"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_setting_is_journaled_as_text(strategy: str, clock: VirtualClock) -> None:
    desk = Desk(clock, strategy)
    desk.show(flat(desk.config.candles_needed, interval_s=desk.config.interval_s))
    desk.look()
    (event,) = applied(desk)
    assert set(event.new) == set(type(desk.config).model_fields) - {"candles_config", "initial_positions"}
    assert event.new["position_mode"] == "HEDGE"
    assert event.new["total_amount_quote"] == "600"
    assert event.new["crash_guard_pair"] == ""
    assert event.new["manual_kill_switch"] == "False"


def test_an_edit_takes_what_changed_and_journals_old_and_new(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(flat())
    desk.look()
    before = desk.config.config_id
    desk.controller.update_config(edited(desk, stop_loss="0.08", levels=2), source=SOURCE)
    assert (desk.controller.config.stop_loss, desk.controller.config.levels) == (Decimal("0.08"), 2)
    start, edit = applied(desk)
    assert (edit.source, edit.old, edit.new) == (
        SOURCE,
        {"levels": "3", "stop_loss": "0.04"},
        {"levels": "2", "stop_loss": "0.08"},
    )
    assert start.config_id == before
    assert edit.config_id == desk.controller.config.config_id != before
    assert edit.controller_id == "recovery_dca"


def test_an_edit_decides_the_very_next_candle(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.controller.update_config(edited(desk, drop_threshold="0.07"))
    desk.show(fallen(0.94))
    assert desk.look() == []
    desk.controller.update_config(edited(desk, drop_threshold="0.05"))
    desk.wait()
    desk.show(fallen(0.94))
    assert len(desk.look()) == 1
    assert desk.decided[0].config_id == desk.controller.config.config_id


def test_an_open_position_keeps_the_terms_it_was_opened_with(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(fallen())
    (action,) = desk.look()
    desk.controller.update_config(edited(desk, take_profit="0.2", stop_loss="0.3", time_limit_s=60))
    config = action.executor_config
    assert (config.take_profit, config.stop_loss, config.time_limit) == (Decimal("0.01"), Decimal("0.04"), 86_400)


def test_what_is_the_same_is_no_edit(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(flat())
    desk.look()
    desk.controller.update_config(edited(desk))
    desk.controller.update_config(edited(desk, stop_loss="0.0400"))
    assert len(applied(desk)) == 1


def test_fields_that_belong_together_are_taken_together(clock: VirtualClock) -> None:
    """Set one after the other, as 20260126 does, the first would be refused."""
    desk = Desk(clock, take_profit="0.03")
    desk.controller.update_config(edited(desk, trailing_activation="0.02", trailing_delta="0.01"))
    desk.controller.update_config(edited(desk, trailing_activation="0.025", trailing_delta="0.02"))
    assert desk.controller.config.trailing_delta == Decimal("0.02")
    desk.controller.update_config(edited(desk, trailing_activation=None, trailing_delta=None))
    assert desk.controller.config.trailing_activation is None
    started, *edits = applied(desk)
    assert (started.source, started.new["trailing_delta"]) == ("start", ""), "an edit before the first look is one too"
    assert [sorted(event.new) for event in edits] == [["trailing_activation", "trailing_delta"]] * 3


def test_what_does_not_go_with_what_may_not_change_is_refused_whole(clock: VirtualClock) -> None:
    desk = Desk(clock)
    wanted = edited(desk, crash_guard_pair="BTC-USDT", crash_drop_1h="0.05", stop_loss="0.08")
    with pytest.raises(ValidationError):
        desk.controller.update_config(wanted)
    assert desk.controller.config is desk.config
    assert applied(desk) == []


def test_frozen_changes_are_named_and_others_are_not(clock: VirtualClock) -> None:
    desk = Desk(clock)
    assert frozen_changes(desk.controller.config, edited(desk)) == []
    assert frozen_changes(desk.controller.config, edited(desk, stop_loss="0.08", manual_kill_switch=True)) == []
    assert frozen_changes(desk.controller.config, edited(desk, lookback_s=7200, interval="3m", levels=1)) == [
        "interval",
        "lookback_s",
    ]


def test_what_an_open_position_is_left_by_is_frozen(clock: VirtualClock) -> None:
    """A channel's position is left by these two of its rule's settings, and ends under the terms it was opened with."""
    desk = Desk(clock, "recovery_channel")
    assert frozen_changes(desk.controller.config, edited(desk, line_tolerance="0.1", entry_zone="0.1")) == [
        "entry_zone",
        "line_tolerance",
    ]


# The fingerprint.

SAME_WHATEVER = {"id", "trading_pair", "manual_kill_switch"}
# It opens nothing, and a replay without its pair must be evidence of the same configuration.
SAME_WHATEVER |= {"crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h"}


def another(value: Any) -> Any:
    """A value of the same kind that is not this one, sound or not."""
    if isinstance(value, PositionMode):
        return PositionMode.ONEWAY if value is PositionMode.HEDGE else PositionMode.HEDGE
    if isinstance(value, bool):
        return not value
    if isinstance(value, Decimal):
        return value + Decimal("0.00000001")
    return value + 1 if isinstance(value, int) else f"{value or ''}x"


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        (strategy, name)
        for strategy, (_, config_class) in STRATEGIES.items()
        for name in config_class.model_fields
        if name not in ("candles_config", "initial_positions")
    ],
)
def test_each_setting_but_which_controller_it_is_makes_another_fingerprint(
    strategy: str, name: str, clock: VirtualClock
) -> None:
    """A changed threshold starts its own count of evidence."""
    config = Desk(clock, strategy, crash_guard_pair="BTC-USDT", crash_drop_1h="0.05").config
    changed = config.model_copy(update={name: another(getattr(config, name))})
    assert changed.as_text()[name] != config.as_text()[name]
    assert (changed.config_id == config.config_id) is (name in SAME_WHATEVER)


def test_a_fingerprint_is_of_values_not_of_how_they_are_written(clock: VirtualClock) -> None:
    ids = {
        Desk(clock, stop_loss=stop_loss, total_amount_quote=total).config.config_id
        for stop_loss, total in (("0.04", 600), (0.04, "600.0"), (Decimal("0.0400"), Decimal("6E+2")))
    }
    assert len(ids) == 1
    (fingerprint,) = ids
    assert len(fingerprint) == 12
    assert int(fingerprint, 16) >= 0


@pytest.mark.parametrize(
    "name", ["connector_name", "interval", "leverage", "candles_connector", "trading_pair", "phase", "crash_guard_pair"]
)
def test_what_the_bots_connections_depend_on_is_frozen(name: str) -> None:
    for _, config_class in STRATEGIES.values():
        assert not is_updatable(config_class, name)
        assert is_updatable(config_class, "manual_kill_switch")
