"""A running script goes on in another phase: new controllers take the signals, the old ones see their positions to the end.

An executor keeps the terms it was opened with; a controller that has nothing open any more is let go.
"""

from typing import Any

from hummingbot.strategy_v2.models.executors_info import PerformanceReport

from shared.bot.config import RecoveryControllerConfig
from shared.bot.live_edits import require_editable
from shared.bot.script_config import RecoveryScriptConfig
from shared.wire.config_errors import ConfigError

# The connectors and their pairs are those of the start; the rest is the other phase's.
KEPT = ("pairs", "connector_name", "crash_guard", "follow_phase")


def go_on(strategy: Any, config: RecoveryScriptConfig, phase: int) -> None:
    """Replace a strategy's controllers, or change nothing.

    Args:
        strategy: A running RecoveryStrategy.
        config: What it is to run from now on.
        phase: The phase this is for, for messages and the journal.

    Raises:
        ConfigError: Not while the bot runs.
    """
    wanted = config.load_controller_configs()
    for needed in wanted:
        _require_running_connector(strategy, needed, phase)
        if needed.id in strategy.controllers:
            # It has not ended yet: it goes on where it was, and keeps what may not change while it runs.
            require_editable(strategy.controllers[needed.id].config, needed)
    known = set(strategy.controllers)
    for needed in wanted:
        if needed.id not in known:
            strategy.add_controller(needed)
    missing = {needed.id for needed in wanted} - set(strategy.controllers)
    if missing:
        for controller_id in set(strategy.controllers) - known:
            del strategy.controllers[controller_id]
        raise ConfigError(f"these controllers did not start, see the log: {', '.join(sorted(missing))}")
    for controller in strategy.controllers.values():
        controller.retired = True
    for needed in wanted:
        controller = strategy.controllers[needed.id]
        controller.retired = False
        if needed.id not in known:
            controller.config_record.source = f"phase {phase}"
        controller.update_config(needed, source=f"phase {phase}")
        _make_room(strategy.executor_orchestrator, needed.id)
        controller.start()


def _require_running_connector(strategy: Any, needed: RecoveryControllerConfig, phase: int) -> None:
    """Connectors are made, and position mode and leverage set on them, at the start of the script alone."""
    hint = f"stop and start the script to go on in phase {phase}"
    if needed.connector_name not in strategy.connectors:
        raise ConfigError(f"{needed.id}: connector_name = {needed.connector_name}: is not connected; {hint}")
    if not needed.is_perpetual:
        return
    for running in (controller.config for controller in strategy.controllers.values()):
        if running.connector_name != needed.connector_name:
            continue
        for name in ("position_mode", *(["leverage"] if running.trading_pair == needed.trading_pair else [])):
            wanted, found = needed.as_text()[name], running.as_text()[name]
            if wanted != found:
                raise ConfigError(f"{needed.id}: {name} = {wanted}: the account is set to {found}; {hint}")


def _make_room(orchestrator: Any, controller_id: str) -> None:
    # 20260126 and 20260922 make these for the controllers of the start alone (executor_orchestrator.py,
    # _initialize_cached_performance) and would drop the first executor of any other.
    orchestrator.cached_performance.setdefault(controller_id, PerformanceReport())
    orchestrator.active_executors.setdefault(controller_id, [])
    orchestrator.positions_held.setdefault(controller_id, [])


def let_go(strategy: Any) -> None:
    """End the retired controllers that have nothing open any more."""
    for controller_id in [name for name, controller in strategy.controllers.items() if controller.retired]:
        if not strategy.session.has_open_positions(controller_id):
            controller = strategy.controllers.pop(controller_id)
            controller.flush()
            controller.stop()
