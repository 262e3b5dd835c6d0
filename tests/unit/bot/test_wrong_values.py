"""Every wrong value in a file of conf/controllers or conf/scripts is refused in one sentence: file, field, value, allowed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.client import settings
from hypothesis import example, given
from hypothesis import strategies as st

from controllers.directional_trading.recovery_channel import RecoveryChannelConfig
from controllers.directional_trading.recovery_dca import RecoveryDcaConfig
from controllers.directional_trading.recovery_swing import RecoverySwingConfig
from shared.bot.script_config import RecoveryScriptConfig, load_script_config
from shared.bot.strategy_file import load_controller_config
from shared.wire.config_errors import ConfigError
from tests.unit.bot.wrong_values import WRONG_IN_A_SCRIPT, WRONG_IN_A_STRATEGY

STRATEGIES = {"dca": RecoveryDcaConfig, "swing": RecoverySwingConfig, "channel": RecoveryChannelConfig}
CONTROLLERS = Path(settings.CONTROLLERS_CONF_DIR_PATH)
SCRIPTS = Path(settings.SCRIPT_STRATEGY_CONF_DIR_PATH)


@pytest.fixture(scope="module")
def files() -> Iterator[None]:
    """Leaves the home's conf as it was found."""
    before = {*CONTROLLERS.iterdir(), *SCRIPTS.iterdir()}
    yield
    for path in {*CONTROLLERS.iterdir(), *SCRIPTS.iterdir()} - before:
        path.unlink()


pytestmark = pytest.mark.usefixtures("files")


def strategy_content(strategy: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CONTROLLERS / f"recovery_{strategy}.yml").read_text())
    return content | {"id": "probe"}


def script_content() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((SCRIPTS / "recovery_dca.yml").read_text())
    return content


def load(path: Path, text: str) -> None:
    """What `recovery run` reads of a file before anything is started."""
    path.write_text(text)
    if path.parent == CONTROLLERS:
        load_controller_config(path)
    else:
        load_script_config(path).load_controller_configs()


def refusal(path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(path, text)
    message = str(refused.value)
    assert message.isprintable()
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("strategy", "changes", "sentence"),
    [(strategy, *row) for strategy, rows in WRONG_IN_A_STRATEGY.items() for row in rows],
    ids=lambda value: str(value)[:50] if not isinstance(value, str) or value in STRATEGIES else "",
)
def test_a_wrong_strategy_file(strategy: str, changes: dict[str, Any], sentence: str) -> None:
    assert refusal(CONTROLLERS / "probe.yml", yaml.dump(strategy_content(strategy) | changes)) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"), WRONG_IN_A_SCRIPT, ids=lambda value: str(value)[:50] if isinstance(value, dict) else ""
)
def test_a_wrong_script_file(changes: dict[str, Any], sentence: str) -> None:
    assert refusal(SCRIPTS / "probe.yml", yaml.dump(script_content() | changes)) == sentence


def test_the_table_has_every_field() -> None:
    """A field common to several strategies in the rows of one of them."""
    tried = {name for rows in WRONG_IN_A_STRATEGY.values() for changes, _ in rows for name in changes}
    for config_class in STRATEGIES.values():
        assert set(config_class.model_fields) - tried == set()
    assert (
        set(RecoveryScriptConfig.model_fields) - {name for changes, _ in WRONG_IN_A_SCRIPT for name in changes} == set()
    )


# What is wrong with the file as a whole.


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_file_leaves_nothing_to_a_default(strategy: str) -> None:
    """A default nobody wrote is a threshold nobody chose."""
    sound = strategy_content(strategy)
    for name in sound:
        told = refusal(CONTROLLERS / "probe.yml", yaml.dump({key: sound[key] for key in sound if key != name}))
        assert told.startswith(f"{name}: is missing"), name
        assert "must be " in told


def test_a_script_file_leaves_nothing_to_a_default() -> None:
    sound = script_content()
    for name in sound:
        told = refusal(SCRIPTS / "probe.yml", yaml.dump({key: sound[key] for key in sound if key != name}))
        assert told.startswith(f"{name}: is missing; must be "), name


@pytest.mark.parametrize(
    ("addition", "sentence"),
    [
        ("take_profit: 0.02\n", "take_profit = 0.02: must be given once, and is in line "),
        ("3: 4\n", "3 = 4: must have a name that is text, in line "),
        ("a: [1\n", "cannot be read as YAML: "),
        ("a: 2025-13-45\n", "cannot be read as YAML: "),
        ("\0", "cannot be read as YAML: "),
    ],
)
def test_a_file_that_yaml_would_misread(addition: str, sentence: str) -> None:
    told = refusal(CONTROLLERS / "probe.yml", yaml.dump(strategy_content("dca")) + addition)
    assert told.startswith(sentence)


@pytest.mark.parametrize("text", ["", "- a\n", "3\n", "just text\n"])
@pytest.mark.parametrize("folder", [CONTROLLERS, SCRIPTS], ids=lambda folder: folder.name)
def test_a_file_that_holds_no_settings(folder: Path, text: str) -> None:
    assert refusal(folder / "probe.yml", text) == "must hold settings as `name: value` lines"


def test_an_empty_script_file_is_said_to_be_one() -> None:
    """Hummingbot 20260126 reads a missing file as {} and starts a strategy that does nothing."""
    assert refusal(SCRIPTS / "probe.yml", "{}").startswith("the script's configuration is missing or empty; ")


