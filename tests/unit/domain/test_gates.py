"""The gates as the issue has them, and how criteria make a verdict."""

import pytest

from shared.domain.criteria import Answer, Verdict
from shared.domain.exits import STOP_LOSS, TAKE_PROFIT
from shared.domain.gates import GATES, Gate, judge, needs_store
from tests.unit.domain.phase_runs import facts_of, put_together, round_trip, run_of, signal_of, validated


def test_the_table() -> None:
    assert {phase: [(each.name, each.bound) for each in criteria] for phase, criteria in GATES.items()} == {
        1: [("closed_trades", ">= 10"), ("signals_reach_orders", "all"), ("reconciled", "agree")],
        2: [
            ("closed_trades", ">= 50"),
            ("order_failure_rate", "< 5%"),
            ("take_profit_works", ">= 5"),
            ("stop_loss_works", ">= 5"),
            ("trades_stored", "all"),
            ("every_strategy", ">= 10"),
        ],
        3: [("boosted_gain", "measured")],
        4: [("shadow_differences", "measured")],
    }


@pytest.mark.parametrize("count", [9, 10])
def test_phase_1_takes_ten_trades(count: int) -> None:
    runs = put_together(a=run_of([round_trip(signal_of(number), TAKE_PROFIT) for number in range(count)]))
    assert judge(facts_of(1, runs)).verdict is (Verdict.PASSED if count == 10 else Verdict.INCONCLUSIVE)


def test_phase_2_passes_with_what_it_asks_for() -> None:
    gate = judge(facts_of(2, put_together(a=run_of(validated()))))
    assert gate.verdict is Verdict.PASSED
    assert [answer.needed for _, answer in gate.answers] == [""] * 6
    assert judge(facts_of(1, put_together(a=run_of(validated())))).verdict is Verdict.PASSED, "it proves phase 1 too"


@pytest.mark.parametrize(
    ("left_out", "criterion"),
    [(slice(49, None), "closed_trades"), (slice(0, 1), "take_profit_works"), (slice(5, 6), "stop_loss_works")],
)
def test_phase_2_is_as_strict_as_the_issue(left_out: slice, criterion: str) -> None:
    made = validated()
    del made[left_out]
    gate = judge(facts_of(2, put_together(a=run_of(made))))
    verdicts = {each.name: answer.verdict for each, answer in gate.answers}
    assert verdicts.pop(criterion) is Verdict.INCONCLUSIVE
    assert set(verdicts.values()) == {Verdict.PASSED}


@pytest.mark.parametrize("count", [9, 10])
def test_phase_2_wants_each_strategy(count: int) -> None:
    others = [trade for trade in validated() if trade.signal.strategy != "recovery_channel"]
    channel = [signal_of(100 + number, "recovery_channel", 2, "channel") for number in range(count)]
    more = [signal_of(200 + number, phase=2, config_id="recovery_dca-2") for number in range(10)]
    causes = [TAKE_PROFIT, STOP_LOSS] * 10
    made = [*others, *(round_trip(signal, cause) for signal, cause in zip([*channel, *more], causes, strict=False))]
    gate = judge(facts_of(2, put_together(a=run_of(made))))
    assert gate.verdict is (Verdict.PASSED if count == 10 else Verdict.INCONCLUSIVE)
    assert gate.answers[-1][1].needed == ("" if count == 10 else "1 more of recovery_channel")


@pytest.mark.parametrize("phase", [3, 4])
def test_what_nothing_measures_is_inconclusive(phase: int) -> None:
    gate = judge(facts_of(phase, put_together(a=run_of(validated(phase)))))
    assert gate.verdict is Verdict.INCONCLUSIVE
    assert [answer.needed for _, answer in gate.answers] == ["not measured yet"]


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [("PPP", "PASSED"), ("PIP", "INCONCLUSIVE"), ("IFP", "FAILED"), ("FII", "FAILED")],
)
def test_one_criterion_decides(verdicts: str, verdict: str) -> None:
    named = {each[0]: each for each in Verdict}
    answers = [Answer(Verdict(named[letter]), "") for letter in verdicts]
    assert Gate(1, tuple(zip(GATES[1], answers, strict=True))).verdict == verdict


def test_which_gates_ask_the_store() -> None:
    assert [phase for phase in GATES if needs_store(phase)] == [2]
