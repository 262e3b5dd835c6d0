"""Leases by a direct connection: one of its own each time, so that none waits for candles or for a peer that is gone."""

from typing import Any

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connect, one_sentence
from shared.domain.lease import Lease


class PostgresLeases:
    """The Leases of a database.

    Args:
        address: The database; its migrations have run.
    """

    def __init__(self, address: Address) -> None:
        self._address = address

    async def acquire(self, account: str, holder: str, ttl_s: float) -> Lease | None:
        token = await self._value("SELECT acquire_feed_lease($1, $2, $3)", account, holder, ttl_s)
        return None if token is None else Lease(account, holder, token)

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        held = await self._value(
            "SELECT renew_feed_lease($1, $2, $3, $4)", lease.account, lease.holder, lease.token, ttl_s
        )
        return bool(held)

    async def release(self, lease: Lease) -> None:
        await self._value("SELECT release_feed_lease($1, $2, $3)", lease.account, lease.holder, lease.token)

    async def close(self) -> None:
        """Nothing to let go of: no connection outlives its question."""

    async def _value(self, statement: str, *arguments: Any) -> Any:
        connection = await connect(self._address)
        try:
            with one_sentence(self._address):
                return await connection.fetchval(statement, *arguments)
        finally:
            # Without a farewell: whoever asks for a lease cannot wait for a peer that does not answer.
            connection.terminate()
