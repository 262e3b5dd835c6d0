"""Make the Hummingbot process we run in ours: paper connectors that execute, executors that close once, candles of the sidecar.

Every script and controller of this project imports it, directly or through its base, so it does not matter who started the
bot: our launcher, the console, Docker or Hummingbot Dashboard.

Where RECOVERY_VENUE_URL is set, it also sends the bot's exchange traffic to that local venue.
"""

import os

from hummingbot.strategy_v2.executors.executor_orchestrator import ExecutorOrchestrator

from shared.bot import feed_entries, home
from shared.bot.executors import RecoveryDcaExecutor, RecoveryPositionExecutor
from shared.paper import injection


def install() -> None:
    """Replace what Hummingbot makes by name. Safe to call again."""
    injection.install()
    feed_entries.install()
    ExecutorOrchestrator._executor_mapping.update(
        dca_executor=RecoveryDcaExecutor, position_executor=RecoveryPositionExecutor
    )
    if venue_url := os.environ.get(home.VENUE_URL):
        from shared.bot import redirect  # the simulator's modules have no place in a bot that trades live data

        redirect.install(venue_url)


install()
