"""Importing anything of `shared.bot` makes the Hummingbot process ours."""

import pytest
from hummingbot.core import connector_manager
from hummingbot.strategy_v2.executors.executor_orchestrator import ExecutorOrchestrator

from shared.bot import home, host, redirect
from shared.bot.executors import RecoveryDcaExecutor, RecoveryPositionExecutor
from shared.paper import injection


def test_executors_and_connectors_are_ours_by_name() -> None:
    for _ in range(2):
        host.install()
        mapping = ExecutorOrchestrator._executor_mapping
        assert mapping["dca_executor"] is RecoveryDcaExecutor
        assert mapping["position_executor"] is RecoveryPositionExecutor
        assert connector_manager.create_paper_trade_market is injection.create_paper_trade_market
    assert mapping["twap_executor"].__module__.startswith("hummingbot.")


@pytest.mark.parametrize(("url", "redirects"), [("http://127.0.0.1:8765", ["http://127.0.0.1:8765"]), ("", [])])
def test_a_local_venue_is_named_by_the_environment(
    url: str, redirects: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(redirect, "install", asked.append)
    monkeypatch.setenv(home.VENUE_URL, url)
    host.install()
    assert asked == redirects
