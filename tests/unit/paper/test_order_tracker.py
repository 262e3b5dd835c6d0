"""Hummingbot's order tracker, finding an order by looking it up."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hummingbot.connector.client_order_tracker import ClientOrderTracker
from hummingbot.core.data_type.common import OrderType, TradeType
from hummingbot.core.data_type.in_flight_order import InFlightOrder

from shared.paper.order_tracker import PaperOrderTracker
from tests.conftest import VirtualRun


def order(number: int) -> InFlightOrder:
    return InFlightOrder(
        f"client-{number}", "BTC-USDT", OrderType.LIMIT, TradeType.BUY, Decimal(1), 0.0, Decimal(1), f"venue-{number}"
    )


def trackers() -> list[Any]:
    found = [kind(connector=SimpleNamespace(current_timestamp=0)) for kind in (ClientOrderTracker, PaperOrderTracker)]
    for tracker in found:
        for number in (1, 2):
            tracker.start_tracking_order(order(number))
        tracker.stop_tracking_order("client-2")
    return found


@pytest.mark.parametrize(
    "asked",
    [
        ("client-1",),
        ("client-2",),
        ("client-3",),
        (None, "venue-1"),
        (None, "venue-2"),
        (None, "venue-3"),
        ("client-3", "venue-1"),
        ("client-1", "venue-2"),
        (None, None),
        (),
    ],
    ids=str,
)
def test_it_finds_what_hummingbots_own_finds(asked: tuple[Any, ...]) -> None:
    async def scenario() -> None:
        stock, ours = trackers()
        expected, found = stock.fetch_order(*asked), ours.fetch_order(*asked)
        assert getattr(found, "client_order_id", None) == getattr(expected, "client_order_id", None)

    asyncio.run(scenario())


def test_ended_orders_are_forgotten_on_the_bots_clock(run_virtual: VirtualRun) -> None:
    async def scenario() -> None:
        _, ours = trackers()
        await asyncio.sleep(PaperOrderTracker.CACHED_ORDER_TTL - 1)
        assert ours.fetch_order("client-2") is not None
        await asyncio.sleep(2)
        assert ours.fetch_order("client-2") is None
        assert ours.fetch_order("client-1") is not None

    run_virtual(scenario())
