"""Supervision: services whose step lasts until it is cancelled."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from shared.domain.stored import ServiceState
from shared.ports import FeedUnavailable, StoreUnavailable
from shared.sidecar.care import LASTING, Care
from shared.sidecar.services import Supervision, Watched
from tests.conftest import VirtualRun


class Lasting:
    """A service that lasts so long each time, then raises; the last time until it is cancelled."""

    def __init__(self, *script: tuple[float, Exception], name: str = "feeds", takes_s: float = 0.0) -> None:
        self.name = name
        self.script = list(script)
        self.takes_s = takes_s
        self.began_s: list[float] = []
        self.ended_s: list[float] = []

    async def step(self) -> float:
        self.began_s.append(_now_s())
        try:
            if not self.script:
                await asyncio.Event().wait()
            lasts_s, error = self.script.pop(0)
            await asyncio.sleep(lasts_s)
            raise error
        finally:
            await asyncio.sleep(self.takes_s)
            self.ended_s.append(_now_s())

    def detail(self) -> Mapping[str, Any]:
        return {}


def _now_s() -> float:
    return round(asyncio.get_running_loop().time(), 2)


def supervised(service: Lasting, care: Care = LASTING) -> tuple[Supervision, list[str]]:
    lines: list[str] = []
    return Supervision([Watched(service, care)], lines.append), lines


def test_it_is_running_once_it_has_been_at_work_for_a_while(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        supervision, lines = supervised(Lasting())
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(4.9)
        assert supervision.watched[0].state is ServiceState.STARTING
        await asyncio.sleep(0.2)
        assert supervision.watched[0].state is ServiceState.RUNNING
        supervision.stop()
        await running
        assert lines == ["feeds: running", "feeds: stopped"]

    run_virtual(main())


def test_one_that_fails_before_it_has_settled_is_tried_ever_more_slowly(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        gone, later = StoreUnavailable("gone"), FeedUnavailable("gone")
        service = Lasting((1, gone), (1, gone), (1, later), (100, gone))
        supervision, lines = supervised(service)
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(120)
        supervision.stop()
        await running
        assert service.began_s == pytest.approx([0, 2, 5, 10, 111], abs=0.05), "after 100 s at work the row begins anew"
        assert lines == [
            "feeds: waiting: gone",
            "feeds: running",
            "feeds: waiting: gone",
            "feeds: running",
            "feeds: stopped",
        ]

    run_virtual(main())


@pytest.mark.parametrize(("care", "ends_s"), [(LASTING, 15), (Care(grace_s=0.5), 10.5)])
def test_stop_cancels_it_after_its_grace(run_virtual: VirtualRun, care: Care, ends_s: float) -> None:
    async def main() -> None:
        service = Lasting(takes_s=2.0)
        supervision, _ = supervised(service, care)
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(10)
        supervision.stop()
        await running
        assert service.ended_s == pytest.approx([ends_s + 2.0], abs=0.05), "and waits for its end"
        assert (supervision.watched[0].state, supervision.watched[0].defects) == (ServiceState.STOPPED, 0)

    run_virtual(main())


def test_a_step_without_a_grace_is_never_cancelled(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        service = Lasting((3600, StoreUnavailable("gone")))
        supervision, _ = supervised(service, Care())
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(1)
        supervision.stop()
        await running
        assert service.ended_s == pytest.approx([3600], abs=0.05)

    run_virtual(main())


def test_a_phase_it_does_not_run_in_ends_it_too(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        service = Lasting(name="predictor")
        supervision, lines = supervised(service)
        running = asyncio.create_task(supervision.run())
        supervision.enter_phase(3)
        await asyncio.sleep(10)
        supervision.enter_phase(2)
        await asyncio.sleep(10)
        assert service.ended_s == pytest.approx([15], abs=0.05)
        supervision.enter_phase(3)
        await asyncio.sleep(10)
        supervision.stop()
        await running
        assert lines[:3] == ["predictor: running", "predictor: stopped: begins in phase 3", "predictor: running"]

    run_virtual(main())


def test_a_phase_that_comes_back_within_the_grace_lets_it_go_on(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        service = Lasting(name="predictor")
        supervision, lines = supervised(service)
        running = asyncio.create_task(supervision.run())
        for phase, seconds in ((3, 10), (2, 3), (3, 100)):
            supervision.enter_phase(phase)
            await asyncio.sleep(seconds)
        assert service.ended_s == []
        supervision.stop()
        await running
        assert lines == ["predictor: running", "predictor: stopped"]

    run_virtual(main())


def test_a_supervision_that_is_cancelled_leaves_nothing_running(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        service = Lasting(takes_s=1.0)
        supervision, _ = supervised(service)
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert service.ended_s == pytest.approx([11], abs=0.05)

    run_virtual(main())
