"""Supervision: services that run in some phases alone."""

import asyncio
from collections.abc import Mapping
from typing import Any

from shared.adapters.memory_store import MemoryStore
from shared.domain.stored import ServiceState
from shared.ports import StoreUnavailable
from shared.sidecar.services import Heartbeats, Supervision
from tests.conftest import VirtualRun
from tests.unit.sidecar.test_services import Scripted, pauses


class Counting:
    """A service that steps every second, by its name one that a phase brings."""

    def __init__(self, name: str, every_s: float = 1.0) -> None:
        self.name = name
        self.every_s = every_s
        self.steps = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def step(self) -> float:
        self.steps += 1
        await self.goes_on.wait()
        return self.every_s

    def detail(self) -> Mapping[str, Any]:
        return {"steps": self.steps}


class Rig:
    """Supervision of such services, to be led through phases."""

    def __init__(self, *services: Counting) -> None:
        self.lines: list[str] = []
        self.services = services
        self.supervision = Supervision(services, self.lines.append)
        self.store = MemoryStore()
        self.heartbeats = Heartbeats("home", self.store, 10.0)
        self.heartbeats.watch(self.supervision.watched)

    async def __aenter__(self) -> "Rig":
        self._running = asyncio.create_task(self.supervision.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.supervision.stop()
        await self._running

    async def steps_in(self, phase: int | None, seconds: float = 10.5) -> list[int]:
        """Steps of each service in so many seconds of a phase."""
        before = [service.steps for service in self.services]
        if phase is not None:
            self.supervision.enter_phase(phase)
        await asyncio.sleep(seconds)
        return [service.steps - count for service, count in zip(self.services, before, strict=True)]

    async def beats(self) -> dict[str, tuple[str, dict[str, Any]]]:
        await self.heartbeats.step()
        return {beat.service: (beat.state, dict(beat.detail)) for beat in self.store.heartbeats.values()}


def test_a_service_runs_in_its_phases_alone(run_virtual: VirtualRun) -> None:
    async def main() -> list[str]:
        async with Rig(Counting("shipping"), Counting("predictor"), Counting("shadow")) as rig:
            assert await rig.steps_in(2) == [11, 0, 0]
            assert await rig.steps_in(3) == [10, 11, 0]
            assert await rig.steps_in(4) == [11, 10, 11]
            assert await rig.steps_in(3) == [10, 11, 0]
            assert await rig.steps_in(1) == [11, 0, 0]
            assert await rig.steps_in(3) == [10, 11, 0]
        return rig.lines

    assert run_virtual(main()) == [
        "predictor: stopped: begins in phase 3",
        "shadow: stopped: begins in phase 4",
        "shipping: running",
        "predictor: running",
        "shadow: running",
        "shadow: stopped: begins in phase 4",
        "predictor: stopped: begins in phase 3",
        "predictor: running",
        "shipping: stopped",
        "predictor: stopped",
    ]


def test_as_long_as_the_phase_is_not_known_only_what_runs_in_all_does(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        async with Rig(Counting("shipping"), Counting("predictor")) as rig:
            assert await rig.steps_in(None) == [11, 0]
            assert await rig.beats() == {
                "shipping": ("running", {"steps": 11}),
                "predictor": ("starting", {"steps": 0}),
            }
            assert rig.lines == ["shipping: running"]

    run_virtual(main())


def test_its_heartbeat_says_in_which_phase_a_service_stands_still(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        async with Rig(Counting("shipping"), Counting("predictor")) as rig:
            for phase in (1, 2):
                await rig.steps_in(phase, 0.1)
                assert (await rig.beats())["predictor"] == ("stopped", {"steps": 0, "phase": phase})
            assert (await rig.beats())["shipping"] == ("running", {"steps": 1})
            await rig.steps_in(3, 0.1)
            assert (await rig.beats())["predictor"] == ("running", {"steps": 1})

    run_virtual(main())


def test_a_phase_ends_a_pause_and_a_step_at_work_is_finished(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        predictor = Counting("predictor", every_s=3600.0)
        async with Rig(predictor) as rig:
            assert await rig.steps_in(3, 1) == [1]
            assert await rig.steps_in(2, 1) == [0]
            assert rig.supervision.watched[0].state is ServiceState.STOPPED, "it does not wait for its hour"
            predictor.goes_on.clear()
            assert await rig.steps_in(3, 1) == [1]
            rig.supervision.enter_phase(2)
            await asyncio.sleep(1)
            predictor.goes_on.set()
            await asyncio.sleep(1)
            assert rig.lines[-2:] == ["predictor: running", "predictor: stopped: begins in phase 3"]
            assert await rig.steps_in(3, 1) == [1]

    run_virtual(main())


def test_a_phase_hurries_no_other_service(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        async with Rig(Counting("retention", every_s=60.0), Counting("predictor", every_s=60.0)) as rig:
            assert await rig.steps_in(3, 1) == [1, 1]
            assert await rig.steps_in(4, 1) == [0, 0]
            assert await rig.steps_in(3, 1) == [0, 0]

    run_virtual(main())


def test_trouble_of_a_phase_before_is_forgotten(run_virtual: VirtualRun) -> None:
    async def main() -> list[float]:
        service = Scripted(*[StoreUnavailable("gone")] * 12)
        service.name = "predictor"
        supervision = Supervision([service], lambda line: None)
        running = asyncio.create_task(supervision.run())
        supervision.enter_phase(3)
        await asyncio.sleep(20)
        supervision.enter_phase(1)
        await asyncio.sleep(1)
        assert supervision.watched[0].trouble is None
        supervision.enter_phase(3)
        await asyncio.sleep(4)
        supervision.stop()
        await running
        return pauses(service)

    assert run_virtual(main())[-2:] == [1, 2], "tried anew at once"
