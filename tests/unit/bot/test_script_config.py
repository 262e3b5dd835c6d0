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
from shared.bot.script_config import RecoveryScriptConfig, load_script_config
from shared.bot.strategy_file import load_controller_config
from shared.domain.limits import Limits
from shared.wire.config_errors import ConfigError

QUOTE = "must be a number above 0 and at most 1000000000"
CONTROLLERS = "must be one of recovery_channel, recovery_dca, recovery_swing"
SOUND: dict[str, Any] = {
    "script_file_name": "recovery_dca.py",
    "controllers_config": ["recovery_dca.yml"],
    "pairs": ["BTC-USDT", "ETH-USDT"],
    "max_positions": 4,
    "max_positions_per_pair": 1,
    "max_positions_per_strategy": None,
    "capital_quote": 3000,
    "exposure_per_pair_quote": None,
    "exposure_per_strategy_quote": None,
    "connector_name": None,
    "crash_guard": True,
    "follow_phase": False,
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
        ({"pair": "BTC-USDT"}, "pair = BTC-USDT: there is no such setting; the nearest is pairs"),
        ({"pairs": ["BTC-USDT", "BTC-USDT"]}, "pairs = ['BTC-USDT', 'BTC-USDT']: must name each once"),
        ({"pairs": []}, "pairs = []: must be a list of trading pairs"),
        ({"controllers_config": []}, "controllers_config = []: must be a list of files of conf/controllers"),
        ({"max_positions": 0}, "max_positions = 0: must be a whole number from 1 to 1000"),
        ({"capital_quote": -1}, f"capital_quote = -1: {QUOTE}"),
        (
            {"max_positions": 2, "max_positions_per_pair": 3},
            "max_positions_per_pair = 3: must not exceed max_positions = 2",
        ),
        (
            {"max_positions": 2, "max_positions_per_strategy": 3},
            "max_positions_per_strategy = 3: must not exceed max_positions = 2",
        ),
        (
            {"exposure_per_pair_quote": 3001},
            "exposure_per_pair_quote = 3001: must not exceed capital_quote = 3000",
        ),
        (
            {"exposure_per_strategy_quote": 3001},
            "exposure_per_strategy_quote = 3001: must not exceed capital_quote = 3000",
        ),
        ({"exposure_per_pair_quote": 0}, f"exposure_per_pair_quote = 0: {QUOTE} or null"),
        (
            {"candles_config": [{"connector": "binance"}]},
            "candles_config = [{'connector': 'binance'}]: must stay empty, it is derived from the controllers",
        ),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, dict) else "",
)
def test_each_bad_setting_is_one_sentence(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    assert refusal(tmp_path / "probe.yml", SOUND | changes) == sentence


@pytest.mark.parametrize("name", list(SOUND))
def test_each_missing_setting_is_named(name: str, tmp_path: Path) -> None:
    content = {key: value for key, value in SOUND.items() if key != name}
    assert refusal(tmp_path / "probe.yml", content).startswith(f"{name}: is missing; must be ")


def test_an_empty_configuration_is_refused(tmp_path: Path) -> None:
    """Hummingbot 20260126 reads a missing file as one and starts a strategy that does nothing."""
    sentence = "the script's configuration is missing or empty; name an existing file of conf/scripts"
    assert refusal(tmp_path / "probe.yml", {}) == sentence
    with pytest.raises(ValidationError, match="missing or empty"):
        RecoveryScriptConfig.model_validate({})


def names_in(folder: Path) -> list[str]:
    names = sorted(path.name for path in folder.glob("*.yml"))
    assert {"recovery_dca.yml", "recovery_dca_phase1.yml"} <= set(names)
    return names


def test_a_missing_file_lists_what_exists() -> None:
    folder = Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH)
    with pytest.raises(ConfigError) as refused:
        load_script_config(folder / "recovery_dcaa.yml")
    assert str(refused.value).endswith(f"no such file; there are: {', '.join(names_in(folder))}")


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "probe.yml"
    path.write_text(yaml.dump(SOUND))
    config = load_script_config(path)
    assert config.limits == Limits(4, 1, Decimal(3000))
    assert (config.crash_guard, config.follow_phase) == (True, False)
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
        ({"id": ""}, "id = '': must be the file's name, probe"),
        ({"controller_type": None}, "controller_type = null: must be one of directional_trading"),
        ({"controller_name": None}, f"controller_name = null: {CONTROLLERS}"),
        ({"controller_name": "recovery_dcaa"}, f"controller_name = recovery_dcaa: {CONTROLLERS}"),
        ({"controller_type": "elsewhere"}, "controller_type = elsewhere: must be one of directional_trading"),
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
    assert sentence == "controller_name = foreign: must be a controller of this project"


