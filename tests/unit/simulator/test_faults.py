"""The engine: when a fault is in force, what it hits, and how often."""

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.simulator.fault_kinds import SHAPES, Evict, Kind, Moment, Part, Where
from shared.simulator.faults import Fault, FaultError, Faults
from tests.conftest import VirtualRun

CLOSE = (Kind.CLOSE,)


def fault(kind: Kind = Kind.STATUS, where: Where = Where.BINANCE, **fields: object) -> Fault:
    return Fault(where=where, kind=kind, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_can_be_had_of_each_of_its_sources_and_has_its_options_defaults(kind: Kind) -> None:
    shape = SHAPES[kind]
    for where in shape.where:
        made = Fault(where=where, kind=kind)
        assert made.parts == shape.parts
        assert {name: getattr(made, name) for name in shape.options} == dict(shape.options)


def test_no_kind_is_without_a_source_a_part_and_known_options() -> None:
    options = {"moment", "code", "status", "retry_after_s", "delay_s", "skew_s", "evict", "size_bytes"}
    assert set(SHAPES) == set(Kind)
    assert all(shape.where and shape.parts and shape.options.keys() <= options for shape in SHAPES.values())


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: fault(Kind.SERVER_SHUTDOWN, Where.POLYGON), "where = polygon: server_shutdown is a fault of binance"),
        (lambda: fault(Kind.STATUS, part=Part.STREAM), "part = stream: status is a fault of the rest"),
        (lambda: fault(Kind.STALL, code=1000), "code = 1000: stall has no such option; it has no options"),
        (lambda: fault(Kind.CLOSE, status=500), "status = 500: close has no such option; its options are moment, code"),
        (lambda: fault(Kind.DOWN, times=2), "times = 2: down hits nothing that could be counted; say for_s"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(made: object, said: str) -> None:
    with pytest.raises(FaultError) as refused:
        made()  # type: ignore[operator]
    assert str(refused.value) == said


def test_a_fault_is_in_force_from_its_beginning_to_its_end(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        injection = faults.add(fault(after_s=10, for_s=5))
        seen = []
        for _ in range(20):
            seen.append(injection.is_in_force)
            await asyncio.sleep(1)
        assert seen == [False] * 10 + [True] * 5 + [False] * 5
        assert injection.is_over
        assert injection.is_spent

    run_virtual(run())


def test_at_a_moment_of_the_clock(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        faults.add(fault(at_ms=int(time.time() * 1000) + 3000))
        assert faults.peek(Where.BINANCE, Part.REST, [Kind.STATUS]) is None
        await asyncio.sleep(3)
        assert faults.peek(Where.BINANCE, Part.REST, [Kind.STATUS]) is not None

    run_virtual(run())


def test_a_fault_hits_once_unless_told_otherwise_and_looking_is_no_hit(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        faults.add(fault())
        for _ in range(3):
            assert faults.peek(Where.BINANCE, Part.REST, [Kind.STATUS])
        assert faults.take(Where.BINANCE, Part.REST, [Kind.STATUS])
        assert faults.take(Where.BINANCE, Part.REST, [Kind.STATUS]) is None
        faults.add(fault(for_s=60))
        assert all(faults.take(Where.BINANCE, Part.REST, [Kind.STATUS]) for _ in range(50))

    run_virtual(run())


@given(times=st.integers(1, 20), asked=st.integers(0, 40))
def test_what_is_counted_hits_so_often_and_no_more(times: int, asked: int) -> None:
    async def run() -> None:
        faults = Faults()
        faults.add(fault(times=times))
        hits = [faults.take(Where.BINANCE, Part.REST, [Kind.STATUS]) for _ in range(asked)]
        assert sum(hit is not None for hit in hits) == min(times, asked)

    asyncio.run(run())


def test_a_fault_hits_nothing_but_its_source_part_kind_symbol_and_moment(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        faults.add(fault(Kind.CLOSE, symbol="BTC-USDT", moment=Moment.AUTH))
        hit = (Where.BINANCE, Part.STREAM, CLOSE, ["BTC-USDT", "ETH-USDT"], Moment.AUTH)
        for place, other in enumerate((Where.POLYGON, Part.REST, (Kind.STALL,), ["ETH-USDT"], Moment.STREAM)):
            assert faults.peek(*(other if at == place else one for at, one in enumerate(hit))) is None  # type: ignore[arg-type]
        assert faults.peek(*hit[:3], moment=Moment.AUTH) is None  # about no symbol at all
        assert faults.peek(*hit)

    run_virtual(run())


def test_the_oldest_comes_first(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        numbers = [faults.add(fault(status=status)).number for status in (418, 429)]
        taken = [faults.take(Where.BINANCE, Part.REST, [Kind.STATUS]) for _ in numbers]
        assert [one.number for one in taken if one] == numbers

    run_virtual(run())


def test_a_fault_that_begins_is_told_to_its_source_alone(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults([fault(Kind.CLOSE, Where.POLYGON, after_s=5)])
        told: list[tuple[str, float]] = []
        started_s = time.time()
        unwatch = faults.watch(Where.POLYGON, lambda: told.append(("polygon", round(time.time() - started_s))))
        faults.watch(Where.BINANCE, lambda: told.append(("binance", 0)))
        faults.start()
        faults.start()
        await asyncio.sleep(10)
        assert told == [("polygon", 5)]
        unwatch()
        unwatch()
        faults.add(fault(Kind.CLOSE, Where.POLYGON))
        await asyncio.sleep(1)
        assert told == [("polygon", 5)]

    run_virtual(run())


@pytest.mark.parametrize("end", ["lift", "stop"])
def test_what_was_lifted_or_stopped_never_begins(run_virtual: VirtualRun, end: str) -> None:
    async def run() -> None:
        faults = Faults()
        told: list[None] = []
        faults.watch(Where.POLYGON, lambda: told.append(None))
        number = faults.add(fault(Kind.CLOSE, Where.POLYGON, after_s=5)).number
        assert faults.lift(number) if end == "lift" else faults.stop() is None
        await asyncio.sleep(10)
        assert not told

    run_virtual(run())


def test_lifting(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        kept = [faults.add(fault(for_s=60)) for _ in range(3)]
        assert faults.lift(kept[0].number)
        assert not faults.lift(99)
        assert [one.is_over for one in kept] == [True, False, False]
        faults.lift_all()
        assert all(one.is_over for one in kept)
        assert faults.listed() == kept

    run_virtual(run())


def test_spent_faults_make_room_and_no_more_are_taken_than_fit(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        for _ in range(10_000):
            faults.add(fault(after_s=60))
        with pytest.raises(FaultError, match="lift some first"):
            faults.add(fault())
        faults.lift_all()
        faults.add(fault())
        assert len(faults.listed()) == 1

    run_virtual(run())


def test_a_clock_that_is_wrong(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        faults = Faults()
        assert faults.skew_s(Where.POLYGON, Part.REST) == 0
        faults.add(fault(Kind.CLOCK_SKEW, Where.POLYGON, skew_s=-7.5))
        assert faults.skew_s(Where.POLYGON, Part.REST) == -7.5
        assert faults.skew_s(Where.BINANCE, Part.REST) == 0

    run_virtual(run())


def test_words_of_a_script_are_those_of_the_kinds() -> None:
    assert fault(Kind.EVICTION, Where.POLYGON).evict == Evict.NEWEST
