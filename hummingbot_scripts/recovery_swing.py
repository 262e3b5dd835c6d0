"""Run the SWING controllers: `start --script recovery_swing.py`, with `--conf NAME.yml` for another configuration."""

from shared.bot import script_config, strategy


class RecoverySwingScriptConfig(script_config.RecoveryScriptConfig):
    """Settings of this script (see shared/bot/script_config.py)."""


class RecoverySwingScript(strategy.RecoveryStrategy):
    """SWING on each pair of the configuration."""

    config_name = "recovery_swing"
