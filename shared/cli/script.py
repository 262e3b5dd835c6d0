"""Which configuration a script is started with: the trader's file or the script's own, fitted to the market."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.adapters.phase_journal import current_phase
from shared.cli.errors import UsageError
from shared.cli.market import MarketChoice
from shared.cli.verify import JOURNAL
from shared.domain.phases import config_file
from shared.simulator.errors import UnknownPair
from shared.wire.config_errors import shown

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
        market: A replay brings its own pairs; where the crash guard's pair is not among them, the guard is off.
        perpetual: Trade USD-M perpetuals instead of what the strategy files name.

    Returns:
        The file's name and its configuration.

    Raises:
        ConfigError: A file is missing or wrong.
        UsageError: The market cannot trade it, or does not list one of its pairs.
    """
    from shared.bot.launcher import require_startable
    from shared.bot.script_config import load_script_config
    from shared.bot.script_file import config_name_of
    from shared.paper.injection import base_name
    from shared.simulator.instruments import instrument_for

    for option, name, folder in (("--script", script, "hummingbot_scripts"), ("--conf", conf, "conf/scripts")):
        if name is not None and (not name or Path(name).name != name):
            raise UsageError(f"{option} = {shown(name)}: must be the name of a file of {folder}")
    config_name = conf or default_config(bot_home, config_name_of(bot_home / "scripts" / script))
    path = bot_home / "conf" / "scripts" / config_name
    config = load_script_config(path)
    if config.script_file_name != script:
        raise UsageError(f"--conf = {config_name}: is for {config.script_file_name}, not for {script}")
    changes: dict[str, Any] = {} if conf else {"follow_phase": True}
    if market.pairs is not None:
        changes["pairs"] = market.pairs
    if perpetual:
        changes["connector_name"] = "binance_perpetual_paper_trade"
    config = config.model_copy(update=changes)
    require_startable(config)
    if market.pairs is not None and not set(config.markets_needed()[0]) <= set(market.pairs):
        # The guard's own pair is in none of the recordings: without it the guard would refuse everything, blind.
        config = config.model_copy(update={"crash_guard": False})
    if not market.is_live:
        for controller in config.load_controller_configs():
            if base_name(controller.connector_name) not in ("binance", "binance_perpetual"):
                raise UsageError(
                    f"{config.connector_file(controller)}: connector_name = {controller.connector_name}: the local venue "
                    "speaks binance_paper_trade and binance_perpetual_paper_trade; use --venue live for others"
                )
            try:
                instrument_for(controller.trading_pair, controller.is_perpetual)
            except UnknownPair as error:
                raise UsageError(f"{path}: pairs = {controller.trading_pair}: {error}") from error
    return config_name, config


def default_config(bot_home: Path, config_name: str) -> str:
    """The file of conf/scripts that belongs to the home's phase.

    Raises:
        JournalError: The home's journal cannot be read.
    """
    return config_file(config_name, current_phase(bot_home / "data" / JOURNAL))
