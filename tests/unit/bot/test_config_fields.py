"""Every field of a strategy's configuration is read: another value of it, and something else is done.

A field that only shows up in what repeats the configuration (thresholds and fingerprint of a signal, the record of a
configuration taken) does not count as read.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.client import settings

from shared.bot import config as fields
from shared.bot import session
from shared.bot.strategy_file import load_controller_config
from shared.wire.config_errors import ConfigError
from tests.unit.bot import desk
from tests.unit.bot.desk import PERPETUAL
from tests.unit.bot.transcript import Transcript, transcript

# Signals come often and nothing holds them back, so that what a field does can be seen.
LIVELY: dict[str, Any] = {
    **{"min_confidence": 0, "cooldown_s": 0, "cooldown_after_stop_s": None, "stops_in_a_row": None},
    **{"ban_s": 60, "max_positions": 10},
}
OF_THE_STRATEGY: dict[str, dict[str, Any]] = {
    "recovery_dca": {"drop_threshold": 0.01, "lookback_s": 7_200, "size_growth": 1.5, "interval": "5m"},
    "recovery_swing": {"breakout_threshold": 0.001, "interval": "5m"},
    "recovery_channel": {"strength_threshold": 0.1, "interval": "5m"},
}
TRAILING = {"trailing_activation": 0.003, "trailing_delta": 0.002}
GUARDED = {"crash_guard_pair": "SOL-USDT"} | dict.fromkeys(("crash_drop_1h", "crash_drop_4h", "crash_drop_24h"), 0.4)

# By field: what it takes for the field to matter, and another value of it.
COMMON: dict[str, tuple[dict[str, Any], Any]] = {
    "id": ({}, "another"),
    "controller_name": ({}, "recovery_another"),
    "phase": ({}, 2),
    "connector_name": ({}, "kucoin_paper_trade"),
    "trading_pair": ({}, "ETH-USDT"),
    "candles_connector": ({}, "kraken"),
    "interval": ({}, "15m"),
    "leverage": ({"connector_name": PERPETUAL}, 5),
    "position_mode": ({"connector_name": PERPETUAL}, "ONEWAY"),
    "total_amount_quote": ({}, 300),
    "manual_kill_switch": ({}, True),
    "min_confidence": ({}, 1),
    "trailing_activation": (TRAILING, 0.0035),
    "trailing_delta": (TRAILING, 0.001),
    "time_limit_s": ({}, 7_200),
    "max_positions": ({"max_positions": 1}, 2),
    "cooldown_s": ({}, 36_000),
    "cooldown_after_stop_s": ({}, 36_000),
    "stops_in_a_row": ({"ban_s": 36_000}, 1),
    "ban_s": ({"stops_in_a_row": 1}, 36_000),
    "crash_guard_pair": (GUARDED, "ETH-USDT"),
    "crash_drop_1h": (GUARDED, 0.001),
    "crash_drop_4h": (GUARDED, 0.001),
    "crash_drop_24h": (GUARDED, 0.001),
}
BARRIERS: dict[str, tuple[dict[str, Any], Any]] = {
    "min_take_profit": ({}, 0.05),
    "max_take_profit": ({}, 0.005),
    "min_stop_loss": ({}, 0.03),
    "max_stop_loss": ({}, 0.007),
}
OWN: dict[str, dict[str, tuple[dict[str, Any], Any]]] = {
    "recovery_dca": {
        "drop_threshold": ({}, 0.02),
        "lookback_s": ({}, 3_600),
        "levels": ({}, 2),
        "level_spacing": ({}, 0.02),
        "size_growth": ({}, 2),
        "take_profit": ({}, 0.02),
        "stop_loss": ({}, 0.03),
    },
    "recovery_swing": BARRIERS
    | {
        "breakout_threshold": ({}, 0.003),
        "breakout_candles": ({}, 40),
        "volume_candles": ({}, 10),
        "rsi_length": ({}, 10),
        "ema_fast": ({}, 8),
        "ema_slow": ({}, 40),
        "atr_length": ({}, 10),
        "atr_stop": ({"structure_candles": 20}, 1),
        "structure_candles": ({}, 20),
        "reward_to_risk": ({}, 1),
    },
    "recovery_channel": BARRIERS
    | {
        "strength_threshold": ({}, 0.9),
        "channel_candles": ({}, 80),
        "pivot_span": ({}, 3),
        "line_tolerance": ({}, 0.1),
        "entry_zone": ({}, 0.1),
        "stop_distance": ({}, 0.6),
        "round_trip_cost": ({}, 0.01),
    },
}
# Hummingbot's, or the loader's: a wrong value is refused there, and there is no other right one.
READ_BY_THE_LOADER: dict[str, Any] = {"controller_type": "generic", "candles_config": [1], "initial_positions": [1]}


@pytest.fixture(autouse=True)
def one_session() -> Iterator[None]:
    before = session._current
    yield
    session._current = before


def unexplained(strategy: str, config_class: Any) -> set[str]:
    """Fields nobody has shown to be read."""
    return set(config_class.model_fields) - set(COMMON) - set(OWN[strategy]) - set(READ_BY_THE_LOADER)


def is_read(strategy: str, field: str, base: dict[str, Any], other: Any) -> bool:
    """Whether another value of one field changes what a controller does."""
    sound = LIVELY | OF_THE_STRATEGY[strategy] | base
    return seen(strategy, tuple(sorted(sound.items()))) != transcript(strategy, **sound | {field: other})


@cache
def seen(strategy: str, changes: tuple[tuple[str, Any], ...]) -> Transcript:
    return transcript(strategy, **dict(changes))


@pytest.mark.parametrize("strategy", OWN)
def test_every_field_has_its_row(strategy: str) -> None:
    _, config_class = desk.STRATEGIES[strategy]
    assert unexplained(strategy, config_class) == set()
    assert set(COMMON) | set(OWN[strategy]) <= set(config_class.model_fields)


@pytest.mark.parametrize(
    ("strategy", "field", "base", "other"),
    [(strategy, field, *case) for strategy, own in OWN.items() for field, case in (COMMON | own).items()],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_field_is_read(strategy: str, field: str, base: dict[str, Any], other: Any) -> None:
    assert is_read(strategy, field, base, other)


@pytest.mark.parametrize(("field", "value"), READ_BY_THE_LOADER.items())
def test_the_loader_reads_the_rest(field: str, value: Any) -> None:
    path = Path(settings.CONTROLLERS_CONF_DIR_PATH) / "probe.yml"
    content = yaml.safe_load(path.with_name("recovery_dca.yml").read_text())
    path.write_text(yaml.dump(content | {"id": "probe", field: value}))
    try:
        with pytest.raises(ConfigError, match=f"{field} = "):
            load_controller_config(path)
    finally:
        path.unlink()


def test_the_market_shows_what_there_is_to_see() -> None:
    """Else a field could change nothing for want of signals."""
    for strategy, sound in OF_THE_STRATEGY.items():
        found = transcript(strategy, **LIVELY | sound)
        assert len(found.signals) >= 5
        assert len(found.executors) >= 5


class Grown(desk.RecoveryDcaConfig):
    """A configuration with a field nobody reads."""

    unread: int = fields.setting("A field nobody reads", 1)


def test_a_field_nobody_reads_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert unexplained("recovery_dca", Grown) == {"unread"}
    monkeypatch.setitem(desk.STRATEGIES, "recovery_dca", (desk.RecoveryDca, Grown))
    assert Grown(id="a", unread=1).config_id != Grown(id="a", unread=2).config_id
    assert not is_read("recovery_dca", "unread", {"unread": 1}, 2)
    assert is_read("recovery_dca", "levels", {"unread": 1}, 2)
