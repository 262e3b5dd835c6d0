"""Leases by Supabase's API. What is sent again within, after a lost answer, is of the same holder: it harms nothing."""

from shared.adapters.supabase_api import SupabaseApi
from shared.domain.lease import Lease
from shared.ports import StoreError


class SupabaseLeases:
    """The Leases of a project, through PostgREST.

    Args:
        api: The project; its migrations have run. Closed with it.
    """

    def __init__(self, api: SupabaseApi) -> None:
        self._api = api

    @classmethod
    async def connect(cls, url: str, key: str) -> "SupabaseLeases":
        """The leases of a project, by SUPABASE_URL and SUPABASE_SECRET_KEY; nothing is sent yet.

        Raises:
            StoreError: The address or the key cannot be used.
        """
        return cls(await SupabaseApi.connect(url, key))

    async def acquire(self, account: str, holder: str, ttl_s: float) -> Lease | None:
        token = await self._call("acquire_feed_lease", p_account=account, p_holder=holder, p_ttl_s=ttl_s)
        if token is None:
            return None
        # bool is an int to Python, and no token.
        if type(token) is not int:
            raise StoreError("acquire_feed_lease: the API answered with something that is no token")
        return Lease(account, holder, token)

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        # Only a plain true is one.
        return await self._call("renew_feed_lease", **_named(lease), p_ttl_s=ttl_s) is True

    async def release(self, lease: Lease) -> None:
        await self._call("release_feed_lease", **_named(lease))

    async def close(self) -> None:
        await self._api.close()

    async def _call(self, function: str, **arguments: object) -> object:
        return (await self._api.send(lambda to: to.rpc(function, arguments))).data


def _named(lease: Lease) -> dict[str, object]:
    return {"p_account": lease.account, "p_holder": lease.holder, "p_token": lease.token}
