"""Hummingbot's API (the back end of Dashboard and Condor) lists, shows, checks, saves and backtests our controllers.

It is in no registry, so its reads are written down from its sources: tests/contract/api_reads.py.

After a change that is meant, write the golden files anew: python -m tests.contract.test_hummingbot_api
"""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.acceptance.bot_home import CHECKOUT, IS_DEFAULT_RELEASE
from tests.contract.api_folders import CLASSES, STRATEGIES, copy_in, run

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(path.name for path in (CHECKOUT / "conf" / "controllers").glob("*.yml"))
NAME = re.compile(r"[A-Za-z0-9_-]+")
# Hummingbot's own, which differ between its releases.
HOST_FIELDS = {"id", "candles_config", "initial_positions"}


def read_by_the_api(folder: Path) -> dict[str, Any]:
    copy_in(folder, "bots/controllers", "bots/conf/controllers", "shared")
    return run("api_reads.py", folder=folder)


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What hummingbot-api finds in a folder with our controllers and their files."""
    return read_by_the_api(tmp_path_factory.mktemp("api"))


# Listing and templates.


def test_controllers_are_listed_by_type(reads: dict[str, Any]) -> None:
    assert reads["listed"] == {"directional_trading": STRATEGIES, "market_making": [], "generic": []}


def test_the_configuration_class_found_is_ours(reads: dict[str, Any]) -> None:
    assert reads["classes"] == {name: f"{CLASSES[name]}Config" for name in STRATEGIES}
    assert Path(reads["shared"]).parents[1] != CHECKOUT


def as_table(template: dict[str, Any], updatable: list[str]) -> str:
    """A template as its reader sees it, and which settings may change while the bot runs."""
    rows = [
        (name, re.sub(r"<(class|enum) '(.*)'>", r"\2", shown["type"]), str(shown["default"]), name in updatable)
        for name, shown in sorted(template.items())
        if name not in HOST_FIELDS
    ]
    lines = [
        f"{name:<24}{kind:<58}{default:<22}{'live' if live else ''}".rstrip() for name, kind, default, live in rows
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_template_shows_every_field_with_type_and_default(strategy: str, reads: dict[str, Any]) -> None:
    table = as_table(reads["templates"][strategy], reads["updatable"][strategy])
    assert table == (GOLDEN / f"{strategy}.txt").read_text()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_template_is_complete_and_can_be_sent_back(strategy: str, reads: dict[str, Any]) -> None:
    committed = yaml.safe_load((CHECKOUT / "conf" / "controllers" / f"{strategy}.yml").read_text())
    assert set(reads["templates"][strategy]) - HOST_FIELDS == set(committed) - HOST_FIELDS
    outcome = reads["from_template"][strategy]
    assert outcome["sent"] == outcome["bare"]
    assert outcome["same"]


def test_only_hummingbots_own_fields_differ_in_what_may_change_live(reads: dict[str, Any]) -> None:
    """20260126 marks the candles, which ours derive from other settings."""
    ours = {"candles_config"} if IS_DEFAULT_RELEASE else set()
    assert all(set(names) & HOST_FIELDS == ours for names in reads["updatable"].values())


# Files.


def strategy_of(file: str) -> str:
    """The controller of a file, for whichever phase the file is."""
    return re.sub(r"_phase\d$", "", Path(file).stem)


@pytest.mark.parametrize("file", FILES)
def test_a_committed_file_is_valid_and_survives_saving_and_editing(file: str, reads: dict[str, Any]) -> None:
    found = reads["files"][file]
    assert found["id"] == Path(file).stem
    assert NAME.fullmatch(found["id"])
    assert found["unchanged"]
    assert found["same"]
    assert found["edited"] == {"min_confidence": "0.45"}
    assert found["controller"] == CLASSES[strategy_of(file)]


@pytest.mark.parametrize("file", FILES)
def test_a_committed_file_is_what_its_backtests_start_from(file: str, reads: dict[str, Any]) -> None:
    strategy = strategy_of(file)
    content = yaml.safe_load((CHECKOUT / "conf" / "controllers" / file).read_text())
    assert reads["backtested"][file] == [
        f"{CLASSES[strategy]}Config",
        f"bots.controllers.directional_trading.{strategy}",
        content["interval"],
        *(["5m"] if content["crash_guard_pair"] else []),
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_controller_imports_no_other(strategy: str) -> None:
    """It is imported as bots.controllers... there and as controllers... in a bot."""
    tree = ast.parse((CHECKOUT / "controllers" / "directional_trading" / f"{strategy}.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert imports
    assert all(node.level == 0 for node in imports)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in imports}
    assert not [name for name in names if name.split(".")[0] in ("controllers", "bots")]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        read = read_by_the_api(Path(temporary))
    for name in STRATEGIES:
        (GOLDEN / f"{name}.txt").write_text(as_table(read["templates"][name], read["updatable"][name]))
