"""Settings of a strategy that do not go together: with the sidecar's candles. The others are in test_wrong_values.py."""

from typing import Any

import pytest
from pydantic import ValidationError

from controllers.directional_trading.recovery_channel import RecoveryChannelConfig
from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from controllers.directional_trading.recovery_swing import RecoverySwingConfig
from shared.bot.config_fields import INTERVALS_S
from shared.bot.feed_candles import NAME, serves
from tests.unit.bot.test_config import sound

STRATEGIES: dict[str, Any] = {
    "recovery_dca": RecoveryDcaConfig,
    "recovery_swing": RecoverySwingConfig,
    "recovery_channel": RecoveryChannelConfig,
}


@pytest.mark.parametrize("strategy", list(STRATEGIES))
def test_every_strategy_file_can_be_served_by_the_sidecar(strategy: str) -> None:
    config = STRATEGIES[strategy](**sound(strategy, candles_connector=NAME))
    assert all(serves(candles.connector) for candles in config.candles_config)
    assert config.candles.connector == NAME
    assert config.config_id != STRATEGIES[strategy](**sound(strategy)).config_id  # other candles, other evidence


@pytest.mark.parametrize("interval", list(INTERVALS_S))
def test_every_timeframe_can_be_served(interval: str) -> None:
    config = RecoveryDcaConfig(**sound(candles_connector=NAME, interval=interval, lookback_s=3600))
    assert config.candles.interval == interval


def test_more_candles_than_the_sidecar_holds_are_refused() -> None:
    wanted = {"candles_connector": NAME, "rsi_length": 23}
    RecoverySwingConfig(**sound("recovery_swing", **wanted, interval="3m"))
    with pytest.raises(ValidationError) as refused:
        RecoverySwingConfig(**sound("recovery_swing", **wanted, interval="5m"))
    assert (
        "candles_connector = recovery_feed: must be another where more than 299 candles of interval = 5m are looked at, "
        "here 4"
    ) in str(refused.value)
