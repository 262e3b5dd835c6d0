"""Whatever is wrong with a strategy file is told in one sentence: file, field, value and what is allowed."""

import ast
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hummingbot.client import settings
from hummingbot.core.data_type.common import MarketDict, PositionMode
from hummingbot.strategy.strategy_v2_base import StrategyV2ConfigBase
from hummingbot.strategy_v2.controllers.controller_base import ControllerConfigBase
from pydantic import ValidationError

from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from shared.adapters.settings_file import read_yaml
from shared.bot import config as fields
from shared.bot.config import RecoveryControllerConfig, read_fields
from shared.bot.controller import RecoveryController
from shared.bot.script_config import RecoveryScriptConfig, load_controller_config, load_script_config
from shared.wire.config_errors import ConfigError, describe

CHECKOUT = Path(__file__).resolve().parents[3]
STRATEGY_FILES = sorted((CHECKOUT / "conf" / "controllers").glob("*.yml"))
SCRIPT_FILES = sorted((CHECKOUT / "conf" / "scripts").glob("*.yml"))


@pytest.fixture
def strategy_file() -> Iterator[Path]:
    """A strategy file of the home, to be written to."""
    path = Path(settings.CONTROLLERS_CONF_DIR_PATH) / "probe.yml"
    path.write_text(yaml.dump(sound()))
    yield path
    path.unlink(missing_ok=True)


def sound(**changes: Any) -> dict[str, Any]:
    content = yaml.safe_load((CHECKOUT / "conf" / "controllers" / "recovery_dca.yml").read_text())
    return content | {"id": "probe"} | changes


def refusal(path: Path, **changes: Any) -> str:
    """The one sentence a changed file is refused with."""
    path.write_text(yaml.dump(sound(**changes)))
    with pytest.raises(ConfigError) as refused:
        load_controller_config(path)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


FRACTION = "must be a fraction above 0 and below 0.5 (0.03 is 3 %)"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stop_los": 0.04}, "stop_los = 0.04: there is no such setting"),
        ({"take_profit": 3}, f"take_profit = 3: {FRACTION}"),
        ({"drop_threshold": 3}, f"drop_threshold = 3: {FRACTION}"),
        ({"stop_loss": 0.5}, f"stop_loss = 0.5: {FRACTION}"),
        ({"level_spacing": 50}, f"level_spacing = 50: {FRACTION}"),
        ({"stop_loss": 0}, "stop_loss = 0: must be greater than 0"),
        ({"take_profit": -0.01}, "take_profit = -0.01: must be greater than 0"),
        ({"levels": 0}, "levels = 0: must be greater than or equal to 1"),
        ({"levels": 11}, "levels = 11: must be less than or equal to 10"),
        ({"levels": "three"}, "levels = three: must be a valid integer, unable to parse string as an integer"),
        ({"lookback_s": 60}, "lookback_s = 60: must be greater than or equal to 600"),
        ({"leverage": 126}, "leverage = 126: must be less than or equal to 125"),
        ({"total_amount_quote": 0}, "total_amount_quote = 0: must be greater than 0"),
        ({"time_limit_s": 5}, "time_limit_s = 5: must be greater than or equal to 60"),
        ({"interval": "2m"}, "interval = 2m: must be one of 1m, 3m, 5m, 15m, 30m, 1h"),
        ({"position_mode": "BOTH"}, "position_mode = BOTH: must be one of HEDGE, ONEWAY"),
        ({"candles_connector": "nonesuch"}, "candles_connector = nonesuch: is no connector Hummingbot has candles for"),
        ({"trailing_activation": 0.02}, "trailing_activation and trailing_delta: set both or neither"),
        ({"trailing_delta": 0.02}, "trailing_activation and trailing_delta: set both or neither"),
        (
            {"trailing_activation": 0.01, "trailing_delta": 0.02},
            "trailing_delta: must not exceed trailing_activation, or the stop would lie below the entry",
        ),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_each_bad_setting_is_one_sentence(changes: dict[str, Any], sentence: str, strategy_file: Path) -> None:
    assert refusal(strategy_file, **changes) == sentence


def test_a_pair_must_look_like_one(strategy_file: Path) -> None:
    assert refusal(strategy_file, trading_pair="btcusdt").startswith("trading_pair = btcusdt: ")


def test_several_faults_are_all_named_on_one_line(strategy_file: Path) -> None:
    line = refusal(strategy_file, take_profit=3, levels=0)
    assert line == f"take_profit = 3: {FRACTION}; {strategy_file}: levels = 0: must be greater than or equal to 1"


def test_a_field_left_out_is_named_where_it_has_no_default() -> None:
    with pytest.raises(ValidationError) as refused:
        RecoveryScriptConfig(script_file_name="x.py")
    assert "x.yml: pairs: is missing" in describe("x.yml", refused.value)


# What the files of conf/ must be.


def host_fields() -> set[str]:
    """Fields Hummingbot itself fills, which our files leave out."""
    return (set(ControllerConfigBase.model_fields) | {"candles_config"}) - {
        "id",
        "controller_name",
        "controller_type",
        "total_amount_quote",
        "manual_kill_switch",
    }


