"""A script's configuration, fitted to the market and checked before anything is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from shared.adapters.phase_journal import change_phase
from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice
from shared.cli.script import load_config
from shared.domain import events as ev
from shared.ports import JournalError
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


# The home's phase.


@pytest.fixture
def own_home(bot_home: Path, tmp_path: Path) -> Path:
    """A home with the files of this process's, and a journal of its own."""
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    for name in ("conf", "scripts"):
        (home / name).symlink_to(bot_home / name)
    return home


def go_to(home: Path, phase: int) -> None:
    change = ev.PhaseChanged(at_ms=1, from_phase=None, to_phase=phase, forced=True, reason="a test", evidence={})
    change_phase(home / "data" / "recovery_journal.sqlite", change)


@pytest.mark.parametrize("script", ["recovery_dca", "recovery_swing", "recovery_channel", "recovery_all"])
def test_without_a_file_that_of_the_homes_phase_is_taken_and_followed(script: str, own_home: Path) -> None:
    found = []
    for phase in (None, 2, 3, 4, 1):
        if phase is not None:
            go_to(own_home, phase)
        name, config = load_config(own_home, f"{script}.py", None, SIMULATED)
        found.append(name)
        assert config.follow_phase
        assert {controller.phase for controller in config.load_controller_configs()} == {
            {1: 1, 2: 2, 3: None, 4: None}[phase or 1]
        }
    assert found == [f"{script}{suffix}.yml" for suffix in ("_phase1", "_phase2", "", "", "_phase1")]


def test_a_file_that_was_named_stays_whatever_the_phase(own_home: Path) -> None:
    go_to(own_home, 2)
    name, config = load_config(own_home, SCRIPT, "recovery_dca_phase1.yml", SIMULATED)
    assert (name, config.follow_phase) == ("recovery_dca_phase1.yml", False)


def test_a_journal_that_cannot_be_read_is_an_error_not_phase_1(own_home: Path) -> None:
    (own_home / "data" / "recovery_journal.sqlite").write_text("no database " * 100)
    with pytest.raises(JournalError, match="cannot read the phase"):
        load_config(own_home, SCRIPT, None, SIMULATED)
    load_config(own_home, SCRIPT, "recovery_dca_phase1.yml", SIMULATED)


def test_perpetuals_are_traded_on_request(bot_home: Path) -> None:
    _, config = load_config(bot_home, SCRIPT, None, SIMULATED, perpetual=True)
    assert {found.connector_name for found in config.load_controller_configs()} == {"binance_perpetual_paper_trade"}


def test_a_replay_brings_its_own_pairs(bot_home: Path, tmp_path: Path) -> None:
    market = MarketChoice("replay:", 1, (RecordingSpec(recording(tmp_path, "SOL-USDT")),))
    _, config = load_config(bot_home, SCRIPT, None, market)
    assert config.pairs == ["SOL-USDT"]


@pytest.mark.parametrize(
    ("pairs", "guarded"), [(["SOL-USDT"], False), (["SOL-USDT", "BTC-USDT"], True), (["BTC-USDT"], True)], ids=str
)
def test_the_crash_guard_is_off_where_a_replay_lacks_its_pair(
    pairs: list[str], guarded: bool, bot_home: Path, tmp_path: Path
) -> None:
    """It would see nothing, and refuse everything."""
    market = MarketChoice("replay:", 1, tuple(RecordingSpec(recording(tmp_path, pair)) for pair in pairs))
    _, config = load_config(bot_home, SCRIPT, None, market)
    assert config.crash_guard is guarded
    controllers = config.load_controller_configs()
    assert {controller.crash_guard is not None for controller in controllers} == {guarded}
    assert set(config.markets_needed()[0]) == set(pairs)


@pytest.mark.parametrize("market", [SIMULATED, LIVE], ids=["simulated", "live"])
def test_where_any_pair_can_be_had_the_guards_is_had_too(market: MarketChoice, bot_home: Path, probe: Path) -> None:
    change(probe, pairs=["SOL-USDT"])
    _, config = load_config(bot_home, SCRIPT, "probe.yml", market)
    assert config.crash_guard
    assert config.markets_needed()[0] == ["SOL-USDT", "BTC-USDT"]


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


@pytest.mark.parametrize("name", ["", ".", "../x.yml", "/x.yml", "recovery_dca.yml/"])
@pytest.mark.parametrize(("option", "folder"), [("--conf", "conf/scripts"), ("--script", "hummingbot_scripts")])
def test_a_path_is_no_name_of_a_file(option: str, folder: str, name: str, bot_home: Path) -> None:
    script, conf = (SCRIPT, name) if option == "--conf" else (name, None)
    with pytest.raises(UsageError) as refused:
        load_config(bot_home, script, conf, SIMULATED)
    shown = name or "''"
    assert str(refused.value) == f"{option} = {shown}: must be the name of a file of {folder}"
