"""What a script's configurations are called, read from its source without running it."""

from pathlib import Path

import pytest

from shared.bot.script_file import config_name_of
from shared.domain.phases import FIRST_PHASE, LAST_PHASE, config_file
from shared.wire.config_errors import ConfigError

SCRIPTS = Path(__file__).resolve().parents[3] / "hummingbot_scripts"


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("recovery_*.py")), ids=lambda path: path.name)
@pytest.mark.parametrize("phase", range(FIRST_PHASE, LAST_PHASE + 1))
def test_each_script_has_a_file_for_every_phase(phase: int, path: Path) -> None:
    assert (SCRIPTS.parent / "conf" / "scripts" / config_file(config_name_of(path), phase)).is_file()


def test_there_is_a_script_for_each_strategy_and_one_for_all() -> None:
    assert {path.stem for path in SCRIPTS.glob("recovery_*.py")} == {
        "recovery_all",
        "recovery_channel",
        "recovery_dca",
        "recovery_swing",
    }


def test_a_script_is_not_run_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text('raise SystemExit("it was run")\nclass Script:\n    config_name = "some"\n')
    assert config_name_of(path) == "some"


def test_a_missing_script_lists_what_exists(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "__init__.py"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError) as refused:
        config_name_of(tmp_path / "c.py")
    assert str(refused.value) == f"--script = c.py: no such file in {tmp_path}; there are: a.py, b.py"


def test_a_script_of_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.py"
    path.write_text("class Theirs:\n    markets = {}\n")
    with pytest.raises(ConfigError, match=r"--script = theirs\.py: is not a script of this project"):
        config_name_of(path)


def test_a_script_that_is_no_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("class Broken(:\n")
    with pytest.raises(ConfigError, match=r"broken\.py"):
        config_name_of(path)
