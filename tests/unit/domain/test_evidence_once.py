"""Each candle of a market counts once, whatever it is replayed from, copied by or divided into."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.criteria import STRATEGIES
from shared.domain.evidence import evidence_for
from shared.domain.exits import STOP_LOSS, TAKE_PROFIT
from shared.domain.gates import judge
from shared.domain.markets import moved
from shared.domain.run_record import RunRecord
from shared.domain.signals import Side
from tests.unit.domain.phase_runs import (
    PhaseTrade,
    candles_of,
    facts_of,
    put_together,
    round_trip,
    run_of,
    signal_of,
    trades,
)


def test_a_market_replayed_counts_once() -> None:
    runs = put_together(a=run_of(trades(1, 2)), b=run_of(trades(1, 2, 3)))
    evidence = evidence_for(1, runs)
    assert candles_of(evidence) == [("a", 1), ("a", 2), ("b", 3)]
    assert evidence.repeated == 2
    assert list(evidence.runs) == ["a", "b"], "what repeats must reconcile as well"


def test_a_recorded_candle_counts_once_whatever_file_start_or_seed_it_is_replayed_with() -> None:
    first = run_of(trades(1, 2), market="replay:/a/x_BTC-USDT.csv@S, seed 1" + moved({"BTC-USDT": 0}))
    again = run_of(trades(1, 2, 3), market="replay:/b/y_BTC-USDT.csv@T, seed 2" + moved({"BTC-USDT": 0}))
    evidence = evidence_for(1, put_together(a=first, b=again))
    assert candles_of(evidence) == [("a", 1), ("a", 2), ("b", 3)]
    assert evidence.repeated == 2


def test_a_moved_recording_counts_by_the_time_it_was_recorded_at() -> None:
    (one,), (two,) = trades(1), trades(2)
    shift_ms = two.signal.candle_close_ms - one.signal.candle_close_ms
    first = run_of([one], market="replay:x, seed 1" + moved({"BTC-USDT": 0}))
    moved_on = run_of([two], market="replay:y, seed 1" + moved({"BTC-USDT": shift_ms}))
    assert candles_of(evidence_for(1, put_together(a=first, b=moved_on))) == [("a", 1)]


def test_a_venue_that_does_not_say_what_it_serves_gives_no_evidence() -> None:
    evidence = evidence_for(1, put_together(a=run_of(trades(1, 2), market="venue http://127.0.0.1:8765")))
    assert (candles_of(evidence), evidence.on_unnamed_markets) == ([], 2)


def test_no_better_second_try_replaces_the_first() -> None:
    bad, good = round_trip(signal_of(1), STOP_LOSS), round_trip(signal_of(1), TAKE_PROFIT)
    (trade,) = evidence_for(1, put_together(a=run_of([bad]), b=run_of([good]))).trades
    assert trade.closed is not None
    assert trade.closed.close_type == STOP_LOSS


def test_a_first_try_that_never_closed_is_not_replaced_either() -> None:
    cut_off = PhaseTrade(signal_of(1)).open()
    cut_off.order([], amount=1, end="none")  # type: ignore[arg-type]
    evidence = evidence_for(1, put_together(a=run_of([cut_off], stopped=False), b=run_of(trades(1))))
    assert (len(evidence.trades), evidence.repeated) == (0, 1)


def test_other_markets_have_other_candles() -> None:
    runs = put_together(a=run_of(trades(1)), b=run_of(trades(1), market="simulated, seed 8"))
    assert candles_of(evidence_for(1, runs)) == [("a", 1), ("b", 1)]


def test_a_run_that_names_no_market_is_one_of_its_own() -> None:
    runs = put_together(a=run_of(trades(1), market=""), b=run_of(trades(1), market=""))
    assert candles_of(evidence_for(1, runs)) == [("a", 1), ("b", 1)]


def test_a_copied_controller_makes_no_second_trade_of_a_candle() -> None:
    """Signals are named after their controller, configurations are not told apart by theirs."""
    copied = signal_of(1, signal_id="copy@1", controller_id="copy")
    evidence = evidence_for(1, put_together(a=run_of([round_trip(signal_of(1)), round_trip(copied)])))
    assert (len(evidence.trades), evidence.repeated) == (1, 1)


@pytest.mark.parametrize(
    "changes", [{"pair": "ETH-USDT"}, {"side": Side.SELL}, {"strategy": "recovery_swing"}, {"candle_close_ms": 7}]
)
def test_what_makes_a_candle_another_one(changes: dict[str, Any]) -> None:
    other = signal_of(1, **{"signal_id": "other", **changes})
    evidence = evidence_for(1, put_together(a=run_of([round_trip(signal_of(1)), round_trip(other)])))
    assert len(evidence.trades) == 2


@st.composite
def many_trades(draw: st.DrawFn) -> list[PhaseTrade]:
    count = draw(st.integers(1, 70))
    made = []
    for number in range(count):
        strategy = draw(st.sampled_from(STRATEGIES))
        decided = signal_of(number, strategy, 2, f"{strategy}-2", side=draw(st.sampled_from(Side)))
        failed = draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 3]))
        cause = draw(st.sampled_from([TAKE_PROFIT, STOP_LOSS, "TIME_LIMIT"]))
        made.append(round_trip(decided, cause, failed_orders=failed))
    return made


def verdicts(runs: dict[str, RunRecord]) -> list[tuple[str, str]]:
    gates = [judge(facts_of(phase, runs)) for phase in (1, 2)]
    return [(criterion.name, answer.verdict) for gate in gates for criterion, answer in gate.answers]


def counted(runs: dict[str, RunRecord]) -> list[Any]:
    """All figures but those that are of whole runs, repeated ones included."""
    gates = [judge(facts_of(phase, runs)) for phase in (1, 2)]
    return [
        (criterion.name, answer.value, answer.figures)
        for gate in gates
        for criterion, answer in gate.answers
        if criterion.name not in ("reconciled", "trades_stored")
    ]


@given(made=many_trades())
def test_replaying_a_run_changes_no_verdict(made: list[PhaseTrade]) -> None:
    run = run_of(made)
    once, twice = put_together(a=run), put_together(a=run, b=run)
    assert verdicts(twice) == verdicts(once)
    assert counted(twice) == counted(once)


@given(made=many_trades(), place=st.integers(0, 70))
def test_splitting_a_run_in_two_changes_no_verdict(made: list[PhaseTrade], place: int) -> None:
    whole, parts = put_together(a=run_of(made)), put_together(a=run_of(made[:place]), b=run_of(made[place:]))
    assert verdicts(parts) == verdicts(whole)
    assert counted(parts) == counted(whole)
