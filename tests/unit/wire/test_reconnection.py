"""Waits grow while connections come to nothing, and only a connection that proved itself makes them short again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.reconnection import Reconnection


def after(reconnection: Reconnection, now_s: float, *, life_s: float, is_fed: bool) -> float:
    """The wait after a connection of that life."""
    reconnection.connecting(now_s)
    reconnection.opened(now_s)
    if is_fed:
        reconnection.fed()
    return reconnection.lost(now_s + life_s) - (now_s + life_s)


def test_waits_double_up_to_the_longest() -> None:
    reconnection = Reconnection(random.Random(1), connections=1000)
    waits = [after(reconnection, at_s * 100.0, life_s=1.0, is_fed=False) for at_s in range(12)]
    for number, wait in enumerate(waits, start=1):
        longest = min(60.0, 2.0**number)
        assert longest / 2 <= wait <= longest


@pytest.mark.parametrize(
    ("life_s", "is_fed", "is_proof"), [(9.9, True, False), (3600.0, False, False), (10.0, True, True)]
)
def test_only_ten_seconds_of_life_and_data_are_proof(life_s: float, is_fed: bool, is_proof: bool) -> None:
    reconnection = Reconnection(random.Random(1), connections=1000)
    for number in range(5):
        after(reconnection, number * 10.0, life_s=1.0, is_fed=False)
    wait = after(reconnection, 100.0, life_s=life_s, is_fed=is_fed)
    assert (wait <= 1.0) == is_proof
    assert reconnection.failures == (0 if is_proof else 6)


def test_a_connection_left_for_a_better_one_is_replaced_at_once_if_it_was_worth_anything() -> None:
    reconnection = Reconnection(random.Random(1))
    reconnection.connecting(0.0)
    reconnection.opened(0.0)
    reconnection.fed()
    assert reconnection.left(20.0) == 20.0
    reconnection.connecting(20.0)
    reconnection.opened(20.0)
    assert reconnection.left(21.0) >= 22.0


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans(), st.booleans()), max_size=60), st.integers(0, 2**32))
def test_never_more_than_six_connections_a_minute(lives: list[tuple[float, bool, bool]], seed: int) -> None:
    reconnection = Reconnection(random.Random(seed))
    now_s, opened = 0.0, []
    for life_s, is_fed, is_left in lives:
        reconnection.connecting(now_s)
        opened.append(now_s)
        reconnection.opened(now_s)
        if is_fed:
            reconnection.fed()
        ended_s = now_s + life_s
        now_s = reconnection.left(ended_s) if is_left else reconnection.lost(ended_s)
        assert now_s >= ended_s
    assert all(later - earlier >= 60.0 - 1e-6 for earlier, later in zip(opened, opened[6:], strict=False))
