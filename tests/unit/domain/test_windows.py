"""Windows are counted on the calendar; steps cover time without gap or overlap."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.windows import PartitionStep, Span, Window, WindowError, in_utc

TIMES = st.timedeltas(timedelta(0), timedelta(days=11_000)).map(lambda since: datetime(2015, 1, 1, tzinfo=UTC) + since)
WINDOWS = st.one_of(st.builds(Window, days=st.integers(1, 2000)), st.builds(Window, months=st.integers(1, 60)))
STEPS = st.sampled_from(PartitionStep)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "window", "written"),
    [
        ("1d", Window(days=1), "1d"),
        ("30d", Window(days=30), "30d"),
        ("3mo", Window(months=3), "3mo"),
        ("6mo", Window(months=6), "6mo"),
        ("12mo", Window(months=12), "1y"),
        ("1y", Window(months=12), "1y"),
        ("2y", Window(months=24), "2y"),
        ("50y", Window(months=600), "50y"),
    ],
)
def test_windows_are_read_and_written(text: str, window: Window, written: str) -> None:
    assert Window.parse(text) == window
    assert str(window) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "d",
        "0d",
        "-1d",
        "030d",
        "1.5y",
        "30 d",
        "30D",
        "6m",
        "6months",
        "1y6mo",
        "30d\n",
        "³d",
        "51y",
        "99999d",
    ],
)
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(WindowError):
        Window.parse(text)


@pytest.mark.parametrize(("days", "months"), [(0, 0), (1, 1), (-1, 0), (0, -1), (-1, 2), (18_301, 0), (0, 601)])
def test_a_window_is_days_or_months(days: int, months: int) -> None:
    with pytest.raises(WindowError):
        Window(days=days, months=months)


@pytest.mark.parametrize(
    ("text", "now", "before"),
    [
        ("30d", "2026-03-01T05:00", "2026-01-30T05:00"),
        ("3mo", "2026-05-31T05:00", "2026-02-28T05:00"),
        ("3mo", "2024-05-31T05:00", "2024-02-29T05:00"),
        ("6mo", "2026-03-15T00:00", "2025-09-15T00:00"),
        ("1y", "2024-02-29T12:00", "2023-02-28T12:00"),
        ("2y", "2026-01-01T00:00", "2024-01-01T00:00"),
        ("1mo", "2026-12-31T00:00", "2026-11-30T00:00"),
    ],
)
def test_a_window_began_on_the_calendar(text: str, now: str, before: str) -> None:
    assert Window.parse(text).before(at(now)) == at(before)


@given(WINDOWS, TIMES)
def test_windows_agree_with_another_calendar(window: Window, now: datetime) -> None:
    assert window.before(now) == now - relativedelta(days=window.days, months=window.months)


@given(WINDOWS, TIMES)
def test_a_window_is_as_long_as_it_says(window: Window, now: datetime) -> None:
    length = now - window.before(now)
    assert timedelta(days=window.shortest_days) <= length <= timedelta(days=window.longest_days)


@given(WINDOWS, TIMES, st.timedeltas(timedelta(0), timedelta(days=800)))
def test_the_day_a_window_began_never_moves_back(window: Window, now: datetime, later: timedelta) -> None:
    assert window.before(now).date() <= window.before(now + later).date()


@given(WINDOWS, WINDOWS, TIMES)
def test_the_longer_window_began_earlier(one: Window, other: Window, now: datetime) -> None:
    if one.outlasts(other):
        assert one.before(now) < other.before(now)
        assert not other.outlasts(one)


@pytest.mark.parametrize(
    ("longer", "shorter", "outlasts"),
    [
        ("90d", "30d", True),
        ("30d", "30d", False),
        ("1y", "6mo", True),
        ("1y", "12mo", False),
        ("11mo", "10mo", True),
        ("3mo", "30d", True),
        ("3mo", "90d", False),
        ("90d", "3mo", False),
        ("93d", "3mo", False),
        ("94d", "3mo", True),
        ("1y", "364d", True),
        ("1y", "365d", False),
        ("366d", "1y", False),
        ("367d", "1y", True),
    ],
)
def test_a_window_outlasts_only_for_certain(longer: str, shorter: str, outlasts: bool) -> None:
    assert Window.parse(longer).outlasts(Window.parse(shorter)) is outlasts


@pytest.mark.parametrize(
    ("step", "time", "start", "end"),
    [
        (PartitionStep.DAILY, "2026-02-28T23:59:59.999999", "2026-02-28", "2026-03-01"),
        (PartitionStep.DAILY, "2026-03-01", "2026-03-01", "2026-03-02"),
        (PartitionStep.MONTHLY, "2026-02-28T23:59:59.999999", "2026-02-01", "2026-03-01"),
        (PartitionStep.MONTHLY, "2026-12-31", "2026-12-01", "2027-01-01"),
        (PartitionStep.MONTHLY, "2024-02-29", "2024-02-01", "2024-03-01"),
    ],
)
def test_a_time_has_its_step(step: PartitionStep, time: str, start: str, end: str) -> None:
    assert step.span(at(time)) == Span(at(start), at(end))


@given(STEPS, TIMES)
def test_steps_contain_their_time_and_meet(step: PartitionStep, time: datetime) -> None:
    span = step.span(time)
    assert span.start <= time < span.end
    assert step.span(span.start) == span == step.span(span.end - timedelta(microseconds=1))
    assert step.span(span.end).start == span.end


@given(STEPS, TIMES, st.integers(0, 40))
def test_the_next_steps_follow_one_another(step: PartitionStep, time: datetime, count: int) -> None:
    spans = (step.span(time), *step.following(time, count))
    assert len(spans) == count + 1
    assert all(one.end == following.start for one, following in pairwise(spans))


@given(STEPS, TIMES, st.timedeltas(timedelta(0), timedelta(days=100)))
def test_the_steps_between_two_times_cover_both_and_nothing_more(
    step: PartitionStep, first: datetime, length: timedelta
) -> None:
    spans = step.between(first, first + length)
    assert spans[0] == step.span(first)
    assert spans[-1] == step.span(first + length)
    assert spans[1:] == step.following(first, len(spans) - 1)


def test_the_step_that_begins_at_the_last_time_is_included() -> None:
    assert len(PartitionStep.DAILY.between(at("2026-01-01T12:00"), at("2026-01-03"))) == 3


def test_no_step_lies_between_times_in_the_wrong_order() -> None:
    assert PartitionStep.DAILY.between(at("2026-01-01T12:00"), at("2026-01-01T11:59")) == ()


def test_other_time_zones_are_read_as_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert PartitionStep.DAILY.span(datetime(2026, 3, 1, 8, tzinfo=tokyo)).start == at("2026-02-28")
    assert Window(months=1).before(datetime(2026, 3, 31, 8, tzinfo=tokyo)) == at("2026-02-28T23:00")
    assert in_utc(datetime(2026, 3, 1, 8, tzinfo=tokyo)).tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - a naive time is the point
    for call in (PartitionStep.DAILY.span, Window(days=1).before, in_utc):
        with pytest.raises(WindowError, match="2026-03-01 00:00:00: has no time zone"):
            call(naive)
