"""The folders as docker-compose.yml and the Dockerfile lay them out, and what Hummingbot finds in them.

There is no Docker engine in these tests: the same layout is made in a temporary folder, and a fresh interpreter of this
release imports from it what `start --script` and a controller's deployment import. Whether an image can be pulled or a
container starts is not shown here.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import hummingbot
import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
IN_CONTAINER = Path("/home/hummingbot")

# Finds the classes by Hummingbot's own code where it can be asked, with Hummingbot's rule where it cannot.
FIND_CLASSES = """
import importlib, inspect, json, sys, yaml
from pathlib import Path

home = Path(sys.argv[1])
sys.path.insert(0, str(home))
import hummingbot

hummingbot.root_path = lambda: home
hummingbot.set_prefix_path(str(home))
from hummingbot.client import settings
from hummingbot.client.config.config_data_types import BaseClientModel
from hummingbot.strategy import strategy_v2_base as base

shared = importlib.import_module("shared")


def find(name):
    script = importlib.import_module(f".{name}", package=settings.SCRIPT_STRATEGIES_MODULE)
    classes = [member for _, member in inspect.getmembers(script, inspect.isclass)]
    strategy = next(c for c in classes if issubclass(c, base.StrategyV2Base) and c is not base.StrategyV2Base)
    bases = (BaseClientModel, base.StrategyV2ConfigBase)
    config = next(c for c in classes if issubclass(c, BaseClientModel) and c not in bases)
    loaded = config(**yaml.safe_load((home / f"conf/scripts/{strategy.config_name}_phase1.yml").read_text()))
    strategy.init_markets(loaded)
    controllers = loaded.load_controller_configs()
    return {
        "script": script.__file__,
        "strategy": strategy.__name__,
        "config": config.__name__,
        "markets": {connector: sorted(pairs) for connector, pairs in strategy.markets.items()},
        "controller_configs": sorted({type(each).__name__ for each in controllers}),
        "controllers": sorted({each.get_controller_class().__name__ for each in controllers}),
        "controller_files": sorted({sys.modules[type(each).__module__].__file__ for each in controllers}),
    }


scripts = {name: find(name) for name in ("recovery_dca", "recovery_swing", "recovery_channel", "recovery_all")}
print(json.dumps({"hummingbot": hummingbot.__file__, "shared": shared.__file__, "scripts": scripts}))
"""

# Refuses what this project's virtual environment has and Hummingbot does not ask for: the stock image need not have it.
ONLY_HUMMINGBOTS_PACKAGES = """
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

needed, left = set(), ["hummingbot"]
while left:
    name = canonicalize_name(left.pop())
    if name in needed:
        continue
    needed.add(name)
    try:
        wanted = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        continue
    left += [each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
owners = packages_distributions()


class Refuse:
    def find_spec(self, name, path=None, target=None):
        owning = owners.get(name, ())
        ours = any(canonicalize_name(owner) == "hummingbot-recovery" for owner in owning)
        if owning and not ours and not any(canonicalize_name(owner) in needed for owner in owning):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Refuse())
"""


def mounts() -> dict[Path, Path]:
    """Folder in the container -> folder of this checkout, as docker-compose.yml says."""
    service = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]["hummingbot"]
    pairs = [volume.split(":")[:2] for volume in service["volumes"]]
    return {Path(target): CHECKOUT / source for source, target in pairs if source.startswith("./")}


def copies() -> dict[Path, Path]:
    """Folder in the image -> folder of this checkout, as the Dockerfile says."""
    lines = (CHECKOUT / "Dockerfile").read_text().splitlines()
    found = [re.fullmatch(r"COPY (\S+?)/? (\S+?)/?", line) for line in lines if line.startswith("COPY")]
    return {IN_CONTAINER / match.group(2): CHECKOUT / match.group(1) for match in found if match}


@pytest.fixture(params=[mounts, copies], ids=["compose", "dockerfile"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder laid out like the container's /home/hummingbot."""
    for target, source in request.param().items():
        shutil.copytree(
            source, tmp_path / target.relative_to(IN_CONTAINER), ignore=shutil.ignore_patterns("__pycache__")
        )
    (tmp_path / "hummingbot").symlink_to(Path(hummingbot.__file__).parent)
    return tmp_path


def run_in(home: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run code with a fresh interpreter, the home as its working folder and only argument."""
    return subprocess.run(
        [sys.executable, "-c", code, str(home)], cwd=home, capture_output=True, text=True, timeout=120, check=False
    )


def test_compose_and_dockerfile_lay_out_the_same_folders() -> None:
    assert mounts() == copies()
    assert all(source.is_dir() for source in mounts().values())


def test_the_container_can_be_typed_into() -> None:
    service: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]["hummingbot"]
    assert service["stdin_open"] is True
    assert service["tty"] is True


STRATEGIES = {"Dca": ["Dca"], "Swing": ["Swing"], "Channel": ["Channel"], "All": ["Channel", "Dca", "Swing"]}


def test_hummingbot_finds_the_scripts_and_their_controllers(home: Path) -> None:
    outcome = run_in(home, FIND_CLASSES)

    assert outcome.returncode == 0, outcome.stderr
    found = json.loads(outcome.stdout.splitlines()[-1])
    scripts = found["scripts"]
    files = {"hummingbot": found["hummingbot"], "shared": found["shared"]}
    files |= {name: script["script"] for name, script in scripts.items()}
    for name, file in files.items():
        assert file.startswith(str(home)), f"{name} came from {file}"
    folder = home / "controllers/directional_trading"
    for name, strategies in STRATEGIES.items():
        assert scripts[f"recovery_{name.lower()}"] | {"script": None} == {
            "script": None,
            "strategy": f"Recovery{name}Script",
            "config": f"Recovery{name}ScriptConfig",
            "markets": {"binance_paper_trade": ["BTC-USDT", "ETH-USDT"]},
            "controller_configs": [f"Recovery{strategy}Config" for strategy in strategies],
            "controllers": [f"Recovery{strategy}" for strategy in strategies],
            "controller_files": [str(folder / f"recovery_{strategy.lower()}.py") for strategy in strategies],
        }


def test_the_imports_need_only_what_hummingbot_itself_needs(home: Path) -> None:
    outcome = run_in(home, ONLY_HUMMINGBOTS_PACKAGES + FIND_CLASSES)

    assert outcome.returncode == 0, outcome.stderr
