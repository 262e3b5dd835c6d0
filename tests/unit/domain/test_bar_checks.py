"""A bar that cannot be true is named for what is wrong with it; one that can be true passes."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.bar_checks import FUTURE_TOLERANCE_MS, Defect, defect_of
from shared.domain.bars import Bar
from tests.unit.domain.bar_samples import MINUTES, at, bar

NOW_MS = at(10)
SOUND = Bar(MINUTES, at(0), Decimal(10), Decimal(12), Decimal(9), Decimal(11), Decimal(3), is_closed=True)


def test_a_sound_bar_has_no_defect() -> None:
    assert defect_of(SOUND, NOW_MS) is None


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume"])
@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_values_must_be_finite_as_floats_too(field: str, text: str) -> None:
    assert defect_of(replace(SOUND, **{field: Decimal(text)}), NOW_MS) is Defect.NOT_FINITE


@pytest.mark.parametrize("field", ["open", "high", "low", "close"])
@pytest.mark.parametrize("text", ["0", "-0", "-1", "1e-400"])
def test_prices_must_be_positive_as_floats_too(field: str, text: str) -> None:
    assert defect_of(replace(SOUND, **{field: Decimal(text)}), NOW_MS) is Defect.NOT_POSITIVE


@pytest.mark.parametrize(("text", "defect"), [("-0.1", Defect.NEGATIVE_VOLUME), ("0", None), ("1e-400", None)])
def test_volume_may_be_nothing_and_not_less(text: str, defect: Defect | None) -> None:
    assert defect_of(replace(SOUND, volume=Decimal(text)), NOW_MS) is defect


@pytest.mark.parametrize("changes", [{"high": 10}, {"high": 8}, {"low": 11}, {"open": 13}, {"close": 13}, {"close": 8}])
def test_prices_must_lie_between_low_and_high(changes: dict[str, int]) -> None:
    values = {name: Decimal(value) for name, value in changes.items()}
    assert defect_of(replace(SOUND, **values), NOW_MS) is Defect.INCONSISTENT


def test_a_price_that_never_moved_is_sound() -> None:
    assert defect_of(replace(SOUND, open=Decimal(9), high=Decimal(9), close=Decimal(9)), NOW_MS) is None


@pytest.mark.parametrize(
    ("open_ms", "defect"), [(0, Defect.UNDATED), (-60_000, Defect.UNDATED), (at(0) + 1, Defect.MISALIGNED)]
)
def test_a_bar_opens_at_a_time_of_its_timeframe(open_ms: int, defect: Defect) -> None:
    assert defect_of(replace(SOUND, open_ms=open_ms), NOW_MS) is defect


@pytest.mark.parametrize(
    ("is_closed", "ahead_ms", "defect"),
    [
        (True, FUTURE_TOLERANCE_MS, None),
        (True, FUTURE_TOLERANCE_MS + 1, Defect.FUTURE),
        (False, FUTURE_TOLERANCE_MS + 60_000, None),
        (False, FUTURE_TOLERANCE_MS + 60_001, Defect.FUTURE),
    ],
)
def test_a_closed_bar_is_over_and_an_open_one_has_opened(is_closed: bool, ahead_ms: int, defect: Defect | None) -> None:
    told = replace(SOUND, is_closed=is_closed)
    assert defect_of(told, told.close_ms - ahead_ms) is defect


def test_the_tolerance_can_be_narrower() -> None:
    assert defect_of(SOUND, SOUND.close_ms - 1, tolerance_ms=0) is Defect.FUTURE
    assert defect_of(SOUND, SOUND.close_ms, tolerance_ms=0) is None


@given(
    st.tuples(*[st.decimals()] * 5),
    st.integers(-(10**30), 10**30),
    st.booleans(),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_any_bar_has_an_answer(values: tuple[Decimal, ...], open_ms: int, is_closed: bool, now_ms: float) -> None:
    told = Bar(MINUTES, open_ms, *values, is_closed=is_closed)
    defect = defect_of(told, now_ms)
    if defect is None:
        assert 0 < told.low <= min(told.open, told.close) <= max(told.open, told.close) <= told.high


@given(st.integers(0, 9), st.integers(1, 10**9), st.booleans())
def test_what_the_other_tests_use_is_sound(minute: int, close: int, is_closed: bool) -> None:
    assert defect_of(bar(minute, close, is_closed=is_closed), NOW_MS) is None
