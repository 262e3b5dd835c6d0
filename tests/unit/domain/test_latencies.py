"""How long each step took: from the events' own times, in quantiles that were really seen."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain import events as ev
from shared.domain.latencies import Latency, Span, _quantile, latencies_of
from shared.domain.run_record import RunRecord
from tests.unit.domain.generated_runs import TradeBuilder, record, run_started

# What each kind of event is stamped with: a step's own distance from the one before.
TIMES = {"signal": 1_003, "executor_opened": 1_010, "fill": 1_100, "exit_decided": 5_000, "executor_closed": 5_400}


def timed() -> list[ev.Event]:
    trade = TradeBuilder("1").open()
    trade.order([(Decimal(100), Decimal(1), Decimal(0))] * 2, amount=Decimal(2), limit=Decimal(100))
    trade.order([], amount=Decimal(1), limit=Decimal(90), end="cancelled")
    trade.events.append(
        ev.ExitDecided(
            at_ms=0,
            executor_id=trade.executor_id,
            signal_id=trade.signal_id,
            cause="TAKE_PROFIT",
            barrier_price=Decimal(101),
            best_price=Decimal(101),
            expected_price=Decimal(101),
            tick=Decimal("0.01"),
            untouched_at_ms=None,
        )
    )
    trade.order([(Decimal(101), Decimal(2), Decimal(0))], amount=Decimal(2), closing=True)
    trade.close()
    return [_stamped(event) for event in trade.events]


def _stamped(event: ev.Event) -> ev.Event:
    match event:
        case ev.SignalDecided():
            return replace(event, at_ms=1_003, candle_close_ms=1_000)
        case ev.OrderSubmitted():
            return replace(event, at_ms=5_020 if event.closing else 1_050)
        case ev.OrderFilled(order_id="order-1-3"):
            return replace(event, at_ms=5_080)
        case _:
            return replace(event, at_ms=TIMES.get(event.kind, event.at_ms))


def test_each_span_is_measured() -> None:
    seen = {latency.span: latency for latency in latencies_of([record([run_started(), *timed()])])}
    assert {span: latency.p50_ms for span, latency in seen.items()} == {
        Span.DECIDED: 3,
        Span.SUBMITTED: 47,
        Span.ENTRY_FILLED: 50,
        Span.EXIT_DECIDED: 400,
        Span.EXIT_FILLED: 60,
        Span.HELD: 4_390,
    }
    assert {latency.count for latency in seen.values()} == {1}


def test_nothing_seen_is_nothing_said() -> None:
    assert latencies_of([RunRecord()]) == tuple(Latency(span, 0, None, None) for span in Span)
    assert latencies_of([]) == latencies_of([RunRecord()])


def test_runs_are_taken_together() -> None:
    run = record(timed())
    assert {latency.count for latency in latencies_of([run, run])} == {2}


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=300), st.sampled_from([0.5, 0.99]))
def test_a_quantile_is_one_that_was_seen(durations: list[int], share: float) -> None:
    value = _quantile(durations, share)
    assert value in durations
    at_most = sum(1 for duration in durations if duration <= value)
    below = sum(1 for duration in durations if duration < value)
    assert at_most >= share * len(durations) > below