def test_an_import_that_fails_inside_a_controller_is_not_taken_for_a_missing_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def import_module(name: str) -> None:
        raise ModuleNotFoundError("No module named 'onnxruntime'", name="onnxruntime")

    monkeypatch.setattr("shared.bot.strategy_file.importlib.import_module", import_module)
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
    with pytest.raises(ConfigError) as refused:
        config.load_controller_configs()
    assert str(refused.value).endswith(f"nonesuch.yml: no such file; there are: {', '.join(names_in(folder))}")


def test_a_file_alone_keeps_its_own_pair_and_id(folder: Path) -> None:
    config = load_controller_config(folder / "recovery_dca.yml")
    assert (config.id, config.trading_pair) == ("recovery_dca", "BTC-USDT")


def test_limits_that_allow_no_position_at_all_are_refused(folder: Path) -> None:
    for name in ("capital_quote", "exposure_per_pair_quote", "exposure_per_strategy_quote"):
        with pytest.raises(ConfigError) as refused:
            RecoveryScriptConfig(**SOUND | {name: 599}).load_controller_configs()
        assert str(refused.value) == (
            f"the script's configuration: {name} = 599: must be at least one position, total_amount_quote = 600 of "
            "recovery_dca_BTC-USDT"
        )
    RecoveryScriptConfig(**SOUND | {"exposure_per_pair_quote": 600}).load_controller_configs()


def test_every_limit_reaches_the_limits() -> None:
    changes = {
        "max_positions_per_strategy": 3,
        "exposure_per_pair_quote": 1200,
        "exposure_per_strategy_quote": 1800,
    }
    limits = RecoveryScriptConfig(**SOUND | changes).limits
    assert limits == Limits(4, 1, Decimal(3000), 3, Decimal(1200), Decimal(1800))


# The crash guard of the strategy files, and what they need of the market.


def test_the_script_may_switch_the_crash_guard_off_for_all(folder: Path) -> None:
    guarded = RecoveryScriptConfig(**SOUND).load_controller_configs()
    assert all(config.crash_guard is not None for config in guarded)
    bare = RecoveryScriptConfig(**SOUND | {"crash_guard": False}).load_controller_configs()
    assert [config.crash_guard for config in bare] == [None, None]
    assert [config.crash_guard_pair for config in bare] == [None, None]


def test_the_guards_pair_is_needed_though_not_traded(folder: Path) -> None:
    config = RecoveryScriptConfig(**SOUND | {"pairs": ["SOL-USDT", "ETH-USDT"]})
    assert config.markets_needed()[0] == ["SOL-USDT", "ETH-USDT", "BTC-USDT"]
    bare = config.model_copy(update={"crash_guard": False})
    assert bare.markets_needed()[0] == ["SOL-USDT", "ETH-USDT"]


@pytest.mark.parametrize(
    ("file", "guard", "history_s"),
    [
        ("recovery_dca.yml", False, 14_400 + 60),  # the look-back window and the candle in progress
        ("recovery_dca.yml", True, 86_400 + 600),  # 24 h between two closed candles, and the one in progress
        ("recovery_swing.yml", False, 297 * 900),
        ("recovery_channel.yml", False, 102 * 300),
    ],
)
def test_as_much_history_is_needed_as_the_longest_look_back(
    file: str, guard: bool, history_s: int, folder: Path
) -> None:
    config = RecoveryScriptConfig(**SOUND | {"controllers_config": [file], "crash_guard": guard})
    assert config.markets_needed()[1] == history_s
    both = RecoveryScriptConfig(
        **SOUND | {"controllers_config": [*{"recovery_channel.yml", file}], "crash_guard": guard}
    )
    assert both.markets_needed()[1] >= history_s


def test_an_edit_changes_the_files_stamp_and_a_missing_file_has_none(folder: Path) -> None:
    path = folder / "probe.yml"
    config = RecoveryScriptConfig(**SOUND | {"controllers_config": ["recovery_dca.yml", "probe.yml"]})
    missing = config.file_stamps()
    assert missing[1] == (0, 0)
    path.write_text("a")
    first = config.file_stamps()
    path.write_text("ab")
    assert len({missing, first, config.file_stamps()}) == 3
    assert first[0] == missing[0]
