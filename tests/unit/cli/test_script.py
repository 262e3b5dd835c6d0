"""A script's configuration, fitted to the market and checked before anything is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice
from shared.cli.script import load_config
from shared.simulator.recording import RecordingSpec
from shared.wire.config_errors import ConfigError
from tests.unit.cli.test_market import recording

SIMULATED = MarketChoice("simulated", 1, ())
LIVE = MarketChoice("live", 1, ())
SCRIPT = "recovery_dca.py"


@pytest.fixture
def probe(bot_home: Path) -> Iterator[Path]:
    """A file of conf/scripts of its own."""
    path = bot_home / "conf" / "scripts" / "probe.yml"
    path.write_text((path.parent / "recovery_dca.yml").read_text())
    yield path
    path.unlink()


def change(path: Path, **changes: object) -> None:
    path.write_text(yaml.dump(yaml.safe_load(path.read_text()) | changes))


def test_the_scripts_own_file_is_taken_unless_one_is_named(bot_home: Path) -> None:
    name, config = load_config(bot_home, SCRIPT, None, SIMULATED)
    assert name == "recovery_dca_phase1.yml"
    assert config.controllers_config == ["recovery_dca_phase1.yml"]
    name, config = load_config(bot_home, SCRIPT, "recovery_dca.yml", SIMULATED)
    assert (name, config.controllers_config) == ("recovery_dca.yml", ["recovery_dca.yml"])


def test_perpetuals_are_traded_on_request(bot_home: Path) -> None:
    _, config = load_config(bot_home, SCRIPT, None, SIMULATED, perpetual=True)
    assert {found.connector_name for found in config.load_controller_configs()} == {"binance_perpetual_paper_trade"}


def test_a_replay_brings_its_own_pairs(bot_home: Path, tmp_path: Path) -> None:
    market = MarketChoice("replay:", 1, (RecordingSpec(recording(tmp_path, "SOL-USDT")),))
    _, config = load_config(bot_home, SCRIPT, None, market)
    assert config.pairs == ["SOL-USDT"]


def test_a_file_of_another_script_is_refused(bot_home: Path, probe: Path) -> None:
    change(probe, script_file_name="recovery_swing.py")
    with pytest.raises(UsageError) as refused:
        load_config(bot_home, SCRIPT, "probe.yml", SIMULATED)
    assert str(refused.value) == "--conf = probe.yml: is for recovery_swing.py, not for recovery_dca.py"


def test_a_pair_the_venue_does_not_list_is_named_with_its_file(bot_home: Path, probe: Path) -> None:
    change(probe, pairs=["BTC-USDT", "FOO-USDT"])
    with pytest.raises(UsageError) as refused:
        load_config(bot_home, SCRIPT, "probe.yml", SIMULATED)
    assert str(refused.value).startswith(f"{probe}: pairs = FOO-USDT: ")
    load_config(bot_home, SCRIPT, "probe.yml", LIVE)


def test_an_exchange_the_local_venue_does_not_speak_is_named(bot_home: Path, probe: Path) -> None:
    change(probe, connector_name="kucoin_paper_trade")
    with pytest.raises(UsageError, match="connector_name = kucoin_paper_trade: the local venue speaks"):
        load_config(bot_home, SCRIPT, "probe.yml", SIMULATED)
    _, config = load_config(bot_home, SCRIPT, "probe.yml", LIVE)
    assert config.connector_name == "kucoin_paper_trade"


@pytest.mark.parametrize("market", [SIMULATED, LIVE], ids=["simulated", "live"])
def test_a_real_account_is_never_traded(market: MarketChoice, bot_home: Path, probe: Path) -> None:
    change(probe, connector_name="binance")
    with pytest.raises(ConfigError, match="only paper connectors are started here"):
        load_config(bot_home, SCRIPT, "probe.yml", market)


def test_missing_files_are_named(bot_home: Path) -> None:
    with pytest.raises(ConfigError, match=r"--script = nonesuch\.py: no such file"):
        load_config(bot_home, "nonesuch.py", None, SIMULATED)
    with pytest.raises(ConfigError, match=r"nonesuch\.yml: no such file; there are: "):
        load_config(bot_home, SCRIPT, "nonesuch.yml", SIMULATED)
