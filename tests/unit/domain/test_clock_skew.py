"""The offset of two clocks lies where every answer allows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.clock_skew import ClockSample, ClockSkew

DELAY_MS = st.floats(0, 2_000)


def test_nothing_is_known_before_the_first_answer() -> None:
    skew = ClockSkew()
    assert (skew.offset_ms, skew.error_ms) == (None, None)
    assert skew.source_time_ms(1_000) == 1_000


def test_an_answer_was_made_half_way_as_far_as_one_knows() -> None:
    skew = ClockSkew()
    assert skew.add(ClockSample(1_000, 5_100, 1_200, resolution_ms=0))
    assert (skew.offset_ms, skew.error_ms) == (4_000, 100)
    assert skew.source_time_ms(2_000) == 6_000


def test_the_quick_answer_is_believed() -> None:
    skew = ClockSkew()
    skew.add(ClockSample(0, 1_010, 20, resolution_ms=0))
    skew.add(ClockSample(1_000, 2_900, 3_000, resolution_ms=0))
    assert (skew.offset_ms, skew.error_ms) == (1_000, 10)


def test_whole_seconds_narrow_down_to_less() -> None:
    skew = ClockSkew()
    for here_ms in (100, 1_450, 2_850):
        skew.add(ClockSample(here_ms, (here_ms + 300) // 1_000 * 1_000, here_ms, resolution_ms=1_000))
    # At 1,450 the source showed 1 s still, and at 2,850 it showed 3 s already.
    assert (skew.offset_ms, skew.error_ms) == (350, 200)


def test_an_answer_that_no_offset_explains_begins_anew() -> None:
    skew = ClockSkew()
    skew.add(ClockSample(0, 0, 10, resolution_ms=0))
    skew.add(ClockSample(1_000, 61_005, 1_010, resolution_ms=0))
    assert skew.offset_ms == 60_000


def test_an_answer_before_its_question_is_not_taken() -> None:
    skew = ClockSkew()
    skew.add(ClockSample(0, 0, 10))
    assert not skew.add(ClockSample(1_000, 1_000, 999))
    assert skew.offset_ms is None


def test_old_answers_are_forgotten() -> None:
    skew = ClockSkew(window=2)
    skew.add(ClockSample(0, 500, 0, resolution_ms=0))
    for sent_ms in (1_000, 2_000):
        skew.add(ClockSample(sent_ms, sent_ms + 600, sent_ms + 200, resolution_ms=0))
    assert skew.offset_ms == 500
    assert skew.error_ms == 100


def test_a_window_holds_something() -> None:
    assert ClockSkew(window=1).add(ClockSample(0, 0, 0))
    with pytest.raises(ValueError, match="at least 1"):
        ClockSkew(window=0)


@given(
    st.integers(-(10**7), 10**7),
    st.sampled_from([1, 1_000]),
    st.lists(st.tuples(DELAY_MS, DELAY_MS), min_size=1, max_size=20),
)
def test_the_true_offset_is_within_the_error(
    offset_ms: int, resolution_ms: int, delays: list[tuple[float, float]]
) -> None:
    skew, here_ms, errors = ClockSkew(), 1_767_225_600_000.0, []
    for there_ms, back_ms in delays:
        showed_ms = (here_ms + there_ms + offset_ms) // resolution_ms * resolution_ms
        assert skew.add(ClockSample(here_ms, showed_ms, here_ms + there_ms + back_ms, resolution_ms))
        here_ms += 60_000
        errors.append(skew.error_ms)
        # Floats of that size are told apart by a quarter of a microsecond.
        assert abs(skew.offset_ms - offset_ms) <= skew.error_ms + 0.01
    # Within the window, more answers never tell less.
    assert errors[:8] == sorted(errors[:8], reverse=True)


@given(st.lists(st.tuples(*[st.floats(0, 1e13)] * 3), max_size=40))
def test_whatever_is_answered_the_error_is_no_less_than_nothing(answers: list[tuple[float, float, float]]) -> None:
    skew = ClockSkew()
    for answer in answers:
        skew.add(ClockSample(*answer))
        assert skew.error_ms is None or skew.error_ms >= 0
