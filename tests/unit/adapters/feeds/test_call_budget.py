"""The budget of calls: never more than allowed within any minute, and no longer a wait than that takes."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters.feeds.call_budget import CallBudget
from tests.virtual import on_virtual_clock


async def sent_at(budget: CallBudget, weights: list[int]) -> list[float]:
    """When each call went out; all asked at once."""
    loop = asyncio.get_running_loop()
    times: list[float] = []

    async def call(weight: int) -> None:
        await budget.take(weight)
        times.append(loop.time())

    await asyncio.gather(*(call(weight) for weight in weights))
    return times


@settings(max_examples=50, deadline=None)
@given(st.integers(5, 20), st.lists(st.integers(1, 5), min_size=1, max_size=40))
def test_no_minute_has_more_than_allowed(per_minute: int, weights: list[int]) -> None:
    times = on_virtual_clock(sent_at(CallBudget(per_minute), weights))
    assert len(times) == len(weights)
    assert all(earlier <= later for earlier, later in pairwise(times)), "first come, first served"
    for begin in times:
        assert sum(weight for at, weight in zip(times, weights, strict=True) if begin <= at < begin + 60) <= per_minute
    # Each minute but the last is used but for less than one call: nobody waits for nothing.
    assert times[-1] <= 61 * (sum(weights) // (per_minute - 4)) + 1


def test_who_gave_up_waiting_has_taken_nothing() -> None:
    async def scenario() -> float:
        budget = CallBudget(1)
        await budget.take()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await budget.take()
        await budget.take()
        return asyncio.get_running_loop().time()

    assert on_virtual_clock(scenario()) == pytest.approx(61, abs=0.1)


def test_what_other_programs_use_counts() -> None:
    async def scenario() -> float:
        budget = CallBudget(100, ceiling=6000)
        await budget.take(2)
        budget.observe(5_999)
        await budget.take(2)
        return asyncio.get_running_loop().time()

    assert on_virtual_clock(scenario()) == pytest.approx(61, abs=0.1)


def test_what_it_sent_itself_counts_once() -> None:
    async def scenario() -> float:
        budget = CallBudget(100, ceiling=100)
        for call in range(1, 11):
            await budget.take(10)
            budget.observe(call * 10)
        return asyncio.get_running_loop().time()

    assert on_virtual_clock(scenario()) == 0


def test_what_can_never_be_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="weight = 6: must be at most 5"):
        on_virtual_clock(CallBudget(5).take(6))
    with pytest.raises(ValueError, match="per_minute = 0"):
        CallBudget(0)
    with pytest.raises(ValueError, match="per_minute = 7000"):
        CallBudget(7000, ceiling=6000)
