"""Rests after failures: ever longer ones in a row, and restarts within their budget whatever happens."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.sidecar.care import Care, Rest


@given(
    restarts=st.integers(1, 6),
    lasts_s=st.lists(st.floats(0, 400, allow_nan=False), max_size=60),
    settled=st.sets(st.integers(0, 60)),
)
def test_restarts_stay_within_their_budget(restarts: int, lasts_s: list[float], settled: set[int]) -> None:
    care = Care(restarts=restarts, restarts_within_s=300.0)
    rest, now_s, at_s = Rest(care), 0.0, []
    for number, seconds in enumerate(lasts_s):
        now_s += seconds
        if number in settled:
            rest.settle()
        pause_s, _ = rest.after_defect_s(now_s)
        assert pause_s >= care.first_retry_s
        now_s += pause_s
        at_s.append(now_s)
    for first, beyond in zip(at_s, at_s[restarts:], strict=False):
        assert beyond - first >= care.restarts_within_s - 1e-6


@given(st.integers(1, 30))
def test_rests_in_a_row_grow_up_to_the_last(count: int) -> None:
    rest = Rest(Care(first_retry_s=0.5, last_retry_s=20.0))
    rests_s = [rest.after_trouble_s() for _ in range(count)]
    assert rests_s[0] == 0.5
    assert all(b == min(2 * a, 20.0) for a, b in pairwise(rests_s))
    rest.settle()
    assert rest.after_trouble_s() == 0.5


def test_what_was_stopped_begins_with_all_its_restarts() -> None:
    rest = Rest(Care(restarts=1))
    rest.after_defect_s(0.0)
    assert rest.after_defect_s(2.0) == (599.0, True)
    rest.forget()
    assert rest.after_defect_s(3.0) == (1.0, False)
