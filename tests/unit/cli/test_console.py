"""`recovery console`: what is refused before a screen is opened, and what a script is started with on it."""

from pathlib import Path

import pytest

from shared.bot.launcher import StartError
from shared.cli import console
from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice
from tests.unit.cli.command import Command

SIMULATED = MarketChoice("simulated", 1, ())


def test_without_a_terminal_it_is_refused(recovery: Command) -> None:
    sentence = recovery.refused("console")
    assert sentence == "the console needs a terminal; `recovery run` trades without one"
    assert list(recovery.home.iterdir()) == []


def test_a_screen_cannot_be_read_at_full_speed() -> None:
    with pytest.raises(UsageError, match="--speed = max: a screen needs time to be read"):
        console._parse_speed("max", live=False)
    assert console._parse_speed(None, live=False) == 20
    assert console._parse_speed(None, live=True) == 1
    assert console._parse_speed("5", live=False) == 5


def test_the_market_lists_the_pairs_of_all_scripts(bot_home: Path, tmp_path: Path) -> None:
    assert console._pairs_of_scripts(bot_home) == ["BTC-USDT", "ETH-USDT"]
    (tmp_path / "conf" / "scripts").mkdir(parents=True)
    (tmp_path / "conf" / "scripts" / "broken.yml").write_text("pairs: [")
    assert console._pairs_of_scripts(tmp_path) == ["BTC-USDT", "ETH-USDT"]


def test_a_script_of_ours_is_started_with_its_checked_configuration(bot_home: Path) -> None:
    config_for = console._config_for(bot_home, SIMULATED, ["BTC-USDT", "ETH-USDT"])
    started = config_for("recovery_dca.py", None)
    assert started is not None
    assert started[0] == "recovery_dca_phase1.yml"
    assert config_for("somebody_elses.py", None) is None
    with pytest.raises(StartError, match=r"absent\.yml: no such file"):
        config_for("recovery_dca.py", "absent.yml")


def test_a_pair_this_market_does_not_list_is_refused(bot_home: Path) -> None:
    config_for = console._config_for(bot_home, SIMULATED, ["BTC-USDT"])
    with pytest.raises(StartError, match="pairs = ETH-USDT: not listed by this market"):
        config_for("recovery_dca.py", None)
    live = console._config_for(bot_home, MarketChoice("live", 1, ()), None)
    assert live("recovery_dca.py", None) is not None
