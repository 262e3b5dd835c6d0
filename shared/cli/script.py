"""Which configuration a script is started with: the trader's file or the script's own, fitted to the market."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice
from shared.simulator.errors import UnknownPair

if TYPE_CHECKING:
    from shared.bot.script_config import RecoveryScriptConfig


def load_config(
    bot_home: Path, script: str, conf: str | None, market: MarketChoice, *, perpetual: bool = False
) -> "tuple[str, RecoveryScriptConfig]":
    """The script's configuration with the market's changes, checked before anything is started.

    Args:
        bot_home: The home this process has entered.
        script: File of its scripts folder.
        conf: File of conf/scripts; None takes the one the script names.
        market: A replay brings its own pairs.
        perpetual: Trade USD-M perpetuals instead of what the strategy files name.

    Returns:
        The file's name and its configuration.

    Raises:
        ConfigError: A file is missing or wrong.
        UsageError: The market cannot trade it, or does not list one of its pairs.
    """
    from shared.bot.launcher import require_startable
    from shared.bot.script_config import load_script_config
    from shared.bot.script_file import default_config_of
    from shared.paper.injection import base_name
    from shared.simulator.instruments import instrument_for

    config_name = conf or default_config_of(bot_home / "scripts" / script)
    path = bot_home / "conf" / "scripts" / config_name
    config = load_script_config(path)
    if config.script_file_name != script:
        raise UsageError(f"--conf = {config_name}: is for {config.script_file_name}, not for {script}")
    changes: dict[str, Any] = {}
    if market.pairs is not None:
        changes["pairs"] = market.pairs
    if perpetual:
        changes["connector_name"] = "binance_perpetual_paper_trade"
    config = config.model_copy(update=changes)
    require_startable(config)
    if not market.is_live:
        for controller in config.load_controller_configs():
            if base_name(controller.connector_name) not in ("binance", "binance_perpetual"):
                raise UsageError(
                    f"{controller.id}: connector_name = {controller.connector_name}: the local venue speaks "
                    "binance_paper_trade and binance_perpetual_paper_trade; use --venue live for others"
                )
            try:
                instrument_for(controller.trading_pair, controller.is_perpetual)
            except UnknownPair as error:
                raise UsageError(f"{path}: pairs = {controller.trading_pair}: {error}") from error
    return config_name, config
