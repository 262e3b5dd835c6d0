"""A Postgres store for feeds on a jumping clock: that clock waits for a thread at work, and for no reply of a database."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.store import PostgresStore
from shared.domain.feed_records import FeedSwitch, QuarantinedBar
from shared.domain.stored import StoredCandle


class StoreInThread:
    """What feeds ask of a Store, answered by a PostgresStore in a thread and an event loop of its own, on the real clock.

    Attributes:
        put: Candles put so far, those that came again included.
    """

    def __init__(self, address: Address) -> None:
        self.put = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="store", daemon=True)
        self._thread.start()
        self._store = asyncio.run_coroutine_threadsafe(_store(address), self._loop).result()

    async def put_candles(self, candles: Sequence[StoredCandle]) -> None:
        await self._ask(lambda store: store.put_candles(candles))
        self.put += len(candles)

    async def record_switch(self, switch: FeedSwitch) -> None:
        await self._ask(lambda store: store.record_switch(switch))

    async def quarantine(self, bars: Sequence[QuarantinedBar]) -> None:
        await self._ask(lambda store: store.quarantine(bars))

    def close(self) -> None:
        """Close its connections and end the thread; waits for both."""
        asyncio.run_coroutine_threadsafe(self._store.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _ask[T](self, work: Callable[[PostgresStore], Awaitable[T]]) -> T:
        async def ask() -> T:
            return await work(self._store)

        answer = asyncio.run_coroutine_threadsafe(ask(), self._loop)
        return await asyncio.get_running_loop().run_in_executor(None, answer.result)


async def _store(address: Address) -> PostgresStore:
    # Made on the loop that it lives in.
    return PostgresStore(address)
