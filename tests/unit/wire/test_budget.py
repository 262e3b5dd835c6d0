"""So many times within any stretch of time."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.budget import Budget


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60), st.integers(1, 5))
def test_no_window_holds_more_than_the_limit(waits: list[float], limit: int) -> None:
    budget = Budget(limit, 60.0)
    now_s, spent = 0.0, []
    for wait in waits:
        now_s = max(now_s + wait, budget.free_s())
        budget.spend(now_s)
        spent.append(now_s)
    assert all(later - earlier >= 60.0 - 1e-6 for earlier, later in zip(spent, spent[limit:], strict=False))
    assert all(earlier <= later for earlier, later in pairwise(spent))


@pytest.mark.parametrize(("limit", "window_s"), [(0, 1.0), (1, 0.0)])
def test_a_budget_of_nothing_is_none(limit: int, window_s: float) -> None:
    with pytest.raises(ValueError, match="a budget of"):
        Budget(limit, window_s)
