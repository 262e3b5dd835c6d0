"""Stores that reach Supabase's API through a gateway told to fail, and note each pause instead of waiting."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from shared.adapters.supabase_api import SupabaseApi
from shared.adapters.supabase_store import SupabaseStore
from shared.ports import StoreError
from tests.store_backends import JOURNAL, Backend
from tests.supabase_gateway import Fault, SupabaseGateway


class Api:
    """A gateway before the real PostgREST, and stores that speak with it and note each pause."""

    def __init__(self, backend: Backend) -> None:
        assert backend.gateway is not None
        self.backend = backend
        self.gateway: SupabaseGateway = backend.gateway
        self.pauses_s: list[float] = []

    async def connect(self, key: str | None = None, url: str | None = None) -> SupabaseStore:
        async def pause(seconds: float) -> None:
            self.pauses_s.append(seconds)

        return SupabaseStore(await SupabaseApi.connect(url or self.gateway.url, key or self.gateway.secret_key, pause))

    def run[T](self, work: Callable[[SupabaseStore], Coroutine[Any, Any, T]], *faults: Fault, key: str = "") -> T:
        """What a store of its own comes to while the gateway has these faults."""

        async def use() -> T:
            store = await self.connect(key)
            try:
                return await work(store)
            finally:
                await store.close()

        self.gateway.faults.extend(faults)
        self.gateway.requests.clear()
        self.gateway.queries.clear()
        return self.backend.run(use())

    def refusal(self, *faults: Fault, key: str = "") -> StoreError:
        """The error a request ends with: one sentence without the key."""
        with pytest.raises(StoreError) as caught:
            self.run(lambda store: store.cursor(JOURNAL), *faults, key=key)
        message = str(caught.value)
        assert "\n" not in message
        assert (key or self.gateway.secret_key) not in message
        return caught.value
