"""The exact bounds of a rate, held against another implementation of Clopper and Pearson."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binomtest

from shared.domain.proportions import lower_bound, successes_needed, upper_bound

counts = st.integers(1, 2000).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@given(count=counts, error=st.sampled_from([0.1, 0.05, 0.01]))
def test_the_bounds_are_those_of_the_exact_test(count: tuple[int, int], error: float) -> None:
    failures, trials = count
    for side, bound in (("less", upper_bound), ("greater", lower_bound)):
        interval = binomtest(failures, trials, alternative=side).proportion_ci(1 - error, "exact")
        expected = interval.high if side == "less" else interval.low
        assert bound(failures, trials, error) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(count=counts)
def test_the_upper_bound_is_the_quantile_of_the_beta_distribution(count: tuple[int, int]) -> None:
    failures, trials = count
    if failures < trials:
        expected = beta.ppf(0.95, failures + 1, trials - failures)
        assert upper_bound(failures, trials) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("failures", "enough"), [(0, 59), (1, 93), (2, 124)])
def test_the_orders_of_the_issue(failures: int, enough: int) -> None:
    assert upper_bound(failures, enough) < 0.05
    assert upper_bound(failures, enough - 1) >= 0.05


def test_nothing_tried_says_nothing() -> None:
    assert upper_bound(0, 0) == 1.0
    assert lower_bound(0, 0) == 0.0
    assert upper_bound(7, 7) == 1.0


@given(failures=st.integers(0, 40), successes=st.integers(0, 300), below=st.sampled_from([0.01, 0.05, 0.3]))
def test_needed_is_the_least_that_suffices(failures: int, successes: int, below: float) -> None:
    trials = failures + successes
    needed = successes_needed(failures, trials, below)
    assert upper_bound(failures, trials + needed) < below
    assert needed == 0 or upper_bound(failures, trials + needed - 1) >= below


@pytest.mark.parametrize(("failures", "trials", "needed"), [(0, 0, 59), (0, 59, 0), (1, 10, 83), (1, 92, 1)])
def test_what_is_needed(failures: int, trials: int, needed: int) -> None:
    assert successes_needed(failures, trials, 0.05) == needed
