"""The mouth of the funnel: how many candles were looked at, and how many closed without being looked at."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.memory_journal import MemoryJournal
from shared.bot.evaluations import EvaluationCount
from shared.bot.recorder import RunRecorder
from shared.domain import events as ev
from shared.simulator.virtual_time import VirtualClock
from tests.unit.bot.desk import LOOKBACK, Desk, fallen, flat
from tests.unit.bot.fake_exchange import PAIR, START_S

START_MS = int(START_S * 1000)
MINUTE_MS = 60_000


def config(config_id: str = "one", interval_s: int = 60) -> Any:
    return SimpleNamespace(
        id="recovery_dca_BTC-USDT",
        strategy="recovery_dca",
        trading_pair=PAIR,
        phase=2,
        config_id=config_id,
        interval_s=interval_s,
    )


class Counted:
    """A count and its events, on a clock that stands at the start."""

    def __init__(self) -> None:
        self.recorder = RunRecorder(MemoryJournal(), clock=lambda: START_MS)
        self.count = EvaluationCount(self.recorder)

    def add(self, minute: int, *, evaluated: bool = True, **changes: Any) -> None:
        self.count.add(config(**changes), START_MS + minute * MINUTE_MS, evaluated=evaluated)

    @property
    def told(self) -> list[tuple[int, int, int, int]]:
        """Of each event: minute of the first and of the last candle, candles looked at, candles not looked at."""
        return [
            (
                (event.since_ms - START_MS) // MINUTE_MS,
                (event.until_ms - START_MS) // MINUTE_MS,
                event.evaluated,
                event.unevaluated,
            )
            for event in self.recorder.record.evaluations
        ]


def test_candles_are_counted_into_one_event_an_hour() -> None:
    counted = Counted()
    for minute in range(60):
        counted.add(minute)
    assert counted.told == []
    counted.add(60)
    counted.add(61)
    assert counted.told == [(0, 60, 61, 0)]
    counted.count.flush()
    assert counted.told == [(0, 60, 61, 0), (61, 61, 1, 0)]
    (first, _) = counted.recorder.record.evaluations
    assert first == ev.CandlesEvaluated(
        at_ms=START_MS,
        controller_id="recovery_dca_BTC-USDT",
        strategy="recovery_dca",
        pair=PAIR,
        phase=2,
        config_id="one",
        since_ms=START_MS,
        until_ms=START_MS + 60 * MINUTE_MS,
        evaluated=61,
        unevaluated=0,
    )


def test_nothing_counted_is_nothing_told() -> None:
    counted = Counted()
    counted.count.flush()
    counted.add(1)
    counted.count.flush()
    counted.count.flush()
    assert counted.told == [(1, 1, 1, 0)]


def test_candles_that_closed_without_a_look_are_counted_too() -> None:
    counted = Counted()
    counted.add(1, evaluated=False)
    counted.add(2)
    counted.add(7)
    counted.count.flush()
    assert counted.told == [(1, 7, 2, 5)]


def test_a_gap_after_an_event_belongs_to_the_next_one() -> None:
    """Its first candle is the first that was not looked at, not the first of the event before."""
    counted = Counted()
    counted.add(1)
    counted.count.flush()
    counted.add(5)
    counted.add(6)
    counted.count.flush()
    assert counted.told == [(1, 1, 1, 0), (2, 6, 2, 3)]


def test_a_count_is_of_one_configuration() -> None:
    counted = Counted()
    counted.add(1)
    counted.add(2)
    counted.add(3, config_id="two")
    counted.count.flush()
    assert counted.told == [(1, 2, 2, 0), (3, 3, 1, 0)]
    assert [event.config_id for event in counted.recorder.record.evaluations] == ["one", "two"]


@pytest.mark.parametrize("interval_s", [300, 900])
def test_a_gap_is_measured_in_the_candles_own_length(interval_s: int) -> None:
    counted = Counted()
    counted.add(0, interval_s=interval_s)
    counted.add(4 * interval_s // 60, interval_s=interval_s)
    counted.count.flush()
    (event,) = counted.recorder.record.evaluations
    assert (event.evaluated, event.unevaluated) == (2, 3)


@given(st.lists(st.tuples(st.integers(1, 90), st.booleans(), st.sampled_from(["one", "two"]), st.booleans())))
def test_every_candle_is_in_exactly_one_event(looks: list[tuple[int, bool, str, bool]]) -> None:
    """Each look comes so many minutes after the one before, with enough candles or not, and an end now and then."""
    counted = Counted()
    minute = 0
    for later, evaluated, config_id, ends in looks:
        minute += later
        counted.add(minute, evaluated=evaluated, config_id=config_id)
        if ends:
            counted.count.flush()
    counted.count.flush()
    covered = [which for since, until, _, _ in counted.told for which in range(since, until + 1)]
    first = looks[0][0] if looks else 1
    assert covered == list(range(first, minute + 1))
    assert all(until - since + 1 == done + missed for since, until, done, missed in counted.told)
    assert sum(done for _, _, done, _ in counted.told) == sum(evaluated for _, evaluated, _, _ in looks)


# In the controller.


def evaluations(desk: Desk) -> list[tuple[int, int]]:
    return [(event.evaluated, event.unevaluated) for event in desk.of_kind("candles_evaluated")]


def test_the_controller_counts_each_closed_candle_once_and_what_it_missed(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(flat(LOOKBACK - 1))
    desk.look()
    for _ in range(3):
        desk.wait()
        desk.show(flat())
        desk.look()
        desk.look()
    desk.wait(4)
    desk.show(fallen())
    desk.look()
    assert evaluations(desk) == []
    desk.controller.flush()
    assert evaluations(desk) == [(4, 4)]
    (event,) = desk.of_kind("candles_evaluated")
    assert (event.controller_id, event.config_id) == ("recovery_dca", desk.config.config_id)


def test_candles_with_a_gap_in_the_feed_count_as_missed(clock: VirtualClock) -> None:
    desk = Desk(clock)
    desk.show(flat())
    desk.look()
    desk.wait()
    desk.show(flat())
    key = (PAIR, "1m")
    desk.market.frames[key] = desk.market.frames[key].drop(index=4)
    desk.look()
    desk.wait()
    desk.show(flat())
    desk.look()
    desk.controller.flush()
    assert evaluations(desk) == [(2, 1)]
