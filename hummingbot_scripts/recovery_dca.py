"""Run the DCA controllers: `start --script recovery_dca.py`, with `--conf NAME.yml` for another configuration."""

from shared.bot import script_config, strategy


class RecoveryDcaScriptConfig(script_config.RecoveryScriptConfig):
    """Settings of this script (see shared/bot/script_config.py)."""


class RecoveryDcaScript(strategy.RecoveryStrategy):
    """DCA on each pair of the configuration."""

    config_name = "recovery_dca"