def test_the_name_of_a_strategy_file_says_its_phase_and_is_one_the_api_takes() -> None:
    """A trade counts for the phase in its file."""
    for phase in (1, None):
        content = strategy_content("dca") | {"id": "probe_phase2", "phase": phase}
        told = refusal(CONTROLLERS / "probe_phase2.yml", yaml.dump(content))
        assert told == f"phase = {phase or 'null'}: must be 2, as the file's name says"
    told = refusal(CONTROLLERS / "a probe.yml", yaml.dump(strategy_content("dca") | {"id": "a probe"}))
    assert told == "id = a probe: must be of letters, digits, _ and - alone"


# What is wrong with a script and its strategy files together.


def script_refusal(**changes: Any) -> str:
    return refusal(SCRIPTS / "probe.yml", yaml.dump(script_content() | changes))


@pytest.mark.parametrize("name", ["capital_quote", "exposure_per_pair_quote", "exposure_per_strategy_quote"])
def test_capital_for_less_than_one_position(name: str) -> None:
    assert script_refusal(**{name: 599}) == (
        f"{name} = 599: must be at least one position, total_amount_quote = 600 of recovery_dca_BTC-USDT"
    )


def test_a_venue_without_candles() -> None:
    """The strategies have nothing to look at."""
    told = script_refusal(connector_name="ndax_paper_trade")
    assert told.startswith("connector_name = ndax_paper_trade: must go with a candles_connector, ")
    assert "binance, binance_perpetual, " in told
    told = refusal(CONTROLLERS / "probe.yml", yaml.dump(strategy_content("dca") | {"candles_connector": "nonesuch"}))
    assert told.startswith("candles_connector = nonesuch: must be empty or a venue Hummingbot has candles of: ")
    path = CONTROLLERS / "probe.yml"
    path.write_text(yaml.dump(strategy_content("dca") | {"candles_connector": "binance"}))
    load(SCRIPTS / "probe.yml", yaml.dump(script_content() | {"controllers_config": [path.name]}))


@pytest.mark.parametrize(("name", "other", "wanted"), [("position_mode", "ONEWAY", "HEDGE"), ("leverage", 5, "1")])
def test_one_account_set_up_in_two_ways(name: str, other: Any, wanted: str) -> None:
    """The later of the two would win, and nobody be told."""
    account = {"connector_name": "binance_perpetual_paper_trade"}
    for stem, value in (("first", None), ("second", other)):
        content = strategy_content("dca") | account | {"id": stem} | ({} if value is None else {name: value})
        (CONTROLLERS / f"{stem}.yml").write_text(yaml.dump(content))
    path = SCRIPTS / "probe.yml"
    path.write_text(yaml.dump(script_content() | {"controllers_config": ["first.yml", "second.yml"]}))
    with pytest.raises(ConfigError) as refused:
        load_script_config(path).load_controller_configs()
    assert str(refused.value) == (
        f"{CONTROLLERS / 'second.yml'}: {name} = {other}: must be {wanted} as in {CONTROLLERS / 'first.yml'}, which trades "
        "on the same account"
    )


# Whatever else somebody writes.

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.decimals().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(list(STRATEGIES)), st.data())
def test_nothing_but_a_refusal_comes_of_a_strategy_file(strategy: str, data: st.DataObject) -> None:
    changes = data.draw(st.dictionaries(st.sampled_from(list(STRATEGIES[strategy].model_fields)), values, max_size=4))
    accepted_or_refused(CONTROLLERS / "probe.yml", strategy_content(strategy) | changes)


@given(st.dictionaries(st.sampled_from(list(RecoveryScriptConfig.model_fields)), values, max_size=4))
@example({"connector_name": "_paper_trade"})
def test_nothing_but_a_refusal_comes_of_a_script_file(changes: dict[str, Any]) -> None:
    accepted_or_refused(SCRIPTS / "probe.yml", script_content() | changes)


def accepted_or_refused(path: Path, content: dict[str, Any]) -> None:
    try:
        load(path, yaml.dump(content))
    except ConfigError as error:
        assert str(error).isprintable()
        assert str(error).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("strategy", "changes"),
    [
        # Hummingbot's API hands out the defaults of decimals in quotes.
        ("dca", {"take_profit": "0.01", "total_amount_quote": "600", "min_confidence": "0"}),
        ("dca", {"levels": 3.0, "initial_positions": []}),
        ("dca", {"trailing_activation": 0.009, "trailing_delta": 0.009}),
        ("dca", {"levels": 10, "level_spacing": 0.05, "lookback_s": 86400, "interval": "1h"}),
        ("dca", {"connector_name": "binance_perpetual_paper_trade", "leverage": 125, "position_mode": "ONEWAY"}),
        ("dca", {"connector_name": "ndax_paper_trade", "candles_connector": "kraken"}),
        ("swing", {"min_take_profit": 0.02, "max_take_profit": 0.02, "min_confidence": 1}),
        ("channel", {"strength_threshold": 1, "stop_distance": 2}),
    ],
    ids=str,
)
def test_sound_values_are_taken(strategy: str, changes: dict[str, Any]) -> None:
    load(CONTROLLERS / "probe.yml", yaml.dump(strategy_content(strategy) | changes))
