"""Scripts: what they run, over which pairs and within which limits, or one sentence saying what is wrong."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.client import settings
from hummingbot.core.data_type.common import MarketDict
from pydantic import ValidationError

from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from shared.bot.script_config import RecoveryScriptConfig, load_controller_config, load_script_config
from shared.domain.limits import Limits
from shared.wire.config_errors import ConfigError

SOUND: dict[str, Any] = {
    "script_file_name": "recovery_dca.py",
    "controllers_config": ["recovery_dca.yml"],
    "pairs": ["BTC-USDT", "ETH-USDT"],
    "max_positions": 4,
    "max_positions_per_pair": 1,
    "capital_quote": 3000,
    "connector_name": None,
}


def refusal(path: Path, content: Any) -> str:
    path.write_text(yaml.dump(content))
    with pytest.raises(ConfigError) as refused:
        load_script_config(path)
    message = str(refused.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"pair": "BTC-USDT"}, "pair = BTC-USDT: there is no such setting"),
        ({"pairs": ["BTC-USDT", "BTC-USDT"]}, "pairs = ['BTC-USDT', 'BTC-USDT']: must name each pair once"),
        ({"pairs": []}, "pairs = []: List should have at least 1 item after validation, not 0"),
        (
            {"controllers_config": []},
            "controllers_config = []: List should have at least 1 item after validation, not 0",
        ),
        ({"max_positions": 0}, "max_positions = 0: must be greater than or equal to 1"),
        ({"capital_quote": -1}, "capital_quote = -1: must be greater than 0"),
        (
            {"max_positions": 2, "max_positions_per_pair": 3},
            "max_positions_per_pair = 3: must not exceed max_positions = 2",
        ),
        (
            {"candles_config": [{"connector": "binance"}]},
            "candles_config = [{'connector': 'binance'}]: is derived from the controllers and must stay empty",
        ),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_each_bad_setting_is_one_sentence(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / "probe.yml", SOUND | changes) == sentence


@pytest.mark.parametrize("name", ["script_file_name", "pairs", "capital_quote", "max_positions"])
def test_each_missing_setting_is_named(name: str, tmp_path: Path) -> None:
    content = {key: value for key, value in SOUND.items() if key != name}
    assert refusal(tmp_path / "probe.yml", content) == f"{name}: is missing"


def test_an_empty_configuration_is_refused(tmp_path: Path) -> None:
    """Hummingbot 20260126 reads a missing file as one and starts a strategy that does nothing."""
    sentence = "the script's configuration is missing or empty; name an existing file of conf/scripts"
    assert refusal(tmp_path / "probe.yml", {}) == sentence
    with pytest.raises(ValidationError, match="missing or empty"):
        RecoveryScriptConfig.model_validate({})


def test_a_missing_file_lists_what_exists() -> None:
    folder = Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH)
    with pytest.raises(ConfigError) as refused:
        load_script_config(folder / "recovery_dcaa.yml")
    assert "no such file; there are: recovery_dca.yml, recovery_dca_phase1.yml" in str(refused.value)


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "probe.yml"
    path.write_text(yaml.dump(SOUND))
    config = load_script_config(path)
    assert config.limits == Limits(4, 1, Decimal(3000))
    assert (config.markets, config.candles_config) == (MarketDict({}), [])
    assert "markets" not in config.model_dump()


# The strategy files a script names.


@pytest.fixture
def folder() -> Iterator[Path]:
    """The home's conf/controllers, left as it was found."""
    found = Path(settings.CONTROLLERS_CONF_DIR_PATH)
    before = {path.name for path in found.iterdir()}
    yield found
    for path in found.iterdir():
        if path.name not in before:
            path.unlink()


def strategy_refusal(path: Path, **changes: Any) -> str:
    sound = yaml.safe_load(path.with_name("recovery_dca.yml").read_text())
    path.write_text(yaml.dump(sound | {"id": path.stem} | changes))
    with pytest.raises(ConfigError) as refused:
        load_controller_config(path)
    return str(refused.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"id": "other"}, "id = other: must be the file's name, probe"),
        ({"id": ""}, "id: is missing"),
        ({"controller_type": None}, "controller_type: is missing"),
        ({"controller_name": None}, "controller_name: is missing"),
        (
            {"controller_name": "recovery_dcaa"},
            "controller_name = recovery_dcaa: there is no controllers/directional_trading/recovery_dcaa.py",
        ),
        (
            {"controller_type": "elsewhere"},
            "controller_name = recovery_dca: there is no controllers/elsewhere/recovery_dca.py",
        ),
    ],
    ids=str,
)
def test_each_wrong_name_is_one_sentence(changes: dict[str, Any], sentence: str, folder: Path) -> None:
    assert strategy_refusal(folder / "probe.yml", **changes) == sentence


def test_a_module_that_is_no_controller_of_ours_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    name = f"{settings.CONTROLLERS_MODULE}.directional_trading.foreign"
    monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sentence = strategy_refusal(folder / "probe.yml", controller_name="foreign")
    assert sentence == "controller_name = foreign: is not a controller of this project"


def test_an_import_that_fails_inside_a_controller_is_not_taken_for_a_missing_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")

    monkeypatch.setattr("shared.bot.script_config.importlib.import_module", import_module)
    with pytest.raises(ModuleNotFoundError):
        load_controller_config(folder / "recovery_dca.yml")


def test_each_file_runs_on_each_pair_under_an_id_of_its_own(folder: Path) -> None:
    changes = {"controllers_config": ["recovery_dca.yml", "recovery_dca_phase1.yml"]}
    configs = RecoveryScriptConfig(**SOUND | changes).load_controller_configs()
    assert all(isinstance(config, RecoveryDcaConfig) for config in configs)
    assert [(config.id, config.trading_pair) for config in configs] == [
        ("recovery_dca_BTC-USDT", "BTC-USDT"),
        ("recovery_dca_ETH-USDT", "ETH-USDT"),
        ("recovery_dca_phase1_BTC-USDT", "BTC-USDT"),
        ("recovery_dca_phase1_ETH-USDT", "ETH-USDT"),
    ]
    assert {config.connector_name for config in configs} == {"binance_paper_trade"}


def test_the_script_may_name_the_connector_for_all(folder: Path) -> None:
    config = RecoveryScriptConfig(**SOUND | {"connector_name": "binance_perpetual_paper_trade"})
    assert {found.connector_name for found in config.load_controller_configs()} == {"binance_perpetual_paper_trade"}


def test_a_missing_strategy_file_lists_what_exists(folder: Path) -> None:
    config = RecoveryScriptConfig(**SOUND | {"controllers_config": ["nonesuch.yml"]})
    with pytest.raises(ConfigError, match=r"nonesuch\.yml: no such file; there are: recovery_dca\.yml"):
        config.load_controller_configs()


def test_a_file_alone_keeps_its_own_pair_and_id(folder: Path) -> None:
    config = load_controller_config(folder / "recovery_dca.yml")
    assert (config.id, config.trading_pair) == ("recovery_dca", "BTC-USDT")


def test_limits_that_allow_no_position_at_all_are_refused(folder: Path) -> None:
    config = RecoveryScriptConfig(**SOUND | {"capital_quote": 599})
    with pytest.raises(ConfigError, match="capital_quote"):
        config.load_controller_configs()
