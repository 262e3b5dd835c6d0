"""Names beside what they name: never over one another, in order, and no further away than need be."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cli.trade_labels import spread

places = st.lists(st.floats(0, 1), max_size=15).map(sorted)


@given(places)
def test_no_two_overlap_and_all_are_in_sight(wanted: list[float]) -> None:
    spaced = spread(wanted, 0.05)
    assert len(spaced) == len(wanted)
    assert all(later - earlier >= 0.05 - 1e-9 for earlier, later in pairwise(spaced))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in spaced)


@given(st.lists(st.integers(0, 10), unique=True).map(sorted))
def test_what_has_room_stays_where_it_is(tenths: list[int]) -> None:
    wanted = [tenth / 10 for tenth in tenths]
    assert spread(wanted, 0.1) == pytest.approx(wanted)


def test_a_crowd_makes_room_to_both_sides() -> None:
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.0, 0.0, 0.9], 0.1) == pytest.approx([0.0, 0.1, 0.9])
    assert spread([0.3, 1.0, 1.0], 0.1) == pytest.approx([0.3, 0.9, 1.0])
    assert spread([], 0.1) == []
