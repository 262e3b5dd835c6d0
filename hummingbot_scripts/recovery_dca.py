"""Run the DCA controllers: `start --script recovery_dca.py`, with `--conf NAME.yml` for another file of conf/scripts."""

from shared.bot import script_config, strategy


class RecoveryDcaScriptConfig(script_config.RecoveryScriptConfig):
    """Settings of this script (see shared/bot/script_config.py)."""


class RecoveryDcaScript(strategy.RecoveryStrategy):
    """DCA on each pair of the configuration."""

    default_config = "recovery_dca_phase1.yml"
