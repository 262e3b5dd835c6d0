"""No new position on candles that are stale or degraded, in controllers that do not ask for themselves.

Ours ask, and their journal says why (`RecoveryController`). Hummingbot's own know nothing of it. They go on being run, so that
they stop what they want stopped; only what they would open is not opened.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from hummingbot.core.data_type.common import PositionAction
from hummingbot.strategy_v2.executors.executor_orchestrator import ExecutorOrchestrator

from shared.bot.feed_candles import RecoveryFeed, serves
from shared.domain.signals import Refusal

_LOG = logging.getLogger(__name__)


def refusal_for(strategy: Any, action: Any) -> Refusal | None:
    """Why an executor is not to be opened, or None.

    Args:
        strategy: The running one.
        action: Hummingbot's CreateExecutorAction.
    """
    controller = getattr(strategy, "controllers", {}).get(action.controller_id)
    if getattr(controller, "asks_feeds_itself", False):
        return None
    if getattr(action.executor_config, "position_action", None) is PositionAction.CLOSE:
        return None
    found = (feed.refusal() for feed in _feeds_behind(strategy, controller, action.executor_config))
    return next((refusal for refusal in found if refusal is not None), None)


def _feeds_behind(strategy: Any, controller: Any, executor_config: Any) -> Iterator[RecoveryFeed]:
    """What a controller says that it reads, and what there is of the pair it trades."""
    provider = strategy.market_data_provider
    for config in _declared(controller):
        if serves(config.connector):
            yield provider.get_candles_feed(config)
    for feed in list(provider.candles_feeds.values()):
        if isinstance(feed, RecoveryFeed) and feed.view.subscription.pair == executor_config.trading_pair:
            yield feed


def _declared(controller: Any) -> list[Any]:
    # 20260922 asks the controller, 20260126 its configuration; a script's own executors have no controller.
    configs = list(getattr(getattr(controller, "config", None), "candles_config", None) or [])
    return [*configs, *(controller.get_candles_config() if hasattr(controller, "get_candles_config") else [])]


def install() -> None:
    """Ask before Hummingbot's orchestrator opens an executor. Safe to call again."""
    stock = ExecutorOrchestrator.create_executor
    if not hasattr(stock, "asks_feeds"):
        ExecutorOrchestrator.create_executor = _asking(stock)


def _asking(stock: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    told: dict[str, Refusal] = {}

    def create_executor(self: Any, action: Any) -> None:
        refusal = refusal_for(self.strategy, action)
        if refusal is None:
            told.pop(action.controller_id, None)
            stock(self, action)
        elif told.get(action.controller_id) is not refusal:
            # A controller asks again at every turn: once each time it begins is enough.
            told[action.controller_id] = refusal
            _LOG.warning("%s: %s: nothing new is opened on these candles", action.controller_id, refusal)

    create_executor.asks_feeds = True  # type: ignore[attr-defined]
    return create_executor
