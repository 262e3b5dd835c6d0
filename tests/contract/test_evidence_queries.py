"""A gate's figures asked of the database are those of the journal, whatever is stored beside them."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.adapters.postgres.evidence_queries import evidence_queries
from shared.domain import events as ev
from shared.domain.criteria import STRATEGIES, Facts, StoredTrades
from shared.domain.evidence import evidence_for
from shared.domain.exits import STOP_LOSS, TAKE_PROFIT
from shared.domain.gates import GATES
from shared.domain.markets import moved
from shared.domain.run_record import RunRecord
from shared.domain.shipping import JournalBatch
from shared.domain.signals import Side
from shared.wire.journal_codec import encode_event
from tests.store_backends import Backend, ship_all
from tests.unit.domain.phase_runs import (
    AMOUNT,
    ENTRY,
    TICK,
    PhaseTrade,
    config_of,
    exit_of,
    round_trip,
    run_of,
    signal_of,
)

pytestmark = pytest.mark.store

Runs = dict[str, list[ev.Event]]
# One market under three names, one moved by a candle, and one that does not say what it is.
REPLAYS = (
    "replay:/a/x_BTC-USDT.csv@2025-04-06T20:00, seed 1" + moved({"BTC-USDT": 0}),
    "replay:/b/moved/y_BTC-USDT.csv@2025-04-07T20:00, seed 2" + moved({"WBTC-USDT": 7, "BTC-USDT": 0}),
    "replay:/b/y_BTC-USDT.csv@2025-04-07T20:00, seed 2" + moved({"ETH-USDT": 0, "BTC-USDT": 60_000}),
    "venue http://127.0.0.1:8765",
)


def run_id(number: int) -> str:
    return uuid.UUID(int=number).hex


def ship(backend: Backend, journal_id: str, runs: Runs) -> None:
    lines = [(name, encode_event(event)) for name, events in runs.items() for event in events]
    names, payloads = zip(*lines, strict=True)
    ship_all(backend, JournalBatch(journal_id, "bot", 0, range(1, len(lines) + 1), names, payloads))
    assert backend.dead_letters() == {}


def assert_same_figures(backend: Backend, journal_id: str, runs: Runs) -> dict[str, dict[str, int]]:
    records = {name: RunRecord.of(events) for name, events in runs.items()}
    stored = StoredTrades({name: len(run.closed_trades) for name, run in records.items()}, is_shipped=True)
    for phase in (2, 1):
        facts = Facts(evidence_for(phase, records), stored)
        queries = evidence_queries(facts.evidence, journal_id)
        # Each query for each phase, whatever its gate asks.
        journaled = {each.name: each.judge(facts).figures for each in (*GATES[1], *GATES[2])}
        assert {name: dict(backend.fetch(query)[0]) for name, query in queries.items()} == journaled
    return journaled


def unlike_a_trade(number: int) -> Sequence[ev.Event]:
    """A trade whose reported PnL is another one."""
    trade = round_trip(signal_of(number))
    trade.events[-1] = replace(trade.events[-1], reported_pnl_quote=Decimal(99))  # type: ignore[call-arg]
    return trade.events


def test_a_journal_with_everything(postgres: Backend) -> None:
    exits = [
        round_trip(signal_of(10), TAKE_PROFIT, failed_orders=2),
        round_trip(signal_of(11, side=Side.SELL), TAKE_PROFIT),
        round_trip(signal_of(12), STOP_LOSS),
        round_trip(signal_of(13, side=Side.SELL), STOP_LOSS),
        round_trip(signal_of(14), TAKE_PROFIT, decided=exit_of(TAKE_PROFIT, untouched_at_ms=None)),
        round_trip(signal_of(15), TAKE_PROFIT, decided=exit_of(TAKE_PROFIT, at_ms=9000, untouched_at_ms=6999)),
        round_trip(signal_of(16), TAKE_PROFIT, decided=exit_of(TAKE_PROFIT, at_ms=9000, untouched_at_ms=7000)),
        round_trip(signal_of(17), TAKE_PROFIT, decided=exit_of(TAKE_PROFIT, best_price=ENTRY)),
        round_trip(signal_of(18), TAKE_PROFIT, closing_price=Decimal("100.99") + 2 * TICK),
        round_trip(signal_of(19), TAKE_PROFIT, closing_price=Decimal("100.99") + TICK),
        round_trip(signal_of(20), "FAILED", decided=exit_of(TAKE_PROFIT)),
        round_trip(signal_of(21), STOP_LOSS, decided=exit_of(STOP_LOSS, best_price=None, expected_price=None)),
    ]
    twice = round_trip(signal_of(22), STOP_LOSS)
    twice.exit(exit_of(TAKE_PROFIT))  # a second decision for one executor counts for nothing
    exits.append(twice)
    unfilled = PhaseTrade(signal_of(30)).open()
    unfilled.order([], amount=AMOUNT, limit=ENTRY, end="cancelled")
    refused = signal_of(33, reason="cooldown")
    first = run_of([*exits, unfilled.close()], [signal_of(31), refused, *unlike_a_trade(32)])
    others = [round_trip(signal_of(number, name, config_id=name)) for name in STRATEGIES[1:] for number in (1, 2, 3)]
    # Candle 12 counts already, and not as it went the second time.
    later = [
        round_trip(signal_of(number, phase=2, config_id="2"), STOP_LOSS, failed_orders=3) for number in (12, 50, 51)
    ]
    runs = {
        run_id(9): run_of([round_trip(signal_of(40, config_id="old"))]),
        run_id(3): first,
        run_id(5): first,
        run_id(4): run_of([*others, *later]),
        run_id(2): run_of([round_trip(signal_of(1)), round_trip(signal_of(2, phase=None))], market=""),
        run_id(1): run_of([round_trip(signal_of(1)), PhaseTrade(signal_of(3)).open()], market="", stopped=False),
    }
    journal_id = run_id(9)
    # Another home in the same store, of the same market and configuration, decided first.
    elsewhere = {run_id(100): run_of([round_trip(signal_of(number)) for number in range(60)])}
    ship(postgres, run_id(100), elsewhere)
    ship(postgres, journal_id, runs)
    figures = assert_same_figures(postgres, journal_id, runs)
    # So that it is not zeros that agree.
    assert figures["closed_trades"]["trades"] == 13 + 1 + 6 + 2 + 2
    assert figures["signals_reach_orders"] == {"taken": 27, "reached": 25}
    assert figures["reconciled"]["unreconciled"] == 2
    assert figures["take_profit_works"] == {"worked": 13, "seen": 18}
    assert figures["stop_loss_works"] == {"worked": 5, "seen": 6}


def test_a_journal_without_evidence(postgres: Backend) -> None:
    runs = {run_id(1): run_of([], configs=[])}
    ship(postgres, run_id(1), runs)
    assert_same_figures(postgres, run_id(1), runs)


@st.composite
def generated_runs(draw: st.DrawFn) -> Runs:
    runs: Runs = {}
    for name in draw(st.lists(st.integers(1, 2**64), min_size=1, max_size=4, unique=True)):
        made = []
        for candle in sorted(draw(st.sets(st.integers(0, 12), max_size=8))):
            strategy, phase = draw(st.sampled_from(STRATEGIES)), draw(st.sampled_from([1, 2, None]))
            config_id = f"{strategy}-{phase}-{draw(st.sampled_from('ab'))}"
            signal = signal_of(candle, strategy, phase, config_id, side=draw(st.sampled_from(Side)))
            cause = draw(st.sampled_from([TAKE_PROFIT, STOP_LOSS, "TIME_LIMIT"]))
            made.append(round_trip(signal, cause, failed_orders=draw(st.sampled_from([0, 0, 1]))))
        market = draw(st.sampled_from(["", "live", "simulated, seed 7", *REPLAYS]))
        configs = [
            config_of(f"{strategy}-{phase}-{draw(st.sampled_from('ab'))}", strategy, phase)
            for strategy in STRATEGIES
            for phase in (1, 2, None)
        ]
        runs[run_id(name)] = run_of(made, market=market, configs=configs, stopped=draw(st.booleans()))
    return runs


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=generated_runs())
def test_any_journal(runs: Runs, postgres: Backend) -> None:
    journal_id = next(iter(runs))
    for relation in ("runs", "signals", "scan_history", "orders", "fills", "positions", "trades", "exits"):
        postgres.execute(f"DELETE FROM {relation}")
    postgres.execute("DELETE FROM config_history; DELETE FROM journal_cursor; DELETE FROM dead_letters")
    ship(postgres, journal_id, runs)
    assert_same_figures(postgres, journal_id, runs)
