"""`recovery hbot`: Hummingbot's own command in a home, where the release has one."""

import os
from importlib.util import find_spec
from typing import Any

import pytest

from shared.bot.home import CHECKOUT
from tests.unit.bot.fake_exchange import RELEASE
from tests.unit.cli.command import Command

HAS_HBOT = find_spec("hummingbot.cli") is not None


@pytest.mark.skipif(HAS_HBOT, reason=f"Hummingbot {RELEASE} has hbot")
def test_a_release_without_it_says_what_to_use(recovery: Command) -> None:
    sentence = recovery.refused("hbot", "start")
    assert sentence == f"Hummingbot {RELEASE} has no hbot; use `recovery console` or `recovery run`"


@pytest.mark.skipif(not HAS_HBOT, reason=f"Hummingbot {RELEASE} has no hbot")
def test_it_becomes_hbot_in_the_home_with_all_arguments(recovery: Command) -> None:
    became: list[tuple[str, list[str], dict[str, str]]] = []

    def execve(path: str, arguments: list[str], environment: dict[str, str]) -> None:
        became.append((path, arguments, environment))

    recovery.monkeypatch.setattr(os, "execve", execve)
    recovery.monkeypatch.setenv("PYTHONPATH", "before")
    recovery("hbot", "start", "recovery_dca_phase1.yml", "--v2-script")
    ((_, arguments, environment),) = became
    assert arguments[1:] == ["-m", "hummingbot.cli.main", "start", "recovery_dca_phase1.yml", "--v2-script"]
    assert environment["RECOVERY_HOME"] == str(recovery.home)
    path: Any = environment["PYTHONPATH"].split(os.pathsep)
    assert path == [str(CHECKOUT / "shared" / "bot" / "overlay"), str(CHECKOUT), "before"]
    assert (recovery.home / "conf" / "controllers").is_dir()
