"""Run DCA, SWING and CHANNEL together: `start --script recovery_all.py`, with `--conf NAME.yml` for another configuration."""

from shared.bot import script_config, strategy


class RecoveryAllScriptConfig(script_config.RecoveryScriptConfig):
    """Settings of this script (see shared/bot/script_config.py)."""


class RecoveryAllScript(strategy.RecoveryStrategy):
    """The three strategies on one capital, one position a pair."""

    config_name = "recovery_all"
