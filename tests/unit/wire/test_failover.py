"""Who serves the pairs: left when out, back when proven, nobody where nobody can be relied on."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.wire.failover import TRANSITIONS, Decision, Failover, Heard, Standing

BEST, NEXT, LAST = "polygon", "binance", "kraken"
RANKED = (BEST, NEXT, LAST)
DWELL_S = 600


class Run:
    """A failover and its time: minutes go by, and what it wants prepared is, unless told otherwise."""

    def __init__(self, *ranked: str, dwell_s: float = DWELL_S) -> None:
        self.failover = Failover(ranked or (BEST, NEXT), dwell_s=dwell_s)
        self.minute = 0
        self.decision = self.failover.due

    @property
    def now_s(self) -> float:
        return self.minute * 60.0

    def minutes(self, count: int, *on_time: str, prepares: bool = True) -> Decision:
        for _ in range(count):
            self.minute += 1
            heard = dict.fromkeys(on_time, True)
            self.decision = self.failover.minute_over(self.minute * 60_000, heard, self.now_s)
            if prepares:
                self.prepare()
        return self.decision

    def prepare(self) -> Decision:
        for name in self.failover.due.prepare:
            self.decision = self.failover.backfilled(name, self.now_s)
        return self.decision


def running(*ranked: str, dwell_s: float = DWELL_S) -> Run:
    run = Run(*ranked, dwell_s=dwell_s)
    run.prepare()
    run.minutes(10, *(ranked or (BEST, NEXT)))
    return run


def test_every_source_hears_everything_wherever_it_stands() -> None:
    assert set(TRANSITIONS) == set(product(Standing, Heard))


def test_nothing_is_in_use_until_the_best_is_backfilled() -> None:
    failover = Failover(RANKED)
    assert failover.due == Decision(None, RANKED, switched=False, reason="")
    assert failover.backfilled(NEXT, 1).in_use is None
    decision = failover.backfilled(BEST, 2)
    assert decision == Decision(BEST, (LAST,), switched=True, reason="polygon is ready")


def test_the_next_one_begins_where_the_best_is_not_ready_within_a_minute() -> None:
    failover = Failover(RANKED)
    failover.backfilled(NEXT, 1)
    decision = failover.minute_over(0, dict.fromkeys(RANKED, True), 60)
    assert (decision.in_use, decision.switched) == (NEXT, True)


def test_the_next_one_begins_at_once_where_the_best_has_failed() -> None:
    failover = Failover(RANKED)
    failover.backfilled(NEXT, 1)
    assert failover.failed(BEST, "its key was refused", 2).in_use == NEXT


def test_a_failure_of_a_worse_source_hastens_nothing() -> None:
    failover = Failover(RANKED)
    failover.backfilled(NEXT, 1)
    assert failover.failed(LAST, "its address is blocked", 2).in_use is None


def test_a_source_begins_unproven_and_not_late() -> None:
    run = Run()
    run.minutes(1, BEST)
    assert (run.failover.standing(BEST), run.failover.standing(NEXT)) == (Standing.ON_TIME, Standing.LATE)
    run.minutes(3, BEST)
    assert run.failover.standing(BEST) is Standing.ON_TIME
    run.minutes(1, BEST)
    assert run.failover.standing(BEST) is Standing.PROVEN


def test_one_bar_may_be_enough_either_way() -> None:
    failover = Failover(RANKED, leave_after=1, return_after=1)
    failover.minute_over(0, {BEST: True}, 0)
    assert (failover.standing(BEST), failover.standing(NEXT)) == (Standing.PROVEN, Standing.OUT)


def test_one_late_bar_changes_nothing() -> None:
    run = running()
    assert run.minutes(1, NEXT).in_use == BEST
    assert run.minutes(1, BEST, NEXT) == Decision(BEST, (), switched=False, reason="")


def test_two_missed_bars_and_it_is_left() -> None:
    run = running()
    decision = run.minutes(2, NEXT)
    assert (decision.in_use, decision.switched) == (NEXT, True)
    assert decision.reason == "polygon is out: 2 canary bars in a row were not on time"


def test_a_source_that_says_it_will_not_serve_is_left_at_once() -> None:
    run = running()
    decision = run.failover.failed(BEST, "its key was refused", run.now_s)
    assert decision == Decision(NEXT, (), switched=True, reason="polygon is out: its key was refused")


def test_the_one_to_step_in_is_the_best_that_is_fit() -> None:
    run = running(*RANKED)
    run.minutes(1, LAST)
    assert run.minutes(1, LAST).in_use == LAST


def test_one_that_was_late_itself_steps_in_only_once_backfilled() -> None:
    run = running()
    run.minutes(1, BEST)
    run.minutes(1, NEXT, prepares=False)
    decision = run.minutes(1, NEXT, prepares=False)
    assert decision == Decision(
        None, (NEXT,), True, "polygon is out: 2 canary bars in a row were not on time; no other source is ready"
    )
    assert run.prepare().in_use == NEXT


def test_where_none_is_fit_none_is_in_use_until_one_is() -> None:
    run = running()
    assert run.minutes(2).in_use is None
    assert run.minutes(5) == Decision(None, (), switched=False, reason="")
    assert run.minutes(1, NEXT).in_use == NEXT


def test_the_best_comes_back_after_five_clean_bars_and_its_backfill() -> None:
    run = running(dwell_s=0)
    run.minutes(2, NEXT)
    assert run.minutes(4, BEST, NEXT).in_use == NEXT
    decision = run.minutes(1, BEST, NEXT)
    assert decision == Decision(BEST, (), switched=True, reason="polygon is back: on time for 5 minutes")


def test_the_best_does_not_come_back_without_its_backfill() -> None:
    run = running(dwell_s=0)
    run.minutes(2, NEXT)
    decision = run.minutes(30, BEST, NEXT, prepares=False)
    assert (decision.in_use, decision.prepare) == (NEXT, (BEST,))
    assert run.prepare().in_use == BEST


def test_a_missed_bar_begins_the_proof_anew() -> None:
    run = running(dwell_s=0)
    run.minutes(2, NEXT)
    run.minutes(4, BEST, NEXT)
    run.minutes(1, NEXT)
    assert run.minutes(4, BEST, NEXT).in_use == NEXT
    assert run.minutes(1, BEST, NEXT).in_use == BEST


def test_a_switch_is_not_undone_before_its_dwell_time() -> None:
    run = running()
    run.minutes(2, NEXT)
    assert run.minutes(9, BEST, NEXT).in_use == NEXT
    assert run.minutes(1, BEST, NEXT).in_use == BEST


def test_dwell_time_keeps_nobody_on_a_source_that_is_out() -> None:
    run = running()
    run.minutes(2, NEXT)
    run.minutes(3, BEST, NEXT)
    assert run.minutes(2, BEST).in_use == BEST


def test_a_worse_source_never_replaces_one_that_works() -> None:
    run = running()
    run.minutes(2, NEXT)
    run.minutes(20, BEST, NEXT)
    assert run.minutes(20, BEST, NEXT).in_use == BEST


def test_a_failed_source_is_believed_once_it_brings_bars() -> None:
    run = running(dwell_s=0)
    run.failover.failed(BEST, "its key was refused", run.now_s)
    assert run.failover.standing(BEST) is Standing.OUT
    assert not run.failover.is_fit(BEST)
    assert run.minutes(4, BEST, NEXT).in_use == NEXT
    assert run.minutes(1, BEST, NEXT).in_use == BEST


def test_a_failed_source_is_backfilled_anew() -> None:
    run = running(dwell_s=0)
    run.minutes(2, NEXT)
    run.minutes(1, BEST, NEXT)
    run.failover.failed(BEST, "its key was refused", run.now_s)
    assert run.minutes(6, BEST, NEXT, prepares=False).in_use == NEXT


def test_a_backfill_that_ends_while_bars_are_missing_does_not_count() -> None:
    run = running(dwell_s=0)
    run.minutes(2, NEXT)
    run.failover.backfilled(BEST, run.now_s)
    assert run.minutes(6, BEST, NEXT, prepares=False).in_use == NEXT


def test_a_minute_is_judged_once() -> None:
    run = running()
    again = run.minute * 60_000
    for _ in range(3):
        assert run.failover.minute_over(again, {}, run.now_s) == Decision(BEST, (), switched=False, reason="")
    assert run.failover.standing(BEST) is Standing.PROVEN


def test_minutes_that_nobody_judged_prove_nothing() -> None:
    run = running(dwell_s=0)
    run.minutes(2, NEXT)
    run.minutes(4, BEST, NEXT)
    run.minute += 60
    assert run.minutes(4, BEST, NEXT).in_use == NEXT
    assert run.minutes(1, BEST, NEXT).in_use == BEST
    run.minute += 60
    assert run.minutes(1, BEST, NEXT, prepares=False).prepare == (NEXT,)
    assert run.failover.standing(BEST) is Standing.ON_TIME


@pytest.mark.parametrize("ranked", [(), (BEST, BEST)])
def test_sources_are_some_and_each_once(ranked: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="each once"):
        Failover(ranked)


@pytest.mark.parametrize("counts", [{"leave_after": 0}, {"return_after": 0}])
def test_counts_are_at_least_one(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Failover(RANKED, **counts)


def test_a_source_it_was_not_given_is_refused() -> None:
    failover = Failover(RANKED)
    for call in (lambda: failover.backfilled("coingecko", 0), lambda: failover.failed("coingecko", "", 0)):
        with pytest.raises(ValueError, match="must be one of polygon, binance, kraken"):
            call()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("minute"), st.frozensets(st.sampled_from(RANKED))),
        st.tuples(st.just("backfilled"), st.sampled_from(RANKED)),
        st.tuples(st.just("failed"), st.sampled_from(RANKED)),
    ),
    max_size=120,
)


@given(STEPS)
@settings(max_examples=300)
def test_laws_of_every_switch(steps: list[tuple[str, frozenset[str] | str]]) -> None:
    failover = Failover(RANKED, dwell_s=DWELL_S)
    minute, before, switched_s = 0, None, None
    for kind, what in steps:
        if kind == "minute":
            minute += 1
            decision = failover.minute_over(minute * 60_000, dict.fromkeys(what, True), minute * 60.0)
        elif kind == "backfilled":
            decision = failover.backfilled(str(what), minute * 60.0)
        else:
            decision = failover.failed(str(what), "told so", minute * 60.0)
        assert decision.in_use == failover.in_use
        assert decision.switched == (decision.in_use != before) == bool(decision.reason)
        assert decision.in_use not in decision.prepare
        assert decision.in_use is None or failover.standing(decision.in_use) is not Standing.OUT
        if decision.switched:
            assert decision.in_use is None or failover.is_fit(decision.in_use)
            was_out = before is None or failover.standing(before) is Standing.OUT
            if not was_out:
                assert RANKED.index(decision.in_use) < RANKED.index(before)
                assert failover.standing(decision.in_use) is Standing.PROVEN
                assert minute * 60 - switched_s >= DWELL_S
            before, switched_s = decision.in_use, minute * 60


@given(STEPS)
@settings(max_examples=300)
def test_from_anywhere_the_best_comes_back_once_all_is_well(steps: list[tuple[str, frozenset[str] | str]]) -> None:
    run = Run(*RANKED)
    for kind, what in steps:
        if kind == "minute":
            run.minutes(1, *what, prepares=False)
        elif kind == "backfilled":
            run.failover.backfilled(str(what), run.now_s)
        else:
            run.failover.failed(str(what), "told so", run.now_s)
    run.prepare()
    assert run.minutes(5 + DWELL_S // 60, *RANKED).in_use == BEST
