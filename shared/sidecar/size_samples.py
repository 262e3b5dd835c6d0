"""The sizes of tables once a day: growth is measured from them, never from one figure and a guess."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connected
from shared.adapters.postgres.sizes import record_sample

_EVERY = timedelta(days=1)
_LOOK_EVERY_S = 600.0
# By the database's clock, which stamps the samples too.
_IS_DUE = "SELECT coalesce(max(at) <= clock_timestamp() - $1::interval, true) FROM storage_samples"


class SizeSamples:
    """Takes a sample once the last one is a day old, whoever took it."""

    name = "size_samples"

    def __init__(self, address: Address) -> None:
        self._address = address

    async def step(self) -> float:
        async with connected(self._address) as connection:
            if await connection.fetchval(_IS_DUE, _EVERY):
                await record_sample(connection)
        return _LOOK_EVERY_S

    def detail(self) -> Mapping[str, Any]:
        return {}
