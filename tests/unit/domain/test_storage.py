"""Costs to the last digit, and nothing made up where a fact is missing."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.retention import Dataset, Partition, PartitionError, Place, PolicyError, RetentionPolicy
from shared.domain.storage import (
    GB_BYTES,
    Growth,
    Saving,
    SizeSample,
    TableSize,
    days_until_full,
    growth,
    judge,
    monthly_cost_usd,
    savings,
    shown_bytes,
    shown_count,
    shown_days,
    shown_usd,
)
from shared.domain.windows import Window

NOW = datetime(2026, 3, 31, 4, 30, tzinfo=UTC)
PRICE = Decimal("0.125")
POLICIES = (
    RetentionPolicy(Dataset.OHLC_1M, Window(days=30), archive_until=Window(days=90)),
    RetentionPolicy(Dataset.ML_FEATURES, Window(months=3)),
)


def table(name: str, *, rows: int | None = 10, bloat: int | None = 5) -> TableSize:
    return TableSize(name, rows, table_bytes=1000, index_bytes=200, toast_bytes=30, bloat_bytes=bloat, partitions=0)


def ago(days: float, size: int) -> SizeSample:
    return SizeSample(NOW - timedelta(days=days), size)


def day(days_ago: int, place: Place, rows: int | None, size: int, held_days: int | None = None) -> Partition:
    span = Dataset.OHLC_1M.step.span(NOW - timedelta(days=days_ago))
    held_until = None if held_days is None else NOW + timedelta(days=held_days)
    return Partition(Dataset.OHLC_1M, span.start, span.end, place, rows, size, held_until)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([], None),
        ([ago(0, 100)], None),
        ([ago(0.99, 100), ago(0, 200)], None),
        ([ago(1, 100), ago(0, 200)], Growth(100, 1)),
        ([ago(0, 200), ago(4, 1000)], Growth(-200, 4)),
        ([ago(0, 100), ago(2, 100), ago(1, 900)], Growth(0, 2)),
        # Of the last 7 days only, and nothing from after now.
        ([ago(100, 0), ago(7, 100), ago(0, 800)], Growth(100, 7)),
        ([ago(100, 0), ago(0, 800)], None),
        ([ago(8, 0), ago(7.5, 100)], None),
        ([ago(2, 0), ago(-2, 100)], None),
    ],
)
def test_growth_is_measured_over_a_day_at_least(samples: list[SizeSample], expected: Growth | None) -> None:
    assert growth(samples, NOW) == expected


@pytest.mark.parametrize(
    ("total", "per_day", "days"),
    [
        (100, 10.0, 90.0),
        (1000, 10.0, 0.0),
        (1000, None, 0.0),
        (1001, -5.0, 0.0),
        (100, None, None),
        (100, 0.0, math.inf),
        (100, -5.0, math.inf),
    ],
)
def test_days_until_full(total: int, per_day: float | None, days: float | None) -> None:
    assert days_until_full(total, per_day, limit_bytes=1000) == days


@pytest.mark.parametrize(
    ("size", "cost"), [(0, "0"), (GB_BYTES, "0.125"), (8 * GB_BYTES, "1"), (1, "1.25E-10"), (12_960_000_000, "1.62")]
)
def test_a_cost_is_exact(size: int, cost: str) -> None:
    assert monthly_cost_usd(size, PRICE) == Decimal(cost)


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_costs_add_up(one: int, other: int) -> None:
    assert monthly_cost_usd(one, PRICE) + monthly_cost_usd(other, PRICE) == monthly_cost_usd(one + other, PRICE)


def test_a_database_is_its_tables() -> None:
    judgement = judge([table("a"), table("b")], Growth(2.0, 7), limit_bytes=2560, price_usd_per_gb_month=PRICE)
    assert (judgement.total_bytes, judgement.rows, judgement.bloat_bytes) == (2460, 20, 10)
    assert (judgement.bytes_per_day, judgement.days_until_full) == (2.0, 50.0)
    assert judgement.monthly_cost_usd == monthly_cost_usd(2460, PRICE)


def test_one_unknown_makes_the_sum_unknown() -> None:
    judgement = judge([table("a", rows=None), table("b", bloat=None)], None, 10**9, PRICE)
    assert judgement.total_bytes == 2460
    assert judgement.rows is judgement.bloat_bytes is judgement.bytes_per_day is judgement.days_until_full is None


def test_an_empty_database_costs_nothing() -> None:
    judgement = judge([], None, 10**9, PRICE)
    assert (judgement.total_bytes, judgement.rows, judgement.monthly_cost_usd) == (0, 0, 0)


def test_retention_saves_what_it_drops_and_nothing_of_what_it_archives() -> None:
    partitions = [
        day(10, Place.LIVE, 1, 1),
        day(60, Place.LIVE, 2, 20),  # to be archived: stays in the database
        day(100, Place.ARCHIVE, 3, 300),
        day(101, Place.LIVE, 4, 4000),
        day(200, Place.ARCHIVE, 5, 50_000, held_days=1),
    ]
    assert savings(partitions, POLICIES, NOW, PRICE) == (
        Saving(Dataset.OHLC_1M, 7, 4300, monthly_cost_usd(4300, PRICE)),
    )


def test_a_saving_of_unknown_rows_is_of_known_bytes() -> None:
    (saving,) = savings([day(100, Place.LIVE, None, 7), day(101, Place.LIVE, 3, 8)], POLICIES, NOW, PRICE)
    assert (saving.rows, saving.bytes) == (None, 15)


def test_a_dataset_with_nothing_to_drop_saves_nothing() -> None:
    (saving,) = savings([day(1, Place.LIVE, 3, 8)], POLICIES, NOW, PRICE)
    assert (saving.rows, saving.bytes, saving.monthly_cost_usd) == (0, 0, 0)


def test_a_partition_told_of_twice_is_refused() -> None:
    with pytest.raises(PartitionError):
        savings([day(100, Place.LIVE, 3, 8)] * 2, POLICIES, NOW, PRICE)


def test_savings_need_a_policy() -> None:
    with pytest.raises(PolicyError):
        savings([day(1, Place.LIVE, 3, 8)], POLICIES[1:], NOW, PRICE)


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (shown_days(None), "unknown"),
        (shown_days(math.inf), "never at this rate"),
        (shown_days(0.0), "full"),
        (shown_days(0.5), "12 hours"),
        (shown_days(2.0), "2 days"),
        (shown_days(1234.4), "1,234 days"),
        (shown_count(None), "unknown"),
        (shown_count(12_960_000), "12,960,000"),
        (shown_bytes(None), "unknown"),
        (shown_bytes(0), "0 B"),
        (shown_bytes(-12), "-12 B"),
        (shown_bytes(999), "999 B"),
        (shown_bytes(1000), "1.0 kB"),
        (shown_bytes(8192), "8.2 kB"),
        (shown_bytes(123_456), "123 kB"),
        (shown_bytes(999_600), "1.0 MB"),
        (shown_bytes(5_000_000), "5.0 MB"),
        (shown_bytes(-1_650_000_000), "-1.65 GB"),
        (shown_bytes(12_000_000_000_000), "12,000.00 GB"),
        (shown_usd(None), "unknown"),
        (shown_usd(Decimal("0.125")), "$0.12"),
        (shown_usd(Decimal("1234.567")), "$1,234.57"),
    ],
)
def test_a_reader_is_told_in_units_that_suit_or_unknown(shown: str, text: str) -> None:
    assert shown == text
