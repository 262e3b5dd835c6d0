"""Start Hummingbot headless in a home and run one script until told to stop.

Hummingbot's own headless mode insists on an MQTT broker; this drives its trading core and owns the waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from hummingbot import init_logging
from hummingbot.client import settings
from hummingbot.client.config.config_helpers import load_client_config_map_from_file
from hummingbot.client.hummingbot_application import HummingbotApplication
from hummingbot.client.settings import AllConnectorSettings
from hummingbot.core.web_assistant.connections.connections_factory import ConnectionsFactory
from pydantic import ValidationError

from shared.bot import host as host  # for its effect: paper connectors and guarded executors
from shared.bot.script_config import RecoveryScriptConfig
from shared.paper.injection import SUFFIX, UnknownConnector, base_name, paper_class
from shared.wire.config_errors import ConfigError, describe


class StartError(Exception):
    """Hummingbot did not start the script; its reason is the message."""


def require_startable(config: RecoveryScriptConfig) -> None:
    """Check what a script would run, before anything is started.

    Raises:
        ConfigError: A strategy file is wrong, or names a connector that is not a paper connector.
    """
    for controller in config.load_controller_configs():
        name = controller.connector_name
        if not name.endswith(SUFFIX):
            raise ConfigError(
                f"{config.connector_file(controller)}: connector_name = {name}: only paper connectors are started here, e.g. "
                f"{name}{SUFFIX}"
            )
        try:
            paper_class(base_name(name))
        except UnknownConnector as error:
            raise ConfigError(f"{config.connector_file(controller)}: {error}") from error


class LastError(logging.Handler):
    """Remembers the last error Hummingbot logged: its trading core reports a failed start as False, the reason in the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.message = "see the log"

    def emit(self, record: logging.LogRecord) -> None:
        self.message = record.getMessage()


def configure(*, simulated: bool) -> Any:
    """Read the home's client configuration, as Hummingbot's own start does, and set logging up.

    Args:
        simulated: Take rates from the venue the run redirects to, whatever oracle the trader uses live, and know the
            exchanges it stands for alone: the console asks every one it knows for its pairs.

    Returns:
        Hummingbot's client configuration.

    Raises:
        ConfigError: conf_client.yml is not of this release.
    """
    try:
        client_config = load_client_config_map_from_file()
    except ValidationError as error:
        raise ConfigError(
            describe(settings.CLIENT_CONFIG_PATH, error) + "; was it written by another release of Hummingbot?"
        ) from error
    if simulated:
        client_config.rate_oracle_source = "binance"
    exchanges = {"binance", "binance_perpetual"}
    if not simulated:
        exchanges.update(client_config.paper_trade.paper_trade_exchanges)
    AllConnectorSettings.initialize_paper_trade_settings(sorted(exchanges))
    return client_config


async def run_script(
    script: str,
    config_name: str,
    config: RecoveryScriptConfig,
    client_config: Any,
    until: Callable[[Any], Awaitable[None]],
) -> None:
    """Run a script headless.

    Args:
        script: File of hummingbot_scripts, e.g. "recovery_dca.py".
        config_name: File of conf/scripts the configuration comes from.
        config: The configuration, with the command line's changes.
        client_config: From `configure`.
        until: Given the running strategy; the script is stopped in good order when this ends, however it ends.

    Raises:
        StartError: Hummingbot refused to start it.
    """
    init_logging("hummingbot_logs.yml", client_config, strategy_file_path=Path(config_name).stem)
    _log_to_file_only()
    last_error = LastError()
    logging.getLogger().addHandler(last_error)
    app = HummingbotApplication.main_application(client_config_map=client_config, headless_mode=True)
    core = app.trading_core
    # It asks this machine for the DEX gateway every two seconds. Its task must have begun before it can be cancelled.
    await asyncio.sleep(0)
    core.gateway_monitor.stop_monitor()
    try:
        started = await core.start_strategy(
            Path(script).stem, config.model_dump(mode="json", exclude_none=True), config_name
        )
        if not started:
            raise StartError(last_error.message)
        strategy = core.strategy
        try:
            await until(strategy)
        finally:
            await core.shutdown()
    finally:
        logging.getLogger().removeHandler(last_error)
        await ConnectionsFactory().close()
        await asyncio.sleep(0)


def _log_to_file_only() -> None:
    """The terminal belongs to the live screen; Hummingbot's log file has everything."""
    for name in (None, *logging.Logger.manager.loggerDict):
        logger = logging.getLogger(name)
        for handler in list(getattr(logger, "handlers", [])):
            if type(handler) is logging.StreamHandler or handler.__class__.__name__ == "CLIHandler":
                logger.removeHandler(handler)
