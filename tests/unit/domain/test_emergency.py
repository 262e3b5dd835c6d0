"""What goes first when storage runs out."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.emergency import ORDER, emergency_plan
from shared.domain.retention import Dataset, Partition, Place
from shared.domain.windows import Window

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
KEEP = Window(days=7)


def partition(dataset: Dataset, days_ago: int, place: Place = Place.LIVE, held_days: int | None = None) -> Partition:
    span = dataset.step.span(NOW - timedelta(days=days_ago))
    held_until = None if held_days is None else NOW + timedelta(days=held_days)
    return Partition(dataset, span.start, span.end, place, None, 0, held_until)


partitions = st.builds(
    partition,
    st.sampled_from(Dataset),
    st.integers(-40, 900),
    st.sampled_from(Place),
    st.none() | st.integers(-5, 5),
)


@given(st.lists(partitions))
def test_only_what_is_old_missed_least_and_not_held_goes(found: list[Partition]) -> None:
    by_key = {(p.dataset, p.start, p.place): p for p in found}
    planned = emergency_plan(by_key.values(), KEEP, NOW)
    going = {(action.dataset, action.start, action.place) for action in planned}
    assert len(going) == len(planned)
    for key, each in by_key.items():
        old = each.end <= NOW - timedelta(days=7)
        held = each.held_until is not None and each.held_until > NOW
        assert (key in going) == (each.dataset in ORDER and old and not held)
    order = [(ORDER.index(action.dataset), action.start) for action in planned]
    assert order == sorted(order)


def test_scans_go_before_features_and_features_before_candles() -> None:
    found = [partition(dataset, days) for dataset in Dataset for days in (100, 200)]
    planned = emergency_plan(found, KEEP, NOW)
    assert [action.dataset for action in planned] == [
        Dataset.SCAN_HISTORY,
        Dataset.SCAN_HISTORY,
        Dataset.ML_FEATURES,
        Dataset.ML_FEATURES,
        Dataset.OHLC_1M,
        Dataset.OHLC_1M,
    ]


def test_a_partition_goes_once_all_of_it_is_older() -> None:
    edge = NOW - timedelta(days=7)
    assert [action.start.date() for action in emergency_plan([partition(Dataset.OHLC_1M, 7)], KEEP, NOW)] == []
    assert [action.end for action in emergency_plan([partition(Dataset.OHLC_1M, 8)], KEEP, NOW)] == [
        edge.replace(hour=0)
    ]
