"""What statistics tell of a table without reading it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.table_statistics import (
    ColumnStatistics,
    TimeDistribution,
    bloat_bytes,
    estimated_rows,
    row_bytes,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
BIGINT = ColumnStatistics(True, "d", 8, 0.0)


def text(width_bytes: int | None, null_fraction: float = 0.0) -> ColumnStatistics:
    return ColumnStatistics(False, "i", width_bytes, null_fraction)


@pytest.mark.parametrize(
    ("counted", "counted_pages", "pages", "density", "expected"),
    [
        (1000, 10, 10, None, 1000),
        (1000, 10, 25, None, 2500),  # it grew since
        (1000, 10, 5, None, 500),
        (0, 10, 10, None, 0),  # counted, and empty
        (-1, 0, 0, None, 0),  # never counted, and nothing there
        (-1, 0, 10, None, None),
        (-1, 0, 10, 40.0, 400),
        (0, 0, 10, None, None),  # counted before its first row
    ],
)
def test_rows_are_those_the_planner_sees(
    counted: float, counted_pages: int, pages: int, density: float | None, expected: float | None
) -> None:
    assert estimated_rows(counted, counted_pages, pages, density) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        # A header of 23 bytes, aligned to 24; rows are aligned to 8 and have a pointer of 4.
        ([BIGINT], 24 + 8 + 4),
        ([text(5)], 24 + 8 + 4),
        ([text(5), BIGINT], 24 + 8 + 8 + 4),  # the number is aligned, a short text is not
        ([BIGINT, text(5)], 24 + 8 + 8 + 4),
        ([text(3), text(5)], 24 + 8 + 4),
        ([text(1), text(130)], 24 + 136 + 4),  # a long text is aligned to 4
        ([BIGINT, text(8, null_fraction=1.0)], 24 + 8 + 4),  # nulls take their bit, here within the header
        ([text(None)], None),
    ],
)
def test_a_row_is_as_wide_as_its_columns(columns: list[ColumnStatistics], expected: float | None) -> None:
    assert row_bytes(columns) == expected


def test_many_columns_with_nulls_widen_the_header() -> None:
    columns = [text(8, null_fraction=1.0)] * 9
    assert row_bytes(columns) == 32 + 4


def test_pages_beyond_what_rows_need_are_bloat() -> None:
    rows_a_page = (8192 - 24) // 36
    assert bloat_bytes(rows_a_page * 10, [BIGINT], 10) == 0
    assert bloat_bytes(rows_a_page * 10 + 1, [BIGINT], 10) == 0  # estimates may exceed; there is no negative bloat
    assert bloat_bytes(rows_a_page * 4, [BIGINT], 10) == 6 * 8192
    assert bloat_bytes(0, [BIGINT], 10) == 10 * 8192
    assert bloat_bytes(rows_a_page * 5, [BIGINT], 10, fill_fraction=0.5) == 0


def test_unknown_stays_unknown() -> None:
    assert bloat_bytes(None, [BIGINT], 10) is None
    assert bloat_bytes(100, [text(None)], 10) is None
    assert bloat_bytes(None, [text(None)], 0) == 0  # an empty table has none, whatever is known


def days(*numbers: float) -> list[datetime]:
    return [START + timedelta(days=number) for number in numbers]


def test_rows_lie_evenly_between_two_bounds() -> None:
    times = TimeDistribution(days(0, 1, 3))
    assert times.share(*days(0, 1)) == pytest.approx(0.5)
    assert times.share(*days(1, 2)) == pytest.approx(0.25)
    assert times.share(*days(-5, 0)) == 0
    assert times.share(*days(-5, 9)) == 1
    assert (times.first, times.last) == (START, START + timedelta(days=3))


def test_common_times_have_their_own_shares() -> None:
    times = TimeDistribution(days(0, 10), {days(20)[0]: 0.4}, null_fraction=0.1)
    assert times.share(*days(0, 10)) == pytest.approx(0.5)
    assert times.share(*days(20, 21)) == pytest.approx(0.4)
    assert times.share(*days(10, 20)) == 0
    assert times.last == days(20)[0]


def test_nothing_known_is_nothing() -> None:
    nothing = TimeDistribution(())
    assert (nothing.first, nothing.last) == (None, None)
    assert nothing.share(*days(0, 1)) == 0


moments = st.integers(0, 60 * 86400).map(lambda seconds: START + timedelta(seconds=seconds))


@given(
    bounds=st.lists(moments, min_size=2, max_size=20, unique=True).map(sorted),
    common=st.dictionaries(moments, st.floats(0, 0.1), max_size=5),
    null_fraction=st.floats(0, 0.3),
    cuts=st.lists(moments, max_size=10, unique=True).map(sorted),
)
def test_every_row_with_a_time_is_in_one_span(
    bounds: list[datetime], common: dict[datetime, float], null_fraction: float, cuts: list[datetime]
) -> None:
    times = TimeDistribution(bounds, common, null_fraction)
    edges = [START - timedelta(days=1), *cuts, START + timedelta(days=100)]
    shares = [times.share(start, end) for start, end in pairwise(edges)]
    assert all(share >= -1e-9 for share in shares)
    assert sum(shares) == pytest.approx(1 - null_fraction)
