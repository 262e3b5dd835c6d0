"""The files of conf/ as they are committed: complete, written as Hummingbot's API writes them, and true to the phases.

After a change that is meant, write the golden file anew: python -m tests.unit.test_conf_files
"""

from decimal import Decimal
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.adapters.settings_file import read_yaml
from shared.bot.script_config import load_script_config
from shared.bot.script_file import config_name_of
from shared.bot.strategy_file import load_controller_config
from shared.domain.dca import LadderLevel, build_ladder, merge_levels
from shared.domain.phases import PHASES, config_file
from shared.domain.signals import Side
from shared.sidecar.config import load_config

CHECKOUT = Path(__file__).resolve().parents[2]
CONTROLLERS, SCRIPTS = CHECKOUT / "conf" / "controllers", CHECKOUT / "conf" / "scripts"
GOLDEN = Path(__file__).parent / "golden" / "phase_change.txt"

STRATEGIES = ("recovery_dca", "recovery_swing", "recovery_channel")
SCRIPT_NAMES = (*STRATEGIES, "recovery_all")
# How a file's name ends, and the phase it is for.
ENDINGS = {"": None, "_phase1": 1, "_phase2": 2}
LOWERED = {
    "recovery_dca": ("drop_threshold", 0.05, 0.03),
    "recovery_swing": ("breakout_threshold", 0.03, 0.02),
    "recovery_channel": ("strength_threshold", 0.7, 0.5),
}
STRATEGY_FILES = [CONTROLLERS / f"{name}{ending}.yml" for name in STRATEGIES for ending in ENDINGS]
SCRIPT_FILES = [SCRIPTS / f"{name}{ending}.yml" for name in SCRIPT_NAMES for ending in ENDINGS]

every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
every_strategy_file = pytest.mark.parametrize("path", STRATEGY_FILES, ids=lambda path: path.stem)
every_script_file = pytest.mark.parametrize("path", SCRIPT_FILES, ids=lambda path: path.stem)


def strategy_file(strategy: str, ending: str) -> dict[str, Any]:
    return read_yaml(CONTROLLERS / f"{strategy}{ending}.yml")


def ending_of(path: Path) -> str:
    return next(ending for ending in reversed(ENDINGS) if path.stem.endswith(ending))


def test_these_files_and_no_others_are_there() -> None:
    assert sorted(CONTROLLERS.iterdir()) == sorted(STRATEGY_FILES)
    assert sorted(SCRIPTS.iterdir()) == sorted(SCRIPT_FILES)


@pytest.mark.parametrize(
    "path", [*STRATEGY_FILES, *SCRIPT_FILES, CHECKOUT / "conf" / "sidecar.yml"], ids=lambda path: path.name
)
def test_a_file_is_as_hummingbot_api_saves_it(path: Path) -> None:
    """It writes them afresh with yaml.dump: anything else would vanish at the first edit."""
    text = path.read_text()
    assert yaml.dump(yaml.safe_load(text)) == text


# Strategy files.


@every_strategy_file
def test_a_strategy_file_is_complete_and_loads_under_its_name(path: Path) -> None:
    config = load_controller_config(path)
    assert config.id == path.stem
    host = {"candles_config", "initial_positions"}
    assert set(read_yaml(path)) == set(type(config).model_fields) - host
    assert config.phase == ENDINGS[ending_of(path)]
    assert config.connector_name == "binance_paper_trade"


@every_strategy
def test_thresholds_are_lowered_in_phases_1_and_2(strategy: str) -> None:
    name, normal, lowered = LOWERED[strategy]
    assert [strategy_file(strategy, ending)[name] for ending in ENDINGS] == [normal, lowered, lowered]


@every_strategy
def test_phase_1_lowers_thresholds_and_loosens_protections_and_nothing_else(strategy: str) -> None:
    normal, phase1 = strategy_file(strategy, ""), strategy_file(strategy, "_phase1")
    changed = {name for name in normal if phase1[name] != normal[name]} - {"id", "phase"}
    lower = {name for name in changed if phase1[name] < normal[name]}
    assert lower == {LOWERED[strategy][0], "min_confidence", "cooldown_after_stop_s"}
    assert changed - lower == {"crash_drop_1h", "crash_drop_4h", "crash_drop_24h"}


