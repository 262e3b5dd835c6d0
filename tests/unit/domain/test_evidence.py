"""What counts for a gate: of its phase, of the configuration in force, and not what is still on its way."""

from dataclasses import replace

from shared.domain import events as ev
from shared.domain.evidence import evidence_for
from tests.unit.domain.generated_runs import signal as refused_signal
from tests.unit.domain.phase_runs import (
    MINUTE_MS,
    PhaseTrade,
    candles_of,
    config_of,
    put_together,
    round_trip,
    run_of,
    signal_of,
    trades,
)


def test_trades_of_the_phase_count() -> None:
    runs = put_together(a=run_of(trades(1, 2)), b=run_of(trades(3), market="live"))
    evidence = evidence_for(1, runs)
    assert candles_of(evidence) == [("a", 1), ("a", 2), ("b", 3)]
    assert (len(evidence.trades), len(evidence.orders)) == (3, 6)
    assert list(evidence.runs) == ["a", "b"]
    assert (evidence.repeated, evidence.of_other_configs) == (0, 0)


def test_a_later_phase_counts_for_the_gates_before_it_and_not_the_other_way_round() -> None:
    runs = put_together(a=run_of(trades(1)), b=run_of(trades(2, phase=2, config_id="later")))
    assert candles_of(evidence_for(1, runs)) == [("a", 1), ("b", 2)]
    assert candles_of(evidence_for(2, runs)) == [("b", 2)]
    assert evidence_for(2, runs).of_other_configs == 0, "what is of no concern is not left out"
    assert candles_of(evidence_for(3, runs)) == []


def test_normal_operation_counts_for_no_gate() -> None:
    runs = put_together(a=run_of(trades(1, phase=None)), b=run_of(trades(2, phase=None, config_id=None)))
    assert candles_of(evidence_for(1, runs)) == []
    assert evidence_for(1, runs).configs == ()


def test_refused_signals_count_for_nothing() -> None:
    refused = replace(
        refused_signal("x", reason="cooldown"), phase=1, config_id="0123456789ab", candle_close_ms=MINUTE_MS
    )
    evidence = evidence_for(1, put_together(a=run_of(trades(1), [refused])))
    assert candles_of(evidence) == [("a", 1)]
    assert evidence.repeated == 0


def test_orders_count_through_the_signal_of_their_executor() -> None:
    trade = round_trip(signal_of(1))
    renamed = [
        replace(event, signal_id="other") if isinstance(event, ev.OrderSubmitted | ev.OrderFilled) else event
        for event in trade.events
    ]
    trade.events[:] = renamed
    evidence = evidence_for(1, put_together(a=run_of([trade])))
    assert (len(evidence.orders), len(evidence.trades)) == (2, 1)


# The configuration in force.


def test_a_changed_threshold_starts_its_own_count() -> None:
    before, after = run_of(trades(1, 2)), run_of(trades(3, config_id="changed"))
    evidence = evidence_for(1, put_together(a=before, b=after))
    assert candles_of(evidence) == [("b", 3)]
    assert evidence.of_other_configs == 2
    assert [config.config_id for config in evidence.configs] == ["changed"]


def test_a_changed_threshold_starts_its_count_before_its_first_trade() -> None:
    edited = run_of(trades(1, 2), configs=[config_of(), config_of("changed", at_ms=99)])
    assert candles_of(evidence_for(1, put_together(a=edited))) == []


def test_going_back_to_old_values_goes_back_to_their_count() -> None:
    runs = put_together(
        a=run_of(trades(1)), b=run_of(trades(2, config_id="changed")), c=run_of([], configs=[config_of(at_ms=500)])
    )
    evidence = evidence_for(1, runs)
    assert candles_of(evidence) == [("a", 1)]
    assert [config.since_ms for config in evidence.configs] == [1], "since it first took effect"


def test_the_same_candle_counts_under_each_configuration() -> None:
    """What was done under an old configuration takes no candle away from the one in force."""
    runs = put_together(a=run_of(trades(1)), b=run_of(trades(1, config_id="changed")))
    assert candles_of(evidence_for(1, runs)) == [("b", 1)]


def test_each_strategy_and_phase_has_its_own_configuration() -> None:
    first = [*trades(1), *trades(2, strategy="recovery_swing", config_id="swing")]
    runs = put_together(
        a=run_of(first), b=run_of(trades(3, config_id="changed")), c=run_of(trades(4, phase=2, config_id="2"))
    )
    evidence = evidence_for(1, runs)
    assert candles_of(evidence) == [("a", 2), ("b", 3), ("c", 4)]
    assert [(config.strategy, config.phase, config.config_id) for config in evidence.configs] == [
        ("recovery_dca", 1, "changed"),
        ("recovery_swing", 1, "swing"),
        ("recovery_dca", 2, "2"),
    ]


def test_a_run_that_never_began_says_what_is_in_force_and_counts_for_nothing() -> None:
    begun = run_of(trades(1))
    stillborn = [config_of("changed"), *trades(2, config_id="changed")[0].events]
    evidence = evidence_for(1, put_together(a=begun, b=stillborn))
    assert candles_of(evidence) == []
    assert list(evidence.runs) == []
    assert evidence.of_other_configs == 1


# An order that is still on its way.


def without_order(number: int = 1) -> list[ev.Event]:
    return [*run_of([], configs=[config_of()], stopped=False), signal_of(number)]


def is_on_its_way(events: list[ev.Event]) -> bool:
    (signal,) = evidence_for(1, put_together(a=events)).signals
    return signal.is_on_its_way


def later(after_ms: int) -> ev.SignalDecided:
    return signal_of(2, signal_id="later", at_ms=signal_of(1).at_ms + after_ms, reason="cooldown")


def looked_at(after_ms: int) -> ev.CandlesEvaluated:
    return ev.CandlesEvaluated(
        at_ms=signal_of(1).at_ms + after_ms,
        controller_id="x",
        strategy="recovery_dca",
        pair="BTC-USDT",
        phase=1,
        config_id="x",
        since_ms=0,
        until_ms=1,
        evaluated=1,
        unevaluated=0,
    )


def test_an_order_has_a_minute_to_come() -> None:
    assert is_on_its_way(without_order())
    assert is_on_its_way([*without_order(), later(59_999), looked_at(59_999)])
    assert not is_on_its_way([*without_order(), later(60_000)])
    assert not is_on_its_way([*without_order(), looked_at(60_000)])


def test_no_order_comes_once_the_run_stopped_or_the_executor_closed() -> None:
    stopped = run_of([], configs=[config_of()])
    assert not is_on_its_way([*stopped[:-1], signal_of(1), stopped[-1]])
    closed = PhaseTrade(signal_of(1)).open().close()
    assert not is_on_its_way([*without_order()[:-1], *closed.events])


def test_what_has_an_order_is_not_on_its_way() -> None:
    assert not is_on_its_way(run_of(trades(1), stopped=False))


def test_only_the_newest_run_has_signals_on_their_way() -> None:
    unfinished = run_of([PhaseTrade(signal_of(1)).open()], stopped=False)
    assert evidence_for(1, put_together(a=unfinished)).signals[0].is_on_its_way
    assert not evidence_for(1, put_together(a=unfinished, b=run_of(trades(2)))).signals[0].is_on_its_way
