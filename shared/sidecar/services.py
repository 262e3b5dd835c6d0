"""Services of the sidecar, and their supervision: each does what is due, says when it is due again, and may fail.

What cannot be done now is told once, tried again ever more slowly, and shown in the heartbeat; nothing else stops for it. An
error that is no trouble of store or journal is a defect of ours and ends the sidecar. A service that does not run in the phase
the home is in stands still until its phase comes.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from shared.domain.phases import begins_in
from shared.domain.stored import Heartbeat, ServiceState
from shared.ports import JournalError, Store, StoreError, StoreUnavailable

_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 60.0


class Service(Protocol):
    """One piece of the sidecar's work."""

    @property
    def name(self) -> str:
        """What it is called in heartbeats and configuration."""
        ...

    async def step(self) -> float:
        """Do what is due now; seconds until something may be due again.

        Raises:
            StoreError, JournalError: It cannot be done now.
        """
        ...

    def detail(self) -> Mapping[str, Any]:
        """Figures for the heartbeat."""
        ...


@dataclass
class Watched:
    """A service with how it is. `stopped_in_phase`: the phase it does not run in, while the home is in that."""

    service: Service
    state: ServiceState = ServiceState.STARTING
    trouble: str | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    retry_s: float = _FIRST_RETRY_S
    stopped_in_phase: int | None = None


class Supervision:
    """Runs services side by side until told to stop.

    As long as the phase is not known only what runs in every phase does: see `enter_phase`.

    Args:
        services: What to run.
        said: Takes a line for people whenever a service's state changes.
    """

    def __init__(self, services: Sequence[Service], said: Callable[[str], None]) -> None:
        self.watched = [Watched(service) for service in services]
        self._said = said
        self._is_stopping = False
        self._phase: int | None = None
        self._news = asyncio.Event()

    def stop(self) -> None:
        """Let every service finish what it is doing, and end."""
        self._is_stopping = True
        self._tell()

    def enter_phase(self, phase: int) -> None:
        """Start what runs in a phase and was not running; let what does not finish what it is doing, and stand still."""
        self._phase = phase
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Run until `stop`; a defect in one service ends all."""
        async with asyncio.TaskGroup() as group:
            for watched in self.watched:
                group.create_task(self._serve(watched))

    async def _serve(self, watched: Watched) -> None:
        while not self._is_stopping:
            if self._is_on(watched.service):
                watched.stopped_in_phase = None
                await self._pause(watched.service, await self._step(watched))
            else:
                self._stand_still(watched)
                await self._news.wait()
        self._change(watched, ServiceState.STOPPED, None)

    def _is_on(self, service: Service) -> bool:
        first = begins_in(service.name)
        return first == 0 or (self._phase is not None and self._phase >= first)

    def _stand_still(self, watched: Watched) -> None:
        if self._phase is None:
            return
        if watched.stopped_in_phase is None:
            self._said(
                f"{watched.service.name}: {ServiceState.STOPPED}: begins in phase {begins_in(watched.service.name)}"
            )
        watched.stopped_in_phase = self._phase
        watched.state, watched.trouble, watched.retry_s = ServiceState.STOPPED, None, _FIRST_RETRY_S

    async def _step(self, watched: Watched) -> float:
        try:
            pause_s = await watched.service.step()
        except StoreUnavailable as error:
            return self._retry_later(watched, ServiceState.WAITING, error)
        except (StoreError, JournalError) as error:
            return self._retry_later(watched, ServiceState.DEGRADED, error)
        watched.retry_s = _FIRST_RETRY_S
        self._change(watched, ServiceState.RUNNING, None)
        return pause_s

    def _retry_later(self, watched: Watched, state: ServiceState, error: Exception) -> float:
        self._change(watched, state, str(error))
        pause_s, watched.retry_s = watched.retry_s, min(watched.retry_s * 2, _LAST_RETRY_S)
        return pause_s

    def _change(self, watched: Watched, state: ServiceState, trouble: str | None) -> None:
        if (state, trouble) != (watched.state, watched.trouble):
            self._said(f"{watched.service.name}: {state}" + (f": {trouble}" if trouble else ""))
        watched.state, watched.trouble = state, trouble

    async def _pause(self, service: Service, pause_s: float) -> None:
        """Until it is over, the sidecar stops, or a phase comes that the service does not run in."""
        # Python's own timeout scope: whichever comes first.
        try:
            async with asyncio.timeout(pause_s):
                while not self._is_stopping and self._is_on(service):
                    await self._news.wait()
        except TimeoutError:
            return


class Heartbeats:
    """Writes every service's heartbeat, its own included."""

    name = "heartbeat"

    def __init__(self, home: str, store: Store, every_s: float) -> None:
        self._home = home
        self._store = store
        self._every_s = every_s
        self._watched: Sequence[Watched] = ()

    def watch(self, watched: Sequence[Watched]) -> None:
        """Name the services to write for."""
        self._watched = watched

    async def step(self) -> float:
        for watched in self._watched:
            detail = dict(watched.service.detail())
            if watched.trouble is not None:
                detail["trouble"] = watched.trouble
            if watched.stopped_in_phase is not None:
                detail["phase"] = watched.stopped_in_phase
            await self._store.beat(
                Heartbeat(self._home, watched.service.name, watched.started_at, watched.state, detail)
            )
        return self._every_s

    def detail(self) -> Mapping[str, Any]:
        return {}
