"""Services of the sidecar, and their supervision: each does what is due, says when it is due again, and may fail.

What cannot be done now is told once, tried again ever more slowly, and shown in the heartbeat. A defect, which is any error but
trouble (`shared.sidecar.care`), is logged with its traceback and the service restarted, so many times within a span; beyond
that it stands DEGRADED until the span allows another try. Nothing else stops for either. A service that does not run in the
phase the home is in stands still until its phase comes.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from shared.adapters.webhook import WebhookUnavailable
from shared.domain.phases import begins_in
from shared.domain.stored import Heartbeat, ServiceState
from shared.ports import FeedUnavailable, Store
from shared.sidecar.care import Care, Passing, Rest, Trouble, trouble_in

_log = logging.getLogger(__name__)
# Longer than that no source is taken at its word.
_LONGEST_RETRY_AFTER_S = 900.0
_LONGEST_SAID = 300  # characters; the log has all of it


class Service(Protocol):
    """One piece of the sidecar's work."""

    @property
    def name(self) -> str:
        """What it is called in heartbeats and configuration."""
        ...

    async def step(self) -> float:
        """Do what is due now; seconds until something may be due again.

        It may also last until it is cancelled, in the care LASTING.

        Raises:
            StoreError, JournalError, FeedError, WebhookError: It cannot be done now.
        """
        ...

    def detail(self) -> Mapping[str, Any]:
        """Figures for the heartbeat."""
        ...


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@dataclass
class Watched:
    """A service with how it is.

    Attributes:
        service: What is run.
        care: How.
        state: How it is.
        trouble: Why it is not running, one sentence.
        started_at: When the sidecar began.
        changed_at: When it came into its state.
        stopped_in_phase: The phase it does not run in, while the home is in that.
        defects: Defects since the sidecar began.
        at_work: Its step, while one is at work.
        rest: How long it rests after a failure.
    """

    service: Service
    care: Care = field(default_factory=Care)
    state: ServiceState = ServiceState.STARTING
    trouble: str | None = None
    started_at: datetime = field(default_factory=_now)
    changed_at: datetime = field(default_factory=_now)
    stopped_in_phase: int | None = None
    defects: int = 0
    at_work: asyncio.Task[float] | None = None
    rest: Rest = field(init=False)

    def __post_init__(self) -> None:
        self.rest = Rest(self.care)


