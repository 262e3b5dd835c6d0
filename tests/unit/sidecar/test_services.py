"""Supervision: what fails is told once, retried ever more slowly, shown, and stops nothing else."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from shared.domain.stored import ServiceState
from shared.ports import FeedError, FeedRefused, FeedUnavailable, JournalError, StoreError, StoreUnavailable
from shared.sidecar.services import Supervision
from tests.conftest import VirtualRun


class Scripted:
    """A service that does, step by step, what it is told: raise this, or be done for so long."""

    name = "scripted"

    def __init__(self, *script: float | BaseException) -> None:
        self.script = list(script)
        self.at_s: list[float] = []
        self.done = asyncio.Event()

    async def step(self) -> float:
        self.at_s.append(asyncio.get_running_loop().time())
        if not self.script:
            self.done.set()
            return 1.0
        said = self.script.pop(0)
        if isinstance(said, BaseException):
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


@pytest.mark.parametrize(
    ("error", "state"),
    [(FeedUnavailable("not now"), "waiting"), (FeedRefused("a wrong key"), "degraded")],
)
def test_trouble_of_a_feed_is_trouble(run_virtual: VirtualRun, error: FeedError, state: str) -> None:
    _, lines = run_virtual(play(Scripted(error)))
    assert lines[:2] == [f"scripted: {state}: {error}", "scripted: running"]


def test_a_source_is_given_the_time_it_asks_for_within_reason(run_virtual: VirtualRun) -> None:
    service = Scripted(*(FeedUnavailable("busy", asked_s) for asked_s in (30.0, 0.5, 1e9)))
    run_virtual(play(service))
    assert pauses(service) == [30, 2, 900]


def test_a_group_of_nothing_but_trouble_is_trouble(run_virtual: VirtualRun) -> None:
    group = BaseExceptionGroup("", [ExceptionGroup("", [StoreUnavailable("gone")]), FeedUnavailable("not now")])
    supervision, lines = run_virtual(play(Scripted(group)))
    assert lines[0] == "scripted: waiting: gone"
    assert supervision.watched[0].defects == 0


# Defects.


def test_a_defect_is_logged_and_its_service_restarted(
    run_virtual: VirtualRun, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = Scripted(KeyError("price"), KeyError("price"), 0.5), Scripted(*[0.1] * 50)
    supervision, lines = run_virtual(play(broken, sound))
    told = "scripted: waiting: a defect, restarted: KeyError: 'price'"
    assert [line for line in lines if "defect" in line] == [told], "told once"
    assert pauses(broken)[:3] == [1, 2, 0.5]
    assert pauses(sound)[:50] == [0.1] * 50
    assert supervision.watched[0].defects == 2
    assert caplog.text.count("Traceback") == 2


def test_one_with_defects_alone_stands_degraded_until_its_span_has_passed(
    run_virtual: VirtualRun, caplog: pytest.LogCaptureFixture
) -> None:
    service = Scripted(*[RuntimeError("broken\n  beyond repair")] * 7)
    _, lines = run_virtual(play(service))
    assert lines[:2] == [
        "scripted: waiting: a defect, restarted: RuntimeError: broken beyond repair",
        "scripted: degraded: a defect after 5 restarts within 600 s: RuntimeError: broken beyond repair",
    ]
    assert pauses(service)[:5] == [1, 2, 4, 8, 16]
    assert pauses(service)[5] == pytest.approx(600 - 30, abs=0.01), "the first restart has left the span"
    assert lines[-2:] == ["scripted: running", "scripted: stopped"]


def test_a_defect_in_a_group_is_one(run_virtual: VirtualRun, caplog: pytest.LogCaptureFixture) -> None:
    group = ExceptionGroup("two", [StoreUnavailable("gone"), KeyError("price")])
    supervision, lines = run_virtual(play(Scripted(group)))
    assert lines[0] == "scripted: waiting: a defect, restarted: ExceptionGroup: two (2 sub-exceptions)"
    assert "KeyError: 'price'" in caplog.text, "with what is in it"
    assert supervision.watched[0].defects == 1


def test_a_step_cancelled_from_within_is_a_defect(run_virtual: VirtualRun, caplog: pytest.LogCaptureFixture) -> None:
    class Cancelling(Scripted):
        async def step(self) -> float:
            self.at_s.append(asyncio.get_running_loop().time())
            if len(self.at_s) > 1:
                self.done.set()
                return 1.0
            raise asyncio.CancelledError

    supervision, lines = run_virtual(play(Cancelling()))
    assert lines[0] == "scripted: waiting: a defect, restarted: CancelledError: from within"
    assert supervision.watched[0].defects == 1


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
