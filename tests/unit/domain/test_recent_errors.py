"""Errors of the last while: what came within the span is counted, what is older is not."""

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.recent_errors import RecentErrors


def test_what_grew_within_the_span() -> None:
    errors = RecentErrors(3600.0)
    assert errors.look({"malformed": 0, "defects": 0}, 0.0) == {}
    assert errors.look({"malformed": 3, "defects": 0}, 100.0) == {"malformed": 3}
    assert errors.look({"malformed": 4, "defects": 1}, 3000.0) == {"malformed": 4, "defects": 1}
    assert errors.look({"malformed": 4, "defects": 1}, 3800.0) == {"malformed": 1, "defects": 1}
    assert errors.look({"malformed": 4, "defects": 1}, 9000.0) == {}


def test_what_was_there_at_the_first_look_is_recent() -> None:
    assert RecentErrors(60.0).look({"dead letters": 2}, 1e6) == {"dead letters": 2}


def test_a_kind_that_comes_later_counts_from_nothing() -> None:
    errors = RecentErrors(60.0)
    errors.look({}, 0.0)
    assert errors.look({"malformed of binance": 2}, 30.0) == {"malformed of binance": 2}


@given(st.lists(st.tuples(st.floats(0.01, 50.0), st.integers(0, 3)), min_size=1, max_size=300))
def test_it_counts_all_of_the_span_and_little_more(steps: list[tuple[float, int]]) -> None:
    span_s = 600.0
    errors, now_s, total, grew = RecentErrors(span_s), 0.0, 0, []
    errors.look({"kind": 0}, 0.0)
    for after_s, count in steps:
        now_s, total = now_s + after_s, total + count
        grew.append((now_s, count))
        found = errors.look({"kind": total}, now_s).get("kind", 0)
        slack_s = 50.0 + span_s / 60
        assert found >= sum(n for at, n in grew if at > now_s - span_s)
        assert found <= sum(n for at, n in grew if at > now_s - span_s - slack_s)