class Supervision:
    """Runs services side by side until told to stop.

    As long as the phase is not known only what runs in every phase does: see `enter_phase`.

    Args:
        services: What to run; one that needs other care than most as `Watched(service, care)`.
        said: Takes a line for people whenever a service's state changes.
    """

    def __init__(self, services: Sequence[Service | Watched], said: Callable[[str], None]) -> None:
        self.watched = [given if isinstance(given, Watched) else Watched(given) for given in services]
        self._said = said
        self._is_stopping = False
        self._phase: int | None = None
        self._news = asyncio.Event()

    def stop(self) -> None:
        """Let every service finish what it is doing, for as long as its grace, and end."""
        self._is_stopping = True
        self._tell()

    def enter_phase(self, phase: int) -> None:
        """Start what runs in a phase and was not running; let what does not finish what it is doing, and stand still."""
        self._phase = phase
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
        for watched in self.watched:
            if watched.at_work is not None and watched.care.grace_s is not None and not self._goes_on(watched):
                asyncio.get_running_loop().call_later(watched.care.grace_s, self._cut_short, watched, watched.at_work)

    def _cut_short(self, watched: Watched, step: asyncio.Task[float]) -> None:
        if not self._goes_on(watched):  # a phase may have come back meanwhile
            step.cancel()

    async def run(self) -> None:
        """Run until `stop`."""
        async with asyncio.TaskGroup() as group:
            for watched in self.watched:
                group.create_task(self._serve(watched))

    async def _serve(self, watched: Watched) -> None:
        while not self._is_stopping:
            if self._goes_on(watched):
                watched.stopped_in_phase = None
                await self._pause(watched, await self._step(watched))
            else:
                self._stand_still(watched)
                await self._news.wait()
        self._change(watched, ServiceState.STOPPED, None)

    def _goes_on(self, watched: Watched) -> bool:
        first = begins_in(watched.service.name)
        return not self._is_stopping and (first == 0 or (self._phase is not None and self._phase >= first))

    def _stand_still(self, watched: Watched) -> None:
        if self._phase is None:
            return
        if watched.stopped_in_phase is None:
            self._change(watched, ServiceState.STOPPED, f"begins in phase {begins_in(watched.service.name)}")
        watched.stopped_in_phase = self._phase
        watched.trouble = None
        watched.rest.forget()

    async def _step(self, watched: Watched) -> float:
        """Let it do one step and read what came of it; seconds until the next one."""
        # A task of its own: its exception is read, whatever it is, and it can be cancelled alone.
        watched.at_work = step = asyncio.create_task(watched.service.step(), name=watched.service.name)
        settling = self._settle_later(watched)
        try:
            await asyncio.wait((step,))
        except asyncio.CancelledError:
            step.cancel()
            await asyncio.wait((step,))
            raise
        finally:
            watched.at_work = None
            if settling is not None:
                settling.cancel()
        if step.cancelled():
            return 0.0 if not self._goes_on(watched) else self._restart(watched, asyncio.CancelledError("from within"))
        error = step.exception()
        if error is None:
            self._settle(watched)
            return step.result()
        trouble = trouble_in(error)
        return self._restart(watched, error) if trouble is None else self._retry_later(watched, trouble)

    def _settle_later(self, watched: Watched) -> asyncio.TimerHandle | None:
        after_s = watched.care.settles_after_s
        return None if after_s is None else asyncio.get_running_loop().call_later(after_s, self._settle, watched)

    def _settle(self, watched: Watched) -> None:
        watched.rest.settle()
        self._change(watched, ServiceState.RUNNING, None)

    def _retry_later(self, watched: Watched, trouble: Trouble) -> float:
        is_passing = isinstance(trouble, Passing)
        self._change(watched, ServiceState.WAITING if is_passing else ServiceState.DEGRADED, str(trouble))
        asked_s = trouble.retry_after_s if isinstance(trouble, FeedUnavailable | WebhookUnavailable) else None
        return max(watched.rest.after_trouble_s(), min(asked_s or 0.0, _LONGEST_RETRY_AFTER_S))

    def _restart(self, watched: Watched, defect: BaseException) -> float:
        """Count and log a defect; seconds until the restart."""
        _log.error("%s: a defect", watched.service.name, exc_info=defect)
        watched.defects += 1
        pause_s, is_used_up = watched.rest.after_defect_s(asyncio.get_running_loop().time())
        what = " ".join(f"{type(defect).__name__}: {defect}".split())[:_LONGEST_SAID]
        if is_used_up:
            care = watched.care
            said = f"a defect after {care.restarts} restarts within {care.restarts_within_s:g} s: {what}"
            self._change(watched, ServiceState.DEGRADED, said)
        else:
            self._change(watched, ServiceState.WAITING, f"a defect, restarted: {what}")
        return pause_s

    def _change(self, watched: Watched, state: ServiceState, trouble: str | None) -> None:
        if (state, trouble) != (watched.state, watched.trouble):
            self._said(f"{watched.service.name}: {state}" + (f": {trouble}" if trouble else ""))
        if state != watched.state:
            watched.changed_at = _now()
        watched.state, watched.trouble = state, trouble

    async def _pause(self, watched: Watched, pause_s: float) -> None:
        """Until it is over, the sidecar stops, or a phase comes that the service does not run in."""
        # Python's own timeout scope: whichever comes first.
        try:
            async with asyncio.timeout(pause_s):
                while self._goes_on(watched):
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
            await self._store.beat(
                Heartbeat(self._home, watched.service.name, watched.started_at, watched.state, shown_detail(watched))
            )
        return self._every_s

    def detail(self) -> Mapping[str, Any]:
        return {}


def shown_detail(watched: Watched) -> dict[str, Any]:
    """A service's figures with what supervision knows of it, for heartbeats and health."""
    detail = dict(watched.service.detail())
    if watched.trouble is not None:
        detail["trouble"] = watched.trouble
    if watched.stopped_in_phase is not None:
        detail["phase"] = watched.stopped_in_phase
    if watched.defects:
        detail["defects"] = watched.defects
    return detail
