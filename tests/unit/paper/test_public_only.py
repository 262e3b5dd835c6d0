"""The real connector keeps to the venue's public data: no keys, no private streams, nothing to resume from."""

from typing import Any

import pytest

from shared.paper.public_only import NoCredentials
from tests.conftest import VirtualRun
from tests.unit.paper.paper_exchange import PaperExchange

both = pytest.mark.parametrize("name", ["binance", "binance_perpetual"])


@both
def test_requests_go_out_as_anybodys(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        authenticator = PaperExchange(name).connector.authenticator
        assert isinstance(authenticator, NoCredentials)
        request: Any = object()
        assert await authenticator.rest_authenticate(request) is request
        assert await authenticator.ws_authenticate(request) is request

    run_virtual(scenario())


@both
def test_there_is_no_private_stream_to_wait_for(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        connector = PaperExchange(name).connector
        assert connector._is_user_stream_initialized()
        assert connector._create_user_stream_tracker_task() is None
        assert connector._get_poll_interval(0) == connector.LONG_POLL_INTERVAL
        await connector._user_stream_event_listener()
        await connector._update_trading_fees()

    run_virtual(scenario())


@both
def test_a_poll_publishes_the_account_and_asks_nobody(name: str, run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        connector = PaperExchange(name).connector
        connector._account_balances = {}
        await connector._update_balances()
        assert connector.get_all_balances() == {"USDT": 1_000}
        connector._account_balances = {}
        await connector._status_polling_loop_fetch_updates()
        assert connector.get_all_balances() == {"USDT": 1_000}

    run_virtual(scenario())


def test_orders_of_an_earlier_process_have_ended_with_it(
    run_virtual: VirtualRun, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        connector = PaperExchange().connector
        assert connector.tracking_states == {}
        connector.restore_tracking_states({})
        assert caplog.text == ""
        connector.restore_tracking_states({"order": {}})
        assert "1 paper orders of an earlier process ended with it." in caplog.text
        assert connector.in_flight_orders == {}

    run_virtual(scenario())
