"""Whether a new position may rest on the sidecar's candles."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.feed_fitness import FeedSight, refuse_by_feed
from shared.domain.feed_status import Mode
from shared.domain.signals import Refusal

NOW_MS = 1_736_121_600_000
STALE, DEGRADED = Refusal.FEED_STALE, Refusal.FEED_DEGRADED


def sight(**changes: Any) -> FeedSight:
    content: dict[str, Any] = {
        **{"mode": Mode.LIVE, "stale_after_s": 180, "interval_s": 60, "last_close_ms": NOW_MS, "silent_s": 1.0}
    }
    return FeedSight(**content | changes)


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({}, None),
        ({"last_close_ms": NOW_MS - 180_000}, None),
        ({"last_close_ms": NOW_MS - 180_001}, STALE),
        ({"last_close_ms": None}, STALE),
        ({"last_close_ms": NOW_MS + 60_000}, None),
        ({"silent_s": 180.0}, None),
        ({"silent_s": 180.5}, STALE),
        ({"silent_s": float("inf")}, STALE),
        ({"mode": Mode.STALE}, STALE),
        ({"mode": Mode.DEGRADED}, DEGRADED),
        ({"mode": Mode.DEGRADED, "silent_s": 181.0}, STALE),
        # An hour's candle is the newest for an hour; a sidecar is silent for three minutes all the same.
        ({"interval_s": 3600, "last_close_ms": NOW_MS - 3_720_000}, None),
        ({"interval_s": 3600, "last_close_ms": NOW_MS - 3_720_001}, STALE),
        ({"interval_s": 3600, "silent_s": 181.0}, STALE),
    ],
    ids=str,
)
def test_it_may_where_nothing_speaks_against_it(changes: dict[str, Any], refusal: Refusal | None) -> None:
    assert refuse_by_feed(sight(**changes), NOW_MS) is refusal


@given(
    st.sampled_from(list(Mode)),
    st.sampled_from([60, 900, 3600]),
    st.integers(-(10**7), 10**7),
    st.floats(0, 10**4),
    st.integers(0, 10**7),
)
def test_what_is_refused_stays_refused_as_it_grows_older(
    mode: Mode, interval_s: int, age_ms: int, silent_s: float, later_ms: int
) -> None:
    now = sight(mode=mode, interval_s=interval_s, last_close_ms=NOW_MS - age_ms, silent_s=silent_s)
    later = sight(mode=mode, interval_s=interval_s, last_close_ms=NOW_MS - age_ms, silent_s=silent_s + later_ms / 1000)
    if refuse_by_feed(now, NOW_MS) is STALE:
        assert refuse_by_feed(later, NOW_MS + later_ms) is STALE
    elif mode is not Mode.LIVE:
        assert refuse_by_feed(later, NOW_MS + later_ms) is not None
