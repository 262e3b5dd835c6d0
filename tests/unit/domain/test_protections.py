"""What keeps a controller from trading: its bounds one by one, their order, and a crash told by real time."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.candles import CandleSeries
from shared.domain.protections import (
    CrashGuard,
    Protections,
    TradeHistory,
    price_change,
    refuse_by_crash,
    refuse_by_history,
)
from shared.domain.signals import Refusal

NOW_MS = 1_736_121_600_000
OPEN = Protections(max_positions=1, cooldown_s=0)
HOUR_S = 3_600


def ago(seconds: float) -> int:
    return NOW_MS - int(seconds * 1000)


# Each bound, off and on.


@pytest.mark.parametrize(
    ("bounds", "open_positions", "history", "refusal"),
    [
        ({}, 0, TradeHistory(), None),
        ({}, 1, TradeHistory(), Refusal.POSITION_OPEN),
        ({"max_positions": 3}, 2, TradeHistory(), None),
        ({"max_positions": 3}, 3, TradeHistory(), Refusal.POSITION_OPEN),
        ({"cooldown_s": 300}, 0, TradeHistory(last_taken_ms=ago(299.999)), Refusal.COOLDOWN),
        ({"cooldown_s": 300}, 0, TradeHistory(last_taken_ms=ago(300)), None),
        ({"cooldown_s": 300}, 0, TradeHistory(last_stop_ms=ago(1)), None),
        ({}, 0, TradeHistory(last_taken_ms=ago(0)), None),
        ({"cooldown_after_stop_s": 900}, 0, TradeHistory(last_stop_ms=ago(899.999)), Refusal.COOLDOWN_AFTER_STOP),
        ({"cooldown_after_stop_s": 900}, 0, TradeHistory(last_stop_ms=ago(900)), None),
        ({"cooldown_after_stop_s": 900}, 0, TradeHistory(last_taken_ms=ago(0)), None),
        ({}, 0, TradeHistory(last_stop_ms=ago(0), stops_in_a_row=99), None),
        (
            {"stops_in_a_row": 3, "ban_s": 60},
            0,
            TradeHistory(last_stop_ms=ago(59.999), stops_in_a_row=3),
            Refusal.STOPS_IN_A_ROW,
        ),
        ({"stops_in_a_row": 3, "ban_s": 60}, 0, TradeHistory(last_stop_ms=ago(60), stops_in_a_row=3), None),
        ({"stops_in_a_row": 3, "ban_s": 60}, 0, TradeHistory(last_stop_ms=ago(1), stops_in_a_row=2), None),
        (
            {"stops_in_a_row": 3, "ban_s": 60},
            0,
            TradeHistory(last_stop_ms=ago(1), stops_in_a_row=4),
            Refusal.STOPS_IN_A_ROW,
        ),
    ],
)
def test_each_bound_refuses_to_the_millisecond(
    bounds: dict[str, Any], open_positions: int, history: TradeHistory, refusal: Refusal | None
) -> None:
    protections = Protections(**{"max_positions": 1, "cooldown_s": 0} | bounds)
    assert refuse_by_history(protections, open_positions, history, NOW_MS) is refusal


def test_where_several_forbid_it_the_gravest_is_named() -> None:
    """An open position, then the ban, then the cooldown after a stop, then the plain one."""
    everything = Protections(max_positions=1, cooldown_s=60, cooldown_after_stop_s=60, stops_in_a_row=1, ban_s=60)
    history = TradeHistory(last_taken_ms=NOW_MS, last_stop_ms=NOW_MS, stops_in_a_row=1)
    named = [refuse_by_history(everything, 1, history, NOW_MS)]
    for bounds in (
        {"stops_in_a_row": 1, "ban_s": 60, "cooldown_after_stop_s": 60},
        {"cooldown_after_stop_s": 60},
        {},
    ):
        named.append(refuse_by_history(Protections(1, 60, **bounds), 0, history, NOW_MS))
    assert named == [
        Refusal.POSITION_OPEN,
        Refusal.STOPS_IN_A_ROW,
        Refusal.COOLDOWN_AFTER_STOP,
        Refusal.COOLDOWN,
    ]


def test_stops_are_counted_while_nothing_else_comes_between() -> None:
    history = TradeHistory().taken(5)
    assert history == TradeHistory(last_taken_ms=5)
    history = history.closed("STOP_LOSS", 10).closed("STOP_LOSS", 20)
    assert history == TradeHistory(last_taken_ms=5, last_stop_ms=20, stops_in_a_row=2)
    for other in ("TAKE_PROFIT", "TRAILING_STOP", "TIME_LIMIT", "EARLY_STOP", "FAILED"):
        assert history.closed(other, 30) == TradeHistory(last_taken_ms=5, last_stop_ms=20, stops_in_a_row=0)


@given(st.lists(st.sampled_from(["STOP_LOSS", "TAKE_PROFIT", "TIME_LIMIT"]), max_size=12), st.integers(1, 4))
def test_a_ban_stands_exactly_after_so_many_stops_at_the_end(ends: list[str], most: int) -> None:
    history = TradeHistory()
    for number, end in enumerate(ends):
        history = history.closed(end, NOW_MS - len(ends) + number)
    row = 0
    while row < len(ends) and ends[-1 - row] == "STOP_LOSS":
        row += 1
    refusal = refuse_by_history(Protections(1, 0, None, most, 60), 0, history, NOW_MS)
    assert refusal is (Refusal.STOPS_IN_A_ROW if row >= most else None)


# The crash guard.


def closes(values: list[float], interval_s: int = 300, last_close_ms: int = NOW_MS) -> CandleSeries:
    """Candles of one price each, the last of which closed then."""
    opens = last_close_ms // 1000 + interval_s * np.arange(-len(values), 0)
    prices = np.array(values, dtype=np.float64)
    return CandleSeries(opens, prices, prices, prices, prices, np.ones(len(values)), interval_s)


def test_a_change_is_that_over_the_span_not_over_the_samples() -> None:
    """Of 14 candles of five minutes the second closed an hour before the last; the first is not asked."""
    market = closes([50.0, 100.0, *[97.0] * 11, 96.0])
    assert price_change(market, HOUR_S) == pytest.approx(-0.04)
    assert price_change(closes([100.0, *[97.0] * 11, 96.0]), HOUR_S) == pytest.approx(-0.04)


@pytest.mark.parametrize("count", [1, 2, 12])
def test_fewer_candles_than_the_span_tell_nothing(count: int) -> None:
    """Twelve candles of five minutes are an hour long, but their closes are 55 minutes apart."""
    market = closes([100.0, *[50.0] * (count - 1)])
    assert price_change(market, HOUR_S) is None
    assert refuse_by_crash(CrashGuard({HOUR_S: 0.05}), market, NOW_MS) is Refusal.CRASH_GUARD_BLIND


def test_a_span_that_is_no_multiple_of_the_candles_tells_nothing() -> None:
    assert price_change(closes([100.0] * 50), HOUR_S + 60) is None


@pytest.mark.parametrize("place", [0, -1])
def test_a_close_that_is_no_number_tells_nothing(place: int) -> None:
    values = [100.0] * 13
    values[place] = float("nan")
    assert price_change(closes(values), HOUR_S) is None
    assert refuse_by_crash(CrashGuard({HOUR_S: 0.05}), closes(values), NOW_MS) is Refusal.CRASH_GUARD_BLIND


@given(
    values=st.lists(st.floats(1, 1000), min_size=1, max_size=60),
    steps=st.integers(1, 70),
    interval_s=st.sampled_from([60, 300, 900]),
)
def test_a_change_is_the_ratio_of_two_closes_a_span_apart(values: list[float], steps: int, interval_s: int) -> None:
    market = closes(values, interval_s)
    change = price_change(market, steps * interval_s)
    if steps >= len(values):
        assert change is None
    else:
        earlier = market.open_time_s == market.open_time_s[-1] - steps * interval_s
        assert change == market.close[-1] / market.close[earlier][0] - 1


GUARD = CrashGuard({HOUR_S: 0.05, 4 * HOUR_S: 0.08, 24 * HOUR_S: 0.12})


def day(**changed: float) -> CandleSeries:
    """Closes over 24 hours, all 100 but the last and those named, `at_1h=101` being the one an hour before the last."""
    values = [100.0] * 289
    values[-1] = changed.pop("last")
    for name, value in changed.items():
        values[-1 - int(name.removeprefix("at_").removesuffix("h")) * 12] = value
    return closes(values)


@pytest.mark.parametrize(
    ("market", "refusal"),
    [
        (day(last=95.01), None),
        (day(last=95.0), Refusal.CRASH_GUARD),
        (day(last=95.01, at_4h=103.2), None),
        (day(last=95.01, at_4h=103.4), Refusal.CRASH_GUARD),
        (day(last=95.01, at_24h=107.9), None),
        (day(last=95.01, at_24h=108.1), Refusal.CRASH_GUARD),
        # A price that is none of the three is not asked, however high.
        (day(last=95.01, at_2h=200.0), None),
        (day(last=150.0), None),
    ],
)
def test_each_span_has_its_own_bound(market: CandleSeries, refusal: Refusal | None) -> None:
    assert refuse_by_crash(GUARD, market, NOW_MS) is refusal


def test_a_fall_by_the_bound_itself_is_a_crash() -> None:
    """Of binary fractions, which no rounding moves."""
    guard = CrashGuard({HOUR_S: 0.25})
    assert refuse_by_crash(guard, day(last=75.0), NOW_MS) is Refusal.CRASH_GUARD
    assert refuse_by_crash(guard, day(last=75.001), NOW_MS) is None


def test_a_crash_that_can_be_told_is_one_although_a_longer_span_cannot() -> None:
    short = closes([100.0, *[97.0] * 11, 95.0])
    assert refuse_by_crash(GUARD, short, NOW_MS) is Refusal.CRASH_GUARD
    backwards = CrashGuard(dict(reversed(GUARD.drops.items())))
    assert refuse_by_crash(backwards, short, NOW_MS) is Refusal.CRASH_GUARD
    assert refuse_by_crash(GUARD, closes([100.0] * 13), NOW_MS) is Refusal.CRASH_GUARD_BLIND


def test_without_candles_the_guard_is_blind() -> None:
    empty = np.array([])
    assert refuse_by_crash(GUARD, None, NOW_MS) is Refusal.CRASH_GUARD_BLIND
    nothing = CandleSeries(empty.astype(np.int64), empty, empty, empty, empty, empty, 300)
    assert refuse_by_crash(GUARD, nothing, NOW_MS) is Refusal.CRASH_GUARD_BLIND


@pytest.mark.parametrize(("age_s", "blind"), [(0, False), (299, False), (600, False), (600.001, True), (86_400, True)])
def test_an_old_feed_makes_the_guard_blind(age_s: float, blind: bool) -> None:
    """Two candles have closed since its newest; even a crash in it is none to rely on."""
    for last in (100.0, 50.0):
        refusal = refuse_by_crash(GUARD, day(last=last), NOW_MS + round(age_s * 1000))
        assert (refusal is Refusal.CRASH_GUARD_BLIND) is blind


def test_the_longest_span_is_what_is_looked_back_on() -> None:
    assert GUARD.longest_s == 24 * HOUR_S
    assert CrashGuard({HOUR_S: 0.05}).longest_s == HOUR_S


def test_a_price_that_is_no_number_blinds_the_guard() -> None:
    """A fall by half must not pass because the candle it is measured against holds no number."""
    market = closes([float("nan"), *[100.0] * 11, 50.0])
    assert price_change(market, HOUR_S) is None
    assert refuse_by_crash(CrashGuard({HOUR_S: 0.05}), market, market.last_close_ms) is Refusal.CRASH_GUARD_BLIND
