"""A script's default configuration, read from its source without running it."""

from pathlib import Path

import pytest

from shared.bot.script_file import default_config_of
from shared.wire.config_errors import ConfigError

SCRIPTS = Path(__file__).resolve().parents[3] / "hummingbot_scripts"


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("recovery_*.py")), ids=lambda path: path.name)
def test_each_script_names_a_file_that_exists(path: Path) -> None:
    assert (SCRIPTS.parent / "conf" / "scripts" / default_config_of(path)).is_file()


def test_a_script_is_not_run_to_be_read(tmp_path: Path) -> None:
    path = tmp_path / "script.py"
    path.write_text('raise SystemExit("it was run")\nclass Script:\n    default_config = "some.yml"\n')
    assert default_config_of(path) == "some.yml"


def test_a_missing_script_lists_what_exists(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "__init__.py"):
        (tmp_path / name).touch()
    with pytest.raises(ConfigError) as refused:
        default_config_of(tmp_path / "c.py")
    assert str(refused.value) == f"--script = c.py: no such file in {tmp_path}; there are: a.py, b.py"


def test_a_script_of_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "theirs.py"
    path.write_text("class Theirs:\n    markets = {}\n")
    with pytest.raises(ConfigError, match=r"--script = theirs\.py: is not a script of this project"):
        default_config_of(path)


def test_a_script_that_is_no_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("class Broken(:\n")
    with pytest.raises(ConfigError, match=r"broken\.py"):
        default_config_of(path)
