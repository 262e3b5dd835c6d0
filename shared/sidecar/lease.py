"""Has the right to a source's one connection, or waits for it: of all sidecars on one account, one may connect at a time."""

import asyncio
import hashlib
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.domain.lease import Lease
from shared.ports import Leases, StoreUnavailable
from shared.sidecar.care import Care

# One who was killed leaves it for so long at most.
TTL_S = 15.0
_RENEW_EVERY_S = 5.0
_ANSWER_WITHIN_S = 4.0
_LOOK_EVERY_S = 1.0
# Between the end of the right by our clock and by the store's: a socket whose source does not answer the close is gone within
# 4 s (`shared.adapters.feeds.websocket`), and a loop may be held up.
_MARGIN_S = 5.0

# Whoever waits asks at least so often: with TTL_S that is how long a takeover takes.
LEASE_CARE = Care(last_retry_s=5.0)


def account_of(api_key: str) -> str:
    """What there is one lease of for Polygon: its key's account, by a fingerprint that tells nothing of the key."""
    return hashlib.sha256(f"polygon:{api_key}".encode()).hexdigest()[:16]


def new_holder(home: str) -> str:
    """A name that no other process has or will have, readable for people."""
    return f"{home}@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class LeaseService:
    """Acquires the lease of an account and renews it, and tells whether the connection may exist.

    The right ends by this process's clock before it can end by the store's: it is counted from before the renewal was sent, and
    `_MARGIN_S` shorter. A timer ends it, whatever a step or its supervision is waiting for. To be run in LEASE_CARE.

    Args:
        leases: Where the lease is.
        account: What of; see `account_of`.
        holder: A name of this process alone; see `new_holder`. Two with one name would both be given it.
        allowed: Takes whether the connection may exist: false at once, then each change.
        is_needed: Whether there is anything to connect for: a right that nobody uses is left to others.
    """

    name = "lease"

    def __init__(
        self,
        leases: Leases,
        account: str,
        holder: str,
        allowed: Callable[[bool], None],
        is_needed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._leases = leases
        self._account = account
        self._holder = holder
        self._allowed = allowed
        self._lease: Lease | None = None
        self._asked_at_s = 0.0
        self._end: asyncio.TimerHandle | None = None
        self._losses = 0
        self._is_needed = is_needed
        self._unneeded_since_s: float | None = None
        allowed(False)

    async def step(self) -> float:
        if await self._rests():
            return _LOOK_EVERY_S
        if self._lease is not None and time.time() - self._asked_at_s >= TTL_S - _MARGIN_S:
            # The machine slept: the loop's clock may have stood still, the store's has not.
            self._lose()
        held, asked_s, asked_at_s = self._lease, _now_s(), time.time()
        lease = await _answer(self._ask(held))
        if lease is not None:
            self._hold(lease, asked_s, asked_at_s)
            return max(0.0, asked_s + _RENEW_EVERY_S - _now_s())
        self._lose()
        return _RENEW_EVERY_S if held is None else 0.0

    async def _rests(self) -> bool:
        """Whether it is not needed, and was given back once a connection that was there must be gone."""
        if self._is_needed():
            self._unneeded_since_s = None
            return False
        if self._unneeded_since_s is None:
            self._unneeded_since_s = _now_s()
        if self._lease is not None:
            if _now_s() - self._unneeded_since_s < _MARGIN_S:
                return False
            await self.close()
        return True

    async def _ask(self, held: Lease | None) -> Lease | None:
        """The lease, renewed or new; None where it is another's."""
        if held is None:
            return await self._leases.acquire(self._account, self._holder, TTL_S)
        return held if await self._leases.renew(held, TTL_S) else None

    def _hold(self, lease: Lease, asked_s: float, asked_at_s: float) -> None:
        ends_s = asked_s + TTL_S - _MARGIN_S
        if self._end is not None:
            self._end.cancel()
        if ends_s <= _now_s():
            # The answer was there in time, and this loop had no time for it.
            self._lose()
            return
        self._end = asyncio.get_running_loop().call_at(ends_s, self._lose)
        was_held, self._lease, self._asked_at_s = self._lease is not None, lease, asked_at_s
        if not was_held:
            self._allowed(True)

    def _lose(self) -> None:
        """It is not ours any more, by what we know."""
        if self._end is not None:
            self._end.cancel()
        self._end = None
        if self._lease is not None:
            self._lease = None
            self._losses += 1
            self._allowed(False)

    async def close(self) -> None:
        """Give it back, so that another need not wait. The connection must be closed by then, and no step at work.

        Raises:
            StoreError: It could not be told: it runs out by itself.
        """
        lease = self._lease
        self._lose()
        if lease is not None:
            await _answer(self._leases.release(lease))

    def detail(self) -> Mapping[str, Any]:
        return {"held": self._lease is not None, "losses": self._losses}


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _answer[T](question: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            return await question
    except TimeoutError as error:
        raise StoreUnavailable(f"the lease: no answer within {_ANSWER_WITHIN_S:.0f} s") from error
