"""What can be checked before Hummingbot is started is, and its reason for a failed start is not lost."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hummingbot.client import settings
from hummingbot.client.config.config_helpers import ClientConfigAdapter
from hummingbot.client.settings import AllConnectorSettings

from shared.bot import launcher
from shared.bot.launcher import LastError, require_startable
from shared.bot.script_config import RecoveryScriptConfig
from shared.wire.config_errors import ConfigError


def config(connector_name: str | None) -> RecoveryScriptConfig:
    return RecoveryScriptConfig(
        script_file_name="recovery_dca.py",
        controllers_config=["recovery_dca.yml"],
        pairs=["BTC-USDT"],
        max_positions=1,
        max_positions_per_pair=1,
        capital_quote=1000,
        connector_name=connector_name,
    )


@pytest.mark.parametrize("name", [None, "binance_paper_trade", "binance_perpetual_paper_trade", "kucoin_paper_trade"])
def test_paper_connectors_of_any_order_book_exchange_can_be_started(name: str | None) -> None:
    require_startable(config(name))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "binance",
            "the script's configuration: connector_name = binance: only paper connectors are started here, "
            "e.g. binance_paper_trade",
        ),
        (
            "nonesuch_paper_trade",
            "the script's configuration: connector_name = nonesuch_paper_trade: must go with a candles_connector",
        ),
    ],
)
def test_anything_else_is_refused_in_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        require_startable(config(name))
    assert str(refused.value).startswith(sentence)


def test_the_last_error_logged_is_remembered() -> None:
    last = LastError()
    assert last.message == "see the log"
    logger = logging.Logger("probe")
    logger.addHandler(last)
    logger.error("no module named %s", "x")
    logger.warning("something else")
    assert last.message == "no module named x"


@pytest.fixture
def client_file() -> Iterator[Path]:
    path = Path(settings.CLIENT_CONFIG_PATH)
    before = path.read_text() if path.exists() else None
    names = list(AllConnectorSettings.paper_trade_connectors_names)
    yield path
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_text(before)
    AllConnectorSettings.initialize_paper_trade_settings(names)


def test_a_simulated_run_takes_its_rates_from_the_venue(client_file: Path) -> None:
    found: Any = launcher.configure(simulated=True)
    assert isinstance(found, ClientConfigAdapter)
    assert found.rate_oracle_source.name == "binance"
    assert set(AllConnectorSettings.paper_trade_connectors_names) == {"binance", "binance_perpetual"}


def test_a_live_run_knows_the_traders_own_exchanges_too(client_file: Path) -> None:
    launcher.configure(simulated=False)
    known = set(AllConnectorSettings.paper_trade_connectors_names)
    assert {"binance", "binance_perpetual", "kucoin"} <= known


def test_client_settings_of_another_release_are_named(client_file: Path) -> None:
    client_file.write_text(yaml.dump({"a_setting_of_tomorrow": 1}))
    with pytest.raises(ConfigError) as refused:
        launcher.configure(simulated=True)
    assert str(refused.value) == (
        f"{client_file}: a_setting_of_tomorrow = 1: there is no such setting; "
        "was it written by another release of Hummingbot?"
    )
