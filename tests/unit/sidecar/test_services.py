"""Supervision: what fails is told once, retried ever more slowly, shown, and stops nothing else."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from shared.domain.stored import ServiceState
from shared.ports import JournalError, StoreError, StoreUnavailable
from shared.sidecar.services import Supervision
from tests.conftest import VirtualRun


class Scripted:
    """A service that does, step by step, what it is told: raise this, or be done for so long."""

    name = "scripted"

    def __init__(self, *script: float | Exception) -> None:
        self.script = list(script)
        self.at_s: list[float] = []
        self.done = asyncio.Event()

    async def step(self) -> float:
        self.at_s.append(asyncio.get_running_loop().time())
        if not self.script:
            self.done.set()
            return 1.0
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    def detail(self) -> Mapping[str, Any]:
        return {}


async def play(*services: Scripted) -> tuple[Supervision, list[str]]:
    lines: list[str] = []
    supervision = Supervision(services, lines.append)
    running = asyncio.create_task(supervision.run())

    async def all_done() -> None:
        for service in services:
            await service.done.wait()

    done = asyncio.create_task(all_done())
    await asyncio.wait((running, done), return_when=asyncio.FIRST_COMPLETED)
    supervision.stop()
    done.cancel()
    await running
    return supervision, lines


def pauses(service: Scripted) -> list[float]:
    return [round(b - a, 3) for a, b in zip(service.at_s, service.at_s[1:], strict=False)]


def test_an_unreachable_store_is_told_once_and_tried_ever_more_slowly(run_virtual: VirtualRun) -> None:
    service = Scripted(0.5, *[StoreUnavailable("gone")] * 8, 0.5)
    _, lines = run_virtual(play(service))
    assert lines == ["scripted: running", "scripted: waiting: gone", "scripted: running", "scripted: stopped"]
    assert pauses(service) == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 0.5]


@pytest.mark.parametrize("error", [StoreError("refused"), JournalError("no journal")])
def test_what_waiting_does_not_mend_is_degraded(run_virtual: VirtualRun, error: Exception) -> None:
    _, lines = run_virtual(play(Scripted(error)))
    assert lines[0] == f"scripted: degraded: {error}"


def test_another_trouble_is_told_too(run_virtual: VirtualRun) -> None:
    _, lines = run_virtual(play(Scripted(StoreError("one"), StoreError("two"))))
    assert lines[:2] == ["scripted: degraded: one", "scripted: degraded: two"]


def test_retries_begin_anew_after_success(run_virtual: VirtualRun) -> None:
    service = Scripted(*[StoreUnavailable("gone")] * 3, 0.5, StoreUnavailable("gone"))
    run_virtual(play(service))
    assert pauses(service) == [1, 2, 4, 0.5, 1]


def test_one_service_in_trouble_stops_no_other(run_virtual: VirtualRun) -> None:
    troubled, sound = Scripted(*[StoreError("no")] * 5), Scripted(*[0.1] * 20)
    run_virtual(play(troubled, sound))
    assert pauses(sound)[:20] == [0.1] * 20


def test_a_defect_ends_the_sidecar(run_virtual: VirtualRun) -> None:
    with pytest.raises(ExceptionGroup) as raised:
        run_virtual(play(Scripted(KeyError("defect")), Scripted(*[0.1] * 1000)))
    assert raised.group_contains(KeyError)


def test_stopping_does_not_wait_for_a_pause(run_virtual: VirtualRun) -> None:
    async def main() -> float:
        service = Scripted(3600.0)
        supervision = Supervision([service], lambda line: None)
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(1)
        supervision.stop()
        await running
        assert supervision.watched[0].state is ServiceState.STOPPED
        return asyncio.get_running_loop().time() - service.at_s[0]

    assert run_virtual(main()) == pytest.approx(1, abs=0.01)
