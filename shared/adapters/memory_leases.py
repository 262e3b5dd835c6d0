"""The leases' in-memory twin, for tests: the same answers by the running loop's clock."""

import asyncio
from dataclasses import dataclass

from shared.domain.lease import Lease


@dataclass
class _Held:
    lease: Lease
    ends_s: float


class MemoryLeases:
    """Keeps in a dictionary what the other leases keep in a table."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    async def acquire(self, account: str, holder: str, ttl_s: float) -> Lease | None:
        held = self._held.get(account)
        if held is not None and held.lease.holder != holder and held.ends_s > _now_s():
            return None
        lease = Lease(account, holder, 1 if held is None else held.lease.token + 1)
        self._held[account] = _Held(lease, _now_s() + ttl_s)
        return lease

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        held = self._held.get(lease.account)
        if held is None or held.lease != lease or held.ends_s <= _now_s():
            return False
        held.ends_s = _now_s() + ttl_s
        return True

    async def release(self, lease: Lease) -> None:
        held = self._held.get(lease.account)
        if held is not None and held.lease == lease:
            # What stays tells the next token.
            held.ends_s = _now_s()

    async def close(self) -> None:
        """Nothing to let go of."""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