@pytest.mark.parametrize("path", [*STRATEGY_FILES, *SCRIPT_FILES], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_is_as_hummingbot_api_saves_it(path: Path) -> None:
    text = path.read_text()
    assert yaml.dump(yaml.safe_load(text)) == text


@pytest.mark.parametrize("path", STRATEGY_FILES, ids=lambda path: path.name)
def test_a_strategy_file_is_complete(path: Path) -> None:
    content = read_yaml(path)
    assert content["id"] == path.stem
    found = load_controller_config(path)
    assert set(content) == set(type(found).model_fields) - host_fields()


@pytest.mark.parametrize("path", SCRIPT_FILES, ids=lambda path: path.name)
def test_a_script_file_is_complete(path: Path) -> None:
    content = read_yaml(path)
    config = load_script_config(path)
    host = {"markets", "candles_config"}
    assert set(content) == set(RecoveryScriptConfig.model_fields) - host
    assert (CHECKOUT / "hummingbot_scripts" / config.script_file_name).is_file()
    assert len(config.load_controller_configs()) == len(config.pairs) * len(config.controllers_config)


def test_there_are_files_to_check() -> None:
    assert len(STRATEGY_FILES) >= 2
    assert len(SCRIPT_FILES) >= 2
    assert not list((CHECKOUT / "conf" / "controllers").glob("*.yaml"))


@pytest.mark.parametrize(
    "path", [path for path in STRATEGY_FILES if "_phase1" in path.stem], ids=lambda path: path.name
)
def test_phase_1_lowers_thresholds_and_nothing_else(path: Path) -> None:
    phase1, normal = read_yaml(path), read_yaml(path.with_name(path.name.replace("_phase1", "")))
    assert {name for name in phase1 if phase1[name] != normal[name]} == {"drop_threshold", "id"}
    assert phase1["drop_threshold"] < normal["drop_threshold"]


def attributes_read() -> set[str]:
    """Every attribute the sources of shared/ and controllers/ read, and every name handed to read_fields."""
    found: set[str] = set()
    for folder in ("shared", "controllers", "hummingbot_scripts"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    found.add(node.attr)
                elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "read_fields":
                    found.update(name.value for name in ast.walk(node) if isinstance(name, ast.Constant))
    return found


@pytest.mark.parametrize("model", [RecoveryDcaConfig, RecoveryScriptConfig], ids=lambda model: model.__name__)
def test_every_field_is_read_somewhere(model: type[Any]) -> None:
    host = host_fields() | set(StrategyV2ConfigBase.model_fields) - {"controllers_config"}
    # Read by name out of the file before there is a model to read it from.
    host |= {"controller_type"}
    ours = set(model.model_fields) - host
    assert ours - attributes_read() == set()


def test_a_field_nobody_reads_would_be_found() -> None:
    assert "drop_threshold" in attributes_read()
    assert "a_field_nobody_reads" not in attributes_read()


# What a configuration derives from its fields.


def test_candles_are_long_enough_for_a_decision_and_the_candle_in_progress() -> None:
    config = RecoveryDcaConfig(**sound(lookback_s=3600, interval="5m"))
    assert (config.interval_s, config.candles_needed) == (300, 12)
    assert config.candles.model_dump() == {
        "connector": "binance",
        "trading_pair": "BTC-USDT",
        "interval": "5m",
        "max_records": 13,
    }
    assert config.candles_config == [config.candles]
    elsewhere = RecoveryDcaConfig(**sound(candles_connector="binance_perpetual"))
    assert elsewhere.candles.connector == "binance_perpetual"


def test_perpetuals_are_known_by_their_connector() -> None:
    assert not RecoveryDcaConfig(**sound()).is_perpetual
    assert RecoveryDcaConfig(**sound(connector_name="binance_perpetual_paper_trade")).is_perpetual


def test_fractions_are_decimals_of_what_the_file_says() -> None:
    config = RecoveryDcaConfig(**sound())
    assert config.drop_threshold == Decimal("0.05")
    assert config.trailing_activation is None
    assert read_fields(config, ("drop_threshold", "lookback_s")) == {"drop_threshold": 0.05, "lookback_s": 14_400.0}


@pytest.mark.parametrize("value", ["hedge", "HEDGE", PositionMode.HEDGE])
def test_position_modes_are_read_by_name(value: Any) -> None:
    assert RecoveryDcaConfig(**sound(position_mode=value)).position_mode is PositionMode.HEDGE


def test_each_pair_of_a_connector_is_a_market() -> None:
    markets = RecoveryDcaConfig(**sound()).update_markets(MarketDict({}))
    markets = RecoveryDcaConfig(**sound(trading_pair="ETH-USDT")).update_markets(markets)
    assert dict(markets) == {"binance_paper_trade": {"BTC-USDT", "ETH-USDT"}}


def test_prompts_say_what_a_fraction_is() -> None:
    prompts = {name: field.json_schema_extra for name, field in RecoveryDcaConfig.model_fields.items()}
    ours = {name: extra for name, extra in prompts.items() if name not in ControllerConfigBase.model_fields}
    assert all(isinstance(extra, dict) and extra["prompt"] for extra in ours.values() if extra is not None)
    stop_loss = ours["stop_loss"]
    assert isinstance(stop_loss, dict)
    assert stop_loss["prompt"].endswith("(a fraction, 0.03 is 3 %)")
    assert Decimal("0.5") == fields.MAX_FRACTION


@pytest.mark.parametrize(
    "changes", [{"stop_loss": 0.05}, {"trailing_activation": 0.02, "trailing_delta": 0.01}], ids=str
)
def test_a_sound_live_edit_is_taken(changes: dict[str, Any]) -> None:
    running = SimpleNamespace(config=RecoveryDcaConfig(**sound()))
    edited = RecoveryDcaConfig(**sound(**changes))
    RecoveryController.update_config(running, edited)
    assert running.config.model_dump() == edited.model_dump()


def test_controllers_are_not_taken_for_the_base() -> None:
    assert issubclass(RecoveryDcaConfig, RecoveryControllerConfig)
    assert RecoveryDcaConfig.model_config["extra"] == "forbid"
