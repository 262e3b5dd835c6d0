"""Sidecars that share an account and a store, and the ways between them: slow, cut, or with one end killed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from shared.adapters.memory_leases import MemoryLeases
from shared.domain.lease import Lease
from shared.sidecar.lease import LEASE_CARE, LeaseService, new_holder
from shared.sidecar.services import Supervision, Watched


class Line:
    """The way to the store, of one holder: questions may be slow, lost, or their answers."""

    def __init__(self, leases: MemoryLeases) -> None:
        self._leases = leases
        self.there_s = 0.01
        self.back_s = 0.01
        self.is_cut = False

    async def _ask[T](self, question: Callable[[], Awaitable[T]]) -> T:
        # What is on its way arrives, even if nobody waits for the answer any more.
        return await asyncio.shield(asyncio.ensure_future(self._travel(question)))

    async def _travel[T](self, question: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(self.there_s)
        if self.is_cut:
            await asyncio.sleep(3600)
        answer = await question()
        await asyncio.sleep(self.back_s)
        if self.is_cut:
            await asyncio.sleep(3600)
        return answer

    async def acquire(self, account: str, holder: str, ttl_s: float) -> Lease | None:
        return await self._ask(lambda: self._leases.acquire(account, holder, ttl_s))

    async def renew(self, lease: Lease, ttl_s: float) -> bool:
        return await self._ask(lambda: self._leases.renew(lease, ttl_s))

    async def release(self, lease: Lease) -> None:
        await self._ask(lambda: self._leases.release(lease))

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Sidecar:
    """One holder under supervision, as in a sidecar."""

    name: str
    line: Line
    world: "World"
    is_allowed: bool = False
    lines: list[str] = field(default_factory=list)

    def start(self) -> "Sidecar":
        self.service = LeaseService(self.line, "account", new_holder(self.name), self._allow)
        self.supervision = Supervision([Watched(self.service, LEASE_CARE)], self.lines.append)
        self._running = asyncio.create_task(self.supervision.run())
        return self

    def _allow(self, is_allowed: bool) -> None:
        self.is_allowed = is_allowed
        self.world.changed()

    async def stop(self) -> None:
        self.supervision.stop()
        await self._running
        await self.service.close()

    async def kill(self) -> None:
        """As kill -9: nobody is told, and a dead process has no connection."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        if self.service._end is not None:
            self.service._end.cancel()
        self.is_allowed = False
        self.world.changed()


class World:
    """Sidecars on one account and one store, and who of them might connect, when."""

    def __init__(self) -> None:
        self.leases = MemoryLeases()
        self.sidecars: list[Sidecar] = []
        self.history: list[tuple[float, frozenset[str]]] = []

    def sidecar(self, name: str) -> Sidecar:
        sidecar = Sidecar(name, Line(self.leases), self)
        self.sidecars.append(sidecar)
        return sidecar.start()

    def changed(self) -> None:
        self.history.append((asyncio.get_running_loop().time(), self.allowed))

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(sidecar.name for sidecar in self.sidecars if sidecar.is_allowed)

    def since(self, at_s: float, name: str) -> float:
        """Seconds from a moment to the first one at which a sidecar might connect."""
        return next(at for at, allowed in self.history if at >= at_s and name in allowed) - at_s

    def never_two(self) -> bool:
        return all(len(allowed) <= 1 for _, allowed in self.history)


def now_s() -> float:
    return asyncio.get_running_loop().time()
