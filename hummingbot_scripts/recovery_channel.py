"""Run the CHANNEL controllers: `start --script recovery_channel.py`, with `--conf NAME.yml` for another configuration."""

from shared.bot import script_config, strategy


class RecoveryChannelScriptConfig(script_config.RecoveryScriptConfig):
    """Settings of this script (see shared/bot/script_config.py)."""


class RecoveryChannelScript(strategy.RecoveryStrategy):
    """CHANNEL on each pair of the configuration."""

    config_name = "recovery_channel"
