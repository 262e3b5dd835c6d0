"""What a strategy's configuration derives from its fields. What it refuses: tests/unit/bot/test_wrong_values.py."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.strategy_v2.controllers.controller_base import ControllerConfigBase
from pydantic import ValidationError

from controllers.directional_trading.recovery_channel import RecoveryChannelConfig
from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from controllers.directional_trading.recovery_swing import RecoverySwingConfig
from shared.bot.config import RecoveryControllerConfig, is_updatable
from shared.domain.barrier_bounds import BarrierBounds
from shared.domain.protections import CrashGuard, Protections

CONTROLLERS = Path(__file__).resolve().parents[3] / "conf" / "controllers"
CLASSES = (RecoveryDcaConfig, RecoverySwingConfig, RecoveryChannelConfig)
GUARD = ("crash_guard_pair", "crash_drop_1h", "crash_drop_4h", "crash_drop_24h")


def sound(strategy: str = "recovery_dca", **changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CONTROLLERS / f"{strategy}.yml").read_text())
    return content | {"id": "probe"} | changes


def dca(**changes: Any) -> RecoveryDcaConfig:
    return RecoveryDcaConfig(**sound(**changes))


def test_candles_are_long_enough_for_a_decision_and_the_candle_in_progress() -> None:
    config = dca(lookback_s=3600, interval="5m", **dict.fromkeys(GUARD))
    assert (config.interval_s, config.candles_needed) == (300, 12)
    assert config.candles.model_dump() == {
        "connector": "binance",
        "trading_pair": "BTC-USDT",
        "interval": "5m",
        "max_records": 13,
    }
    assert config.candles_config == [config.candles]
    assert config.history_needed_s == 13 * 300
    assert dca(candles_connector="binance_perpetual").candles.connector == "binance_perpetual"


def test_the_crash_guard_has_a_feed_as_long_as_its_longest_span() -> None:
    config = dca(trading_pair="ETH-USDT", crash_drop_24h=None)
    assert config.crash_guard == CrashGuard({3600: 0.05, 14_400: 0.08})
    assert config.guard_candles.model_dump() == {
        "connector": "binance",
        "trading_pair": "BTC-USDT",
        "interval": "5m",
        # Four hours between two closed candles, and the candle in progress.
        "max_records": 50,
    }
    assert config.candles_config == [config.candles, config.guard_candles]
    assert config.history_needed_s == 50 * 300
    assert dca(**dict.fromkeys(GUARD)).crash_guard is None


def test_the_protections_are_the_files() -> None:
    changes = {"max_positions": 2, "cooldown_s": 3, "cooldown_after_stop_s": 4, "stops_in_a_row": 5, "ban_s": 60}
    assert dca(**changes).protections == Protections(2, 3, 4, 5, 60)


@pytest.mark.parametrize("strategy", ["recovery_swing", "recovery_channel"])
def test_the_bounds_of_the_rules_barriers_are_the_files(strategy: str) -> None:
    changes = {"min_take_profit": 0.01, "max_take_profit": 0.02, "min_stop_loss": 0.03, "max_stop_loss": 0.04}
    config: Any = {"recovery_swing": RecoverySwingConfig, "recovery_channel": RecoveryChannelConfig}[strategy]
    bounds = config(**sound(strategy, **changes)).barrier_bounds
    assert bounds == BarrierBounds(*(Decimal(str(value)) for value in changes.values()))


def test_perpetuals_are_known_by_their_connector() -> None:
    assert not dca().is_perpetual
    assert dca(connector_name="binance_perpetual_paper_trade").is_perpetual


def test_fractions_are_decimals_of_what_the_file_says() -> None:
    config = dca()
    assert config.drop_threshold == Decimal("0.05")
    assert config.trailing_activation is None
    assert config.rule.thresholds == {"drop_threshold": 0.05, "lookback_s": 14_400.0}


@pytest.mark.parametrize("value", ["hedge", "HEDGE", PositionMode.HEDGE])
def test_position_modes_are_read_by_name(value: Any) -> None:
    assert dca(position_mode=value).position_mode is PositionMode.HEDGE


def test_each_pair_of_a_connector_is_a_market() -> None:
    markets = dca().update_markets(MarketDict({}))
    markets = dca(trading_pair="ETH-USDT").update_markets(markets)
    assert dict(markets) == {"binance_paper_trade": {"BTC-USDT", "ETH-USDT"}}


# As the journal has it.


def test_settings_are_text_without_trailing_zeros() -> None:
    text = dca(total_amount_quote=Decimal("600.00"), take_profit="0.010").as_text()
    assert text["total_amount_quote"] == "600"
    assert text["take_profit"] == "0.01"
    assert text["position_mode"] == "HEDGE"
    assert text["trailing_delta"] == text["phase"] == ""
    assert not {"candles_config", "initial_positions"} & text.keys()


def test_the_fingerprint_is_of_how_it_trades() -> None:
    """A changed threshold starts its own count of evidence; another pair and a kill switch do not."""
    before = dca().config_id
    assert len(before) == 12
    assert dca(drop_threshold="0.050").config_id == before
    for changes in ({"id": "other"}, {"trading_pair": "ETH-USDT"}, {"manual_kill_switch": True}):
        assert dca(**changes).config_id == before, changes
    own = set(RecoveryDcaConfig.model_fields) - set(ControllerConfigBase.model_fields)
    changed = {
        "drop_threshold": 0.04,
        "phase": 2,
        "levels": 2,
        "min_confidence": 0.1,
        "cooldown_s": 1,
        "interval": "5m",
    }
    assert changed.keys() <= own
    for name, value in changed.items():
        assert dca(**{name: value}).config_id != before, name


# What Hummingbot shows and changes.


@pytest.mark.parametrize("config_class", CLASSES)
def test_each_field_of_ours_has_a_prompt(config_class: type[RecoveryControllerConfig]) -> None:
    host = set(ControllerConfigBase.model_fields) | {"candles_config"}
    for name, field in config_class.model_fields.items():
        if name in host:
            continue
        assert isinstance(field.json_schema_extra, dict), name
        assert field.json_schema_extra["prompt"], name
        bounds = {item.lt for item in field.metadata if hasattr(item, "lt")}
        if bounds == {Decimal("0.5")}:
            assert str(field.json_schema_extra["prompt"]).endswith("(a fraction, 0.03 is 3 %)"), name


@pytest.mark.parametrize("config_class", CLASSES)
def test_what_shapes_feed_account_or_rule_stays_while_the_bot_runs(
    config_class: type[RecoveryControllerConfig],
) -> None:
    frozen = {name for name in config_class.model_fields if not is_updatable(config_class, name)}
    assert {"id", "connector_name", "trading_pair", "interval", "candles_connector", "leverage", "phase"} <= frozen
    assert {"position_mode", "crash_guard_pair"} <= frozen
    assert {"total_amount_quote", "min_confidence", "manual_kill_switch", "time_limit_s"}.isdisjoint(frozen)


def test_a_field_set_while_running_is_checked_too() -> None:
    """Hummingbot sets one after the other."""
    config = dca()
    with pytest.raises(ValidationError):
        config.levels = 11
    with pytest.raises(ValidationError):
        config.levels = True
    config.levels = 4
    assert config.levels == 4


@pytest.mark.parametrize("config_class", CLASSES)
def test_unknown_fields_are_refused(config_class: type[RecoveryControllerConfig]) -> None:
    assert issubclass(config_class, RecoveryControllerConfig)
    assert config_class.model_config["extra"] == "forbid"