@every_strategy
def test_phase_2_is_the_aggressive_test(strategy: str) -> None:
    phase2 = strategy_file(strategy, "_phase2")
    assert phase2["min_confidence"] == 0.4
    assert phase2["total_amount_quote"] == 20
    phase1 = strategy_file(strategy, "_phase1")
    assert phase2["cooldown_s"] < phase1["cooldown_s"]
    assert phase2["time_limit_s"] < phase1["time_limit_s"]


def test_in_phase_2_the_levels_of_dca_may_have_to_merge() -> None:
    """20 quote over 5 levels are 4 a level; Binance takes no order below 5."""
    config: Any = load_controller_config(CONTROLLERS / "recovery_dca_phase2.yml")
    assert config.total_amount_quote / config.levels < 5

    def build(count: int) -> tuple[LadderLevel, ...]:
        return build_ladder(
            side=Side.BUY,
            reference_price=Decimal(100),
            entry_slippage=Decimal("0.0005"),
            levels=count,
            level_spacing=config.level_spacing,
            size_growth=config.size_growth,
            total_quote=config.total_amount_quote,
        )

    ladder = merge_levels(build, config.levels, lambda level: level.amount_quote < 5)
    assert ladder is not None
    assert [level.amount_quote for level in ladder] == [5, 5, 5, 5]


# Script files.


@every_script_file
def test_a_script_file_is_complete_and_loads_with_its_controllers(path: Path) -> None:
    config = load_script_config(path)
    host = {"markets", "candles_config"}
    assert set(read_yaml(path)) == set(type(config).model_fields) - host
    ending = ending_of(path)
    assert config.script_file_name == f"{path.stem.removesuffix(ending)}.py"
    assert config_name_of(CHECKOUT / "hummingbot_scripts" / config.script_file_name) == path.stem.removesuffix(ending)
    assert config.pairs == ["BTC-USDT", "ETH-USDT"]
    controllers = config.load_controller_configs()
    assert len(controllers) == len(config.pairs) * len(config.controllers_config)
    assert {controller.phase for controller in controllers} == {ENDINGS[ending]}
    names = STRATEGIES if path.stem.startswith("recovery_all") else (path.stem.removesuffix(ending),)
    assert config.controllers_config == [f"{name}{ending}.yml" for name in names]
    # A start that names no file sets it.
    assert not config.follow_phase


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_phase_2_has_room_for_20_positions(name: str) -> None:
    config = load_script_config(SCRIPTS / f"{name}_phase2.yml")
    assert config.max_positions == 20
    assert config.capital_quote >= 20 * 20


@pytest.mark.parametrize("ending", ENDINGS)
def test_together_they_hold_one_position_a_pair(ending: str) -> None:
    assert load_script_config(SCRIPTS / f"recovery_all{ending}.yml").max_positions_per_pair == 1


@pytest.mark.parametrize("name", SCRIPT_NAMES)
@pytest.mark.parametrize("phase", [number for number in PHASES if number > 0])
def test_each_phase_a_home_can_be_in_has_its_file(phase: int, name: str) -> None:
    assert SCRIPTS / config_file(name, phase) in SCRIPT_FILES


def test_the_sidecars_file_loads() -> None:
    load_config(CHECKOUT / "conf" / "sidecar.yml")


# What a change of phase is, at a glance.


def phase_changes() -> str:
    """`diff -U0` of each file from one phase to the next."""
    parts = []
    for folder, names in ((CONTROLLERS, STRATEGIES), (SCRIPTS, SCRIPT_NAMES)):
        for name in names:
            for old, new in zip(list(ENDINGS), list(ENDINGS)[1:], strict=False):
                files = [folder / f"{name}{ending}.yml" for ending in (old, new)]
                texts = [path.read_text().splitlines() for path in files]
                headings = [str(path.relative_to(CHECKOUT)) for path in files]
                lines = unified_diff(*texts, *headings, n=0, lineterm="")
                parts.append("\n".join(line for line in lines if not line.startswith("@@")))
    return "\n\n".join(parts) + "\n"


def test_a_change_of_phase_is_as_it_was_approved() -> None:
    assert phase_changes() == GOLDEN.read_text()


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(phase_changes())
