"""The lease's service: of several holders, whatever happens between them and the store, never two may connect."""

import asyncio
import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.memory_leases import MemoryLeases
from shared.domain.lease import Lease
from shared.ports import StoreError, StoreUnavailable
from shared.sidecar.lease import LEASE_CARE, LeaseService, account_of, new_holder
from shared.sidecar.services import Supervision, Watched
from shared.simulator.egress import EgressGuard
from shared.simulator.virtual_time import VirtualClock, VirtualEventLoop, virtual_time
from tests.conftest import START_S, VirtualRun
from tests.unit.sidecar.lease_world import Line, Sidecar, World, now_s

TAKEOVER_S = 30.0


async def pair() -> tuple[World, Sidecar, Sidecar]:
    """A holder, and one who waits."""
    world = World()
    holder = world.sidecar("holder")
    await asyncio.sleep(1)
    waiter = world.sidecar("waiter")
    await asyncio.sleep(60)
    assert world.allowed == {"holder"}
    return world, holder, waiter


def test_one_of_two_is_allowed_and_stays_so(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        world, holder, waiter = await pair()
        await asyncio.sleep(600)
        assert [allowed for _, allowed in world.history] == [frozenset(), frozenset({"holder"}), frozenset({"holder"})]
        assert holder.service.detail() == {"held": True, "losses": 0}
        assert waiter.service.detail() == {"held": False, "losses": 0}
        assert holder.lines == waiter.lines == ["lease: running"]

    run_virtual(main())


def test_the_killed_ones_right_is_taken_over(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        world, holder, _ = await pair()
        for phase_s in (0.0, 1.3, 2.6, 4.9):
            await asyncio.sleep(phase_s)
            killed_s = now_s()
            await holder.kill()
            other = next(sidecar for sidecar in world.sidecars[::-1] if sidecar is not holder)
            await asyncio.sleep(TAKEOVER_S)
            assert world.allowed == {other.name}
            assert world.since(killed_s, other.name) <= 20.1, "what is left of the lease, and a pause"
            world.sidecars.remove(holder)
            holder, _ = other, world.sidecar(f"waiter after {phase_s}")
            await asyncio.sleep(10)
        assert world.never_two()

    run_virtual(main())


def test_one_that_is_stopped_leaves_it_at_once(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        world, holder, waiter = await pair()
        stopped_s = now_s()
        await holder.stop()
        await asyncio.sleep(10)
        assert world.allowed == {"waiter"}
        assert world.since(stopped_s, waiter.name) <= 5.1
        assert world.never_two()

    run_virtual(main())


def test_one_that_is_cut_off_stops_before_another_may_begin(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        world, holder, waiter = await pair()
        cut_s = now_s()
        holder.line.is_cut = True
        await asyncio.sleep(TAKEOVER_S)
        assert world.allowed == {"waiter"}
        ended_s = next(at for at, allowed in world.history if at > cut_s and "holder" not in allowed)
        assert world.since(cut_s, waiter.name) - (ended_s - cut_s) >= 2.9, "the margin, to hang up in"
        assert holder.lines[-1] == "lease: waiting: the lease: no answer within 4 s"
        holder.line.is_cut = False
        await asyncio.sleep(60)
        assert world.allowed == {"waiter"}
        assert holder.lines[-1] == "lease: running"
        assert world.never_two()

    run_virtual(main())


def test_the_right_is_counted_from_before_it_was_asked_for(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        told: list[tuple[float, bool]] = []
        line = Line(MemoryLeases())
        began_s = now_s()
        service = LeaseService(line, "account", "holder", lambda allowed: told.append((now_s() - began_s, allowed)))
        line.back_s = 3.9
        await service.step()
        await asyncio.sleep(60)
        assert told == [(0.0, False), (pytest.approx(3.91, abs=0.01), True), (pytest.approx(10, abs=0.01), False)]

    run_virtual(main())


@pytest.mark.parametrize("way", ["there_s", "back_s"])
def test_a_slow_store_costs_the_right_and_gives_it_to_nobody_twice(run_virtual: VirtualRun, way: str) -> None:
    async def main() -> None:
        world, *sidecars = await pair()
        for sidecar in sidecars:
            setattr(sidecar.line, way, 5.0)
        await asyncio.sleep(120)
        assert world.allowed == frozenset()
        for sidecar in sidecars:
            setattr(sidecar.line, way, 3.5)
        await asyncio.sleep(TAKEOVER_S)
        assert len(world.allowed) == 1, "slow, but in time"
        assert world.never_two()

    run_virtual(main())


def test_a_store_that_is_away_is_asked_again_often_enough(run_virtual: VirtualRun) -> None:
    class Away(MemoryLeases):
        is_away = False

        async def acquire(self, account: str, holder: str, ttl_s: float) -> Lease | None:
            if self.is_away:
                raise StoreUnavailable("gone")
            return await super().acquire(account, holder, ttl_s)

        async def renew(self, lease: Lease, ttl_s: float) -> bool:
            if self.is_away:
                raise StoreUnavailable("gone")
            return await super().renew(lease, ttl_s)

    async def main() -> None:
        told: list[bool] = []
        leases = Away()
        service = LeaseService(leases, "account", "holder", told.append)
        supervision = Supervision([Watched(service, LEASE_CARE)], lambda line: None)
        running = asyncio.create_task(supervision.run())
        await asyncio.sleep(10)
        leases.is_away = True
        await asyncio.sleep(600)
        assert told == [False, True, False]
        leases.is_away = False
        await asyncio.sleep(5.1)
        assert told == [False, True, False, True]
        supervision.stop()
        await running

    run_virtual(main())


def test_a_machine_that_slept_has_lost_it(run_virtual: VirtualRun, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        told: list[bool] = []
        service = LeaseService(MemoryLeases(), "account", "holder", told.append)
        await service.step()
        wall = time.time
        # Undone before the virtual clock ends: undone after it, its clock would stay for every later test.
        with monkeypatch.context() as slept:
            slept.setattr(time, "time", lambda: wall() + 3600)
            await service.step()
        assert told == [False, True, False, True], "hung up, and connected anew by a lease of its own"
        assert service.detail()["losses"] == 1

    run_virtual(main())


def test_what_another_one_took_is_not_ours(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        told: list[bool] = []
        leases = MemoryLeases()
        service = LeaseService(leases, "account", "holder", told.append)
        await service.step()
        # As after a store was brought back from a backup.
        leases._held.clear()
        assert await leases.acquire("account", "other", 600)
        assert await service.step() == 0.0
        assert told == [False, True, False]
        assert await service.step() == 5.0

    run_virtual(main())


def test_giving_back_what_cannot_be_told_is_an_error_and_ends_the_right(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        told: list[bool] = []
        line = Line(MemoryLeases())
        service = LeaseService(line, "account", "holder", told.append)
        await service.step()
        line.is_cut = True
        with pytest.raises(StoreError, match="no answer within 4 s"):
            await service.close()
        assert told == [False, True, False]

    run_virtual(main())


@st.composite
def weathers(draw: st.DrawFn) -> list[tuple[float, int, str, float]]:
    """What happens, when, to whom: seconds before it, a sidecar, what, and how slow."""
    what = st.sampled_from(["slow there", "slow back", "cut", "mended", "killed", "stopped"])
    return draw(
        st.lists(st.tuples(st.floats(0.0, 20.0), st.integers(0, 2), what, st.floats(0.0, 9.0)), min_size=1, max_size=12)
    )


async def live_through(weather: Sequence[tuple[float, int, str, float]], seed: int) -> World:
    order = random.Random(seed)
    world = World()
    for number in range(3):
        world.sidecar(str(number))
        await asyncio.sleep(order.uniform(0, 5))
    for pause_s, number, what, delay_s in weather:
        await asyncio.sleep(pause_s)
        sidecar = world.sidecars[number]
        if what == "slow there":
            sidecar.line.there_s = delay_s
        elif what == "slow back":
            sidecar.line.back_s = delay_s
        elif what in ("cut", "mended"):
            sidecar.line.is_cut = what == "cut"
        else:
            if what == "killed":
                await sidecar.kill()
            else:
                await asyncio.gather(sidecar.stop(), return_exceptions=True)
            # Another process in its place.
            world.sidecars[number] = Sidecar(sidecar.name, Line(world.leases), world).start()
    for sidecar in world.sidecars:
        sidecar.line.there_s = sidecar.line.back_s = 0.01
        sidecar.line.is_cut = False
    await asyncio.sleep(TAKEOVER_S)
    return world


@given(weather=weathers(), seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_whatever_happens_never_two_are_allowed_and_in_the_end_one(
    weather: list[tuple[float, int, str, float]], seed: int
) -> None:
    clock = VirtualClock(START_S, None)
    with virtual_time(clock):
        work = live_through(weather, seed)
        world = asyncio.run(work, loop_factory=lambda: VirtualEventLoop(clock, EgressGuard()))
    assert world.never_two(), world.history
    assert len(world.allowed) == 1


def test_an_account_is_told_by_a_fingerprint_and_a_holder_by_a_name_of_its_own() -> None:
    account = account_of("a-secret-key")
    assert len(account) == 16
    assert account == account_of("a-secret-key") != account_of("another")
    assert "secret" not in account
    names = {new_holder("home") for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("home@") for name in names)


def test_a_right_that_nobody_uses_is_left_to_others_once_the_connection_is_gone(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        leases, told = MemoryLeases(), []
        needs = {"connection": False}
        idle = LeaseService(leases, "account", "idle", told.append, is_needed=lambda: needs["connection"])
        other = LeaseService(leases, "account", "other", lambda _: None)
        assert await idle.step() == 1.0
        assert told == [False], "nothing was asked for"
        needs["connection"] = True
        await idle.step()
        assert told == [False, True]
        needs["connection"] = False
        for _ in range(5):
            await idle.step()
            await other.step()
            assert not other.detail()["held"], "its socket may still be there"
            await asyncio.sleep(0.9)
        await asyncio.sleep(1)
        await idle.step()
        assert told == [False, True, False]
        await other.step()
        assert other.detail()["held"]

    run_virtual(main())
