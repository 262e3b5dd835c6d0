"""`recovery console`: what is refused before a screen is opened, and what a script is started with on it."""

from pathlib import Path

import pytest

from shared.bot.launcher import StartError
from shared.bot.script_config import load_script_config
from shared.cli import console
from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice, parse_market
from tests.unit.cli.command import Command
from tests.unit.cli.test_market import recording

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
    assert console._needs_of_scripts(bot_home)[0] == ["BTC-USDT", "ETH-USDT"]
    (tmp_path / "conf" / "scripts").mkdir(parents=True)
    (tmp_path / "conf" / "scripts" / "broken.yml").write_text("pairs: [")
    assert console._needs_of_scripts(tmp_path) == (["BTC-USDT", "ETH-USDT"], 0)


def test_the_market_has_the_history_of_the_script_that_needs_most(bot_home: Path) -> None:
    longest = max(
        load_script_config(path).markets_needed()[1] for path in (bot_home / "conf" / "scripts").glob("*.yml")
    )
    assert console._needs_of_scripts(bot_home)[1] == longest


@pytest.mark.parametrize("start", ["", "@2025-01-06T08:00"], ids=["", "START"])
def test_a_script_that_needs_more_history_than_the_recording_has_is_refused(
    start: str, bot_home: Path, tmp_path: Path
) -> None:
    """It would wait for its candles until the recording is over."""
    path = recording(tmp_path, minutes=2_000)
    market = parse_market(f"replay:{path}{start}", 1).with_history(8 * 3600).opened()
    config_for = console._config_for(bot_home, market, ["BTC-USDT"])
    with pytest.raises(StartError, match=r"START 2025-01-06T08:00 is outside 2025-01-07T00:10 to") as refused:
        config_for("recovery_dca.py", None)
    assert str(path) in str(refused.value)
    other = recording(tmp_path, "ETH-USDT", minutes=2_000)
    market = parse_market(f"replay:{other}{start}", 1).with_history(8 * 3600).opened()
    assert console._config_for(bot_home, market, ["ETH-USDT"])("recovery_dca.py", None), "without the guard 4 h do"


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
