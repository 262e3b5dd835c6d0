"""Hummingbot's order tracker without its two costs: a new dict at every look-up, and a cache on the wrong clock.

`ClientOrderTracker.fetch_order` merges all orders into a new dict for each call (hummingbot/connector/
client_order_tracker.py), the top cost of a bot at 20 pairs; its cache of ended orders expires on the monotonic clock, which
says nothing in a simulated run.
"""

import time

from cachetools import TTLCache
from hummingbot.connector import client_order_tracker
from hummingbot.core.data_type.in_flight_order import InFlightOrder


class PaperOrderTracker(client_order_tracker.ClientOrderTracker):
    """Finds an order by looking it up."""

    def __init__(self, connector: object) -> None:
        super().__init__(connector=connector)
        # time.time is looked up at each call: a simulated run replaces it.
        self._cached_orders: TTLCache[str, InFlightOrder] = TTLCache(
            maxsize=self.MAX_CACHE_SIZE, ttl=self.CACHED_ORDER_TTL, timer=lambda: time.time()
        )

    def fetch_order(
        self, client_order_id: str | None = None, exchange_order_id: str | None = None
    ) -> InFlightOrder | None:
        if client_order_id is not None:
            found = self._in_flight_orders.get(client_order_id) or self._cached_orders.get(client_order_id)
            if found is not None:
                return found
        if exchange_order_id is None:
            return None
        return next((order for order in self.all_orders.values() if order.exchange_order_id == exchange_order_id), None)
