"""What every store must do, whichever way it is reached: one suite for all."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, get_args
from uuid import UUID

import asyncpg
import pytest

from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.shipping import JournalBatch, Shipped
from shared.domain.signals import Side
from shared.domain.stored import (
    Heartbeat,
    OpenPosition,
    ServiceState,
    StoredCandle,
    StoredCounts,
    StoredSignal,
    Timeframe,
)
from shared.ports import StoreError
from shared.wire.journal_codec import encode_event
from tests.journals import config_applied, life, phase_changed, terms
from tests.store_backends import DATABASES, JOURNAL, RUN, Backend, journal_of, ship_all
from tests.unit.domain.generated_runs import PERPETUAL, TradeBuilder, finished, round_trip, run_started, signal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

D = Decimal
NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)
ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def of_strategy(trade: TradeBuilder, strategy: str, at_ms: int = NOON_MS) -> list[ev.Event]:
    """A trade's events, its signal of a strategy of its own, all at one time."""
    return [
        replace(event, at_ms=at_ms, strategy=strategy)
        if isinstance(event, ev.SignalDecided)
        else replace(event, at_ms=at_ms)
        for event in trade.events
    ]


EXIT = ev.ExitDecided(
    at_ms=NOON_MS + 2,
    executor_id="executor-winning",
    signal_id="signal-winning",
    cause="TAKE_PROFIT",
    barrier_price=D("101.0000000000000001"),
    best_price=D("101.00000000"),
    expected_price=D("100.98765432109876543"),
    tick=D("0.01"),
    untouched_at_ms=NOON_MS + 1,
)
CONFIG = config_applied()
EVALUATED = ev.CandlesEvaluated(
    at_ms=NOON_MS,
    controller_id="recovery_swing",
    strategy="recovery_swing",
    pair="ETH-USDT",
    phase=None,
    config_id="fingerprint",
    since_ms=NOON_MS - 3_600_000,
    until_ms=NOON_MS - 60_000,
    evaluated=59,
    unevaluated=1,
)
PHASE = replace(phase_changed(), from_phase=None, to_phase=1, forced=True)


def a_life() -> list[ev.Event]:
    """A run with all kinds of events: trades to either side, one open, levels failed and cancelled, refusals."""
    losing = TradeBuilder("losing", Side.SELL, account=PERPETUAL).open()
    losing.order([(D("61234.56789012"), D("0.00012345"), D("0.00302381"))], amount=D("0.00012345"), limit=D("61234"))
    losing.order([], amount=D("0.001"), limit=D("61300"), end="failed")
    losing.order([(D("61999.99"), D("0.00012345"), D("1E-8"))], amount=D("0.00012345"), closing=True)
    still_open = TradeBuilder("open").open()
    still_open.order([(D("0.1"), D("0.3"), D("0.0003"))], amount=D("0.4"), limit=D("0.1"), end="none")
    refused = [signal("refused", reason="cooldown"), ev.ConfigRefused(at_ms=NOON_MS, reason="drop_threshold = 3")]
    others = [PHASE, CONFIG, EVALUATED, *refused, EXIT]
    events = finished([round_trip("winning"), losing.close("STOP_LOSS"), still_open], others)
    names = {trade.signal_id: f"strategy_{trade.name}" for trade in (round_trip("winning"), losing, still_open)}
    return [
        replace(event, strategy=names[event.signal_id])
        if isinstance(event, ev.SignalDecided) and event.taken
        else event
        for event in events
    ]


def counts_of(events: Sequence[ev.Event]) -> StoredCounts:
    """What a store should count of a run."""
    record = RunRecord.of(events)
    return StoredCounts(
        signals=len(record.signals),
        orders=len(record.orders),
        fills=sum(isinstance(event, ev.OrderFilled) for event in events),
        trades=len(record.closed_trades),
        dead=0,
    )


# Shipping --------------------------------------------------------------------------------------------------------------


def test_a_life_has_every_kind_of_event() -> None:
    assert {type(event) for event in a_life()} == set(get_args(ev.Event))


def test_a_life_is_stored_whole(backend: Backend) -> None:
    events = a_life()
    batch = journal_of(events)
    assert backend.run(backend.store.ship(batch)) == Shipped(len(events), len(events), 0)
    assert backend.run(backend.store.cursor(JOURNAL)) == len(events)
    assert backend.run(backend.store.counts(RUN)) == counts_of(events)
    assert backend.misplaced(batch) == []


def test_the_pnl_of_every_trade_is_that_of_its_fills_to_the_last_digit(backend: Backend) -> None:
    events = a_life()
    ship_all(backend, journal_of(events))
    record = RunRecord.of(events)
    expected = {
        f"strategy_{trade.opened.executor_id.removeprefix('executor-')}": (trade.pnl_quote, trade.fees_quote)
        for trade in record.closed_trades
    }
    stored = backend.run(backend.store.pnl_by_strategy(*ALWAYS))
    assert {pnl.strategy: (pnl.pnl_quote, pnl.fees_quote) for pnl in stored} == expected
    assert [(pnl.strategy, pnl.trades, pnl.wins) for pnl in stored] == [
        ("strategy_losing", 1, 0),
        ("strategy_winning", 1, 1),
    ]


def test_a_life_in_batches_of_one_is_the_same(backend: Backend) -> None:
    events = a_life()
    for number, event in enumerate(events, start=1):
        assert backend.run(backend.store.ship(journal_of([event], first_seq=number))) == Shipped(number, 1, 0)
    assert backend.run(backend.store.counts(RUN)) == counts_of(events)
    assert backend.misplaced(journal_of(events)) == []


def test_a_journal_never_seen_has_its_cursor_at_zero(backend: Backend) -> None:
    assert backend.run(backend.store.cursor(JOURNAL)) == 0


def test_an_empty_batch_changes_nothing(backend: Backend) -> None:
    assert backend.run(backend.store.ship(journal_of([]))) == Shipped(0, 0, 0)


def test_sent_again_after_a_lost_acknowledgement_nothing_is_stored_twice(backend: Backend) -> None:
    batch = journal_of(a_life())
    backend.run(backend.store.ship(batch))
    before = backend.run(backend.store.counts(RUN))
    assert backend.run(backend.store.ship(batch)) == Shipped(len(batch), 0, 0)
    assert backend.run(backend.store.counts(RUN)) == before
    assert backend.misplaced(batch) == []


@pytest.mark.parametrize("first_seq", [1, 3, 100])
def test_a_batch_that_does_not_follow_the_cursor_changes_nothing(backend: Backend, first_seq: int) -> None:
    backend.run(backend.store.ship(journal_of([run_started()])))
    answer = backend.run(backend.store.ship(journal_of([signal("late")], first_seq=first_seq)))
    assert answer == Shipped(1, 0, 0)
    assert backend.run(backend.store.counts(RUN)).signals == 0
    assert backend.run(backend.store.cursor(JOURNAL)) == 1


@pytest.mark.parametrize("seqs", [(0, 1), (2, 1), (1, 1)])
def test_a_batch_that_does_not_ascend_is_refused(backend: Backend, seqs: tuple[int, int]) -> None:
    payloads = [encode_event(signal("a")), encode_event(signal("b"))]
    with pytest.raises(StoreError, match="ascends from its cursor"):
        backend.run(backend.store.ship(JournalBatch(JOURNAL, "bot", 0, seqs, [RUN, RUN], payloads)))
    assert backend.run(backend.store.counts(RUN)) == StoredCounts(0, 0, 0, 0, 0)
    assert backend.run(backend.store.cursor(JOURNAL)) == 0


def test_numbers_of_a_journal_may_have_gaps(backend: Backend) -> None:
    payloads = [encode_event(run_started()), encode_event(signal("a"))]
    batch = JournalBatch(JOURNAL, "bot", 0, [7, 4_000_000_000], [RUN, RUN], payloads)
    assert backend.run(backend.store.ship(batch)) == Shipped(4_000_000_000, 2, 0)
    assert backend.misplaced(batch) == []


def test_journals_and_runs_do_not_mix(backend: Backend) -> None:
    events = a_life()
    other_run = RUN.replace("c", "d")
    batches = [journal_of(events), replace(journal_of(events, other_run), journal_id=other_run)]
    for batch in batches:
        assert backend.run(backend.store.ship(batch)).events == len(events)
    assert backend.run(backend.store.counts(RUN)) == backend.run(backend.store.counts(other_run)) == counts_of(events)
    assert backend.misplaced(*batches) == []


def test_a_journal_by_another_name_stores_nothing_twice(backend: Backend) -> None:
    batch = journal_of(a_life())
    backend.run(backend.store.ship(batch))
    copy = replace(batch, journal_id=RUN.replace("c", "d"))
    assert backend.run(backend.store.ship(copy)) == Shipped(len(batch), 0, len(batch))
    # Each is where it was, and a dead letter beside.
    assert {times for _, _, times in backend.misplaced(batch)} == {2}


def test_a_batch_beyond_the_limit_is_not_sent(backend: Backend) -> None:
    batch = journal_of([signal(str(number)) for number in range(backend.store.batch_limit + 1)])
    with pytest.raises(ValueError, match=f"a batch of {len(batch)} events"):
        backend.run(backend.store.ship(batch))


def test_a_long_journal_is_stored_whole(backend: Backend) -> None:
    batch = journal_of([phase_changed(), *islice(life(), 2500)])
    ship_all(backend, batch)
    assert backend.dead_letters() == {}
    assert backend.misplaced(batch) == []


# What is only looked up in tables --------------------------------------------------------------------------------------

each_database = pytest.mark.parametrize("backend", DATABASES, indirect=True)  # memory has no table to look into


def the_row(backend: Backend, events: Sequence[ev.Event | str], question: str) -> dict[str, Any]:
    """The one row a question finds once these events are shipped; JSON is read, but for the numbers in it that are text."""
    assert backend.run(backend.store.ship(journal_of(events))).dead == 0
    (row,) = backend.fetch(question)
    return {
        name: json.loads(value) if isinstance(value, str) and value.startswith(("{", "[")) else value
        for name, value in row.items()
    }


def at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)


@each_database
def test_a_run_says_what_market_it_traded_on(backend: Backend) -> None:
    started = replace(run_started(), market="replay of ETH-USDT, 5m")
    assert the_row(backend, [started], "SELECT market FROM runs") == {"market": started.market}


@each_database
def test_a_signal_keeps_what_it_is_made_of(backend: Backend) -> None:
    decided = replace(
        signal("a"),
        components={"breakout": 0.1 + 0.2, "volume": 1 / 3, "trend": 1.0},
        adjustments={"levels": "4 instead of 5"},
        phase=2,
        config_id="fingerprint",
    )
    question = "SELECT components, adjustments, phase, config_id FROM signals"
    assert the_row(backend, [decided], question) == {
        "components": decided.components,
        "adjustments": decided.adjustments,
        "phase": 2,
        "config_id": "fingerprint",
    }


@each_database
def test_a_position_keeps_the_terms_it_was_opened_with(backend: Backend) -> None:
    opened = TradeBuilder("1").open().events[1]
    assert isinstance(opened, ev.ExecutorOpened)
    exact = replace(terms(D("60000.10"), D("0.00012345678901234567")), stop_loss=None, time_limit_s=None)
    (kept,) = the_row(backend, [replace(opened, terms=exact)], "SELECT terms FROM positions").values()
    assert kept == {
        "prices": [str(price) for price in exact.prices],
        "amounts_quote": [str(amount) for amount in exact.amounts_quote],
        "take_profit": "0.01",
        "stop_loss": None,
        "trailing_activation": "0.008",
        "trailing_delta": "0.002",
        "time_limit_s": None,
        "leverage": 1,
    }


@each_database
def test_a_decision_to_close_keeps_every_price(backend: Backend) -> None:
    assert the_row(backend, [EXIT], "SELECT * FROM exits") == {
        "run_id": UUID(RUN),
        "seq": 1,
        "at": at(EXIT.at_ms),
        "executor_id": EXIT.executor_id,
        "signal_id": EXIT.signal_id,
        "cause": EXIT.cause,
        "barrier_price": EXIT.barrier_price,
        "best_price": EXIT.best_price,
        "expected_price": EXIT.expected_price,
        "tick": EXIT.tick,
        "untouched_at": at(NOON_MS + 1),
    }


@each_database
def test_every_decision_to_close_is_kept_the_first_is_told_by_its_number(backend: Backend) -> None:
    nothing = dict.fromkeys(("signal_id", "barrier_price", "best_price", "expected_price", "untouched_at_ms"))
    by_time = replace(EXIT, cause="TIME_LIMIT", **nothing)
    batch = journal_of([EXIT, by_time, replace(EXIT, executor_id="nobody's")])
    assert backend.run(backend.store.ship(batch)) == Shipped(3, 3, 0)
    rows = backend.fetch("SELECT DISTINCT ON (executor_id) executor_id, cause FROM exits ORDER BY executor_id, seq")
    assert [tuple(row) for row in rows] == [("executor-winning", "TAKE_PROFIT"), ("nobody's", "TAKE_PROFIT")]
    assert backend.misplaced(batch) == []


@each_database
def test_configurations_and_refused_edits_are_one_history(backend: Backend) -> None:
    edit = replace(CONFIG, source="conf/controllers/a.yml", old={"levels": "5"}, new={"levels": "4"}, phase=None)
    backend.run(backend.store.ship(journal_of([CONFIG, ev.ConfigRefused(at_ms=1, reason="levels = 0"), edit])))
    rows = backend.fetch("SELECT * FROM config_history ORDER BY seq")
    assert [(row["accepted"], row["reason"], row["source"], row["phase"]) for row in rows] == [
        (True, None, "start", 1),
        (False, "levels = 0", None, None),
        (True, None, edit.source, None),
    ]
    assert [row["config_id"] for row in rows] == [CONFIG.config_id, None, CONFIG.config_id]
    assert [(row["controller_id"], row["strategy"], row["pair"]) for row in rows[::2]] == [
        (CONFIG.controller_id, CONFIG.strategy, CONFIG.pair)
    ] * 2
    assert [json.loads(rows[number][f"{name}_values"]) for number in (0, 2) for name in ("old", "new")] == [
        {},
        CONFIG.new,
        edit.old,
        edit.new,
    ]


@each_database
def test_candles_looked_at_are_counted(backend: Backend) -> None:
    row = the_row(backend, [EVALUATED], "SELECT * FROM evaluations")
    assert (row["since"], row["until"]) == (at(EVALUATED.since_ms), at(EVALUATED.until_ms))
    assert (row["evaluated"], row["unevaluated"], row["phase"]) == (59, 1, None)
    assert (row["controller_id"], row["pair"], row["config_id"]) == ("recovery_swing", "ETH-USDT", "fingerprint")


@each_database
def test_a_change_of_phase_keeps_its_evidence(backend: Backend) -> None:
    row = the_row(backend, [PHASE], "SELECT * FROM phase_history")
    assert (row["run_id"].hex, row["seq"], row["at"]) == (RUN, 1, at(PHASE.at_ms))
    assert (row["from_phase"], row["to_phase"], row["forced"], row["reason"]) == (None, 1, True, PHASE.reason)
    assert row["evidence"] == PHASE.evidence


def test_a_change_of_phase_may_come_first_and_is_no_run(backend: Backend) -> None:
    events = a_life()
    change = replace(journal_of([PHASE], "d" * 32), journal_id="d" * 32)
    following = replace(journal_of(events, first_seq=2), journal_id="d" * 32)
    for batch in (change, following):
        assert backend.run(backend.store.ship(batch)).events == len(batch)
    assert backend.run(backend.store.counts("d" * 32)) == StoredCounts(0, 0, 0, 0, 0)
    assert backend.run(backend.store.counts(RUN)) == counts_of(events)
    assert backend.misplaced(change, following) == []


# Journals of older bots ------------------------------------------------------------------------------------------------

SINCE_PHASES = {"market", "components", "adjustments", "phase", "config_id", "terms"}


def of_an_older_bot(event: ev.Event) -> str:
    """An event as it was written before there were phases."""
    content = json.loads(encode_event(event))
    return json.dumps({name: value for name, value in content.items() if name not in SINCE_PHASES})


def an_older_life() -> list[str]:
    """The events of a_life of which older bots knew."""
    younger = (ev.ExitDecided, ev.ConfigApplied, ev.CandlesEvaluated, ev.PhaseChanged)
    return [of_an_older_bot(event) for event in a_life() if not isinstance(event, younger)]


def test_the_journal_of_an_older_bot_is_stored_whole(backend: Backend) -> None:
    payloads = an_older_life()
    assert not any(f'"{name}"' in payload for name in SINCE_PHASES for payload in payloads)
    batch = journal_of(payloads)
    assert backend.run(backend.store.ship(batch)) == Shipped(len(batch), len(batch), 0)
    assert backend.run(backend.store.counts(RUN)) == counts_of(a_life())
    assert backend.misplaced(batch) == []


@each_database
def test_what_an_older_bot_did_not_record_is_empty(backend: Backend) -> None:
    backend.run(backend.store.ship(journal_of(an_older_life())))

    def values(question: str) -> set[tuple[Any, ...]]:
        rows: list[asyncpg.Record] = backend.fetch(question)
        return {tuple(row) for row in rows}

    assert values("SELECT market FROM runs") == {("",)}
    assert values("SELECT components, adjustments, phase, config_id FROM signals") == {("{}", "{}", None, None)}
    assert values("SELECT terms FROM positions") == {(None,)}


# Poison ----------------------------------------------------------------------------------------------------------------

# Each would be stored, were it not for what is changed in it.
FILL = json.loads(encode_event(replace(round_trip().fills[0], trade_id="poison")))
SIGNAL = json.loads(encode_event(signal("poison")))
ORDER = json.loads(encode_event(replace(round_trip().events[2], order_id="poison")))
EXIT_CONTENT, CONFIG_CONTENT, EVALUATED_CONTENT, PHASE_CONTENT = (
    json.loads(encode_event(event)) for event in (EXIT, CONFIG, EVALUATED, PHASE)
)
OPENING = json.loads(encode_event(replace(round_trip().events[1], executor_id="poison", terms=terms(D(100), D(1)))))


def changed(payload: dict[str, Any], **values: Any) -> str:
    return json.dumps(payload | values)


def without(payload: dict[str, Any], name: str) -> str:
    return json.dumps({key: value for key, value in payload.items() if key != name})


POISON = {
    "no JSON": "once upon a time",
    "empty": "",
    "half JSON": changed(SIGNAL)[:-20],
    "JSON, but no object": "[1, 2]",
    "nested too deep": "[" * 100_000 + "]" * 100_000,
    "no kind": without(SIGNAL, "kind"),
    "unknown kind": changed(SIGNAL, kind="miracle"),
    "kind is null": changed(SIGNAL, kind=None),
    "a time is missing": without(SIGNAL, "at_ms"),
    "a key is missing": without(SIGNAL, "signal_id"),
    "an order's key is missing": without(ORDER, "order_id"),
    "a price is missing": without(FILL, "price"),
    "thresholds are missing": without(SIGNAL, "thresholds"),
    "thresholds are null": changed(SIGNAL, thresholds=None),
    "thresholds are text": changed(SIGNAL, thresholds="none"),
    "a price is NaN": changed(FILL, price="NaN"),
    "a price is NaN as JSON has it not": changed(SIGNAL, price=float("nan")),
    "a price is infinite": changed(FILL, price="Infinity"),
    "a fee is minus infinity": changed(FILL, fee_quote="-Infinity"),
    "a price is text": changed(FILL, price="much"),
    "a price is negative": changed(FILL, price="-1"),
    "an amount is zero": changed(ORDER, amount="0"),
    "an amount is missing": without(ORDER, "amount"),
    "a number of too many digits": changed(FILL, amount="1e200000"),
    "confidence beyond one": changed(SIGNAL, confidence=1.01),
    "a side that is none": changed(SIGNAL, side="UP"),
    "an order type that is none": changed(ORDER, order_type="STOP"),
    "a reason that is no word": changed(SIGNAL, reason="Because!"),
    "a NUL in a key": changed(SIGNAL, signal_id="a\0b"),
    "a NUL as it must not be in JSON": changed(SIGNAL, signal_id="a#b").replace("#", "\0"),
    "half of a surrogate pair": changed(SIGNAL, signal_id="a#b").replace("#", "\\ud800"),
    "a time far away": changed(SIGNAL, at_ms=10**18),
    "a time beyond all bounds": changed(SIGNAL, at_ms=10**300),
    "a time before time": changed(SIGNAL, at_ms=-1),
    "a time in the year 10000": changed(SIGNAL, at_ms=253_402_300_800_000),
    "a time that is text": changed(SIGNAL, at_ms="noon"),
    "a candle far away": changed(SIGNAL, candle_close_ms=10**18),
    "components are null": changed(SIGNAL, components=None),
    "components are text": changed(SIGNAL, components="depth"),
    "adjustments are a list": changed(SIGNAL, adjustments=["levels"]),
    "a phase beyond the last": changed(SIGNAL, phase=5),
    "a phase that is a word": changed(SIGNAL, phase="validate"),
    "terms are text": changed(OPENING, terms="the usual"),
    "an exit without its executor": without(EXIT_CONTENT, "executor_id"),
    "an exit without its cause": without(EXIT_CONTENT, "cause"),
    "an exit without the venue's tick": without(EXIT_CONTENT, "tick"),
    "a barrier at zero": changed(EXIT_CONTENT, barrier_price="0"),
    "a best price is NaN": changed(EXIT_CONTENT, best_price="NaN"),
    "an expected price is infinite": changed(EXIT_CONTENT, expected_price="Infinity"),
    "a tick is negative": changed(EXIT_CONTENT, tick="-0.01"),
    "untouched far away": changed(EXIT_CONTENT, untouched_at_ms=10**18),
    "a configuration without its id": without(CONFIG_CONTENT, "config_id"),
    "a configuration from nowhere": without(CONFIG_CONTENT, "source"),
    "old values are null": changed(CONFIG_CONTENT, old=None),
    "new values are text": changed(CONFIG_CONTENT, new="levels = 4"),
    "a configuration of no phase there is": changed(CONFIG_CONTENT, phase=-1),
    "candles of no configuration": without(EVALUATED_CONTENT, "config_id"),
    "fewer than no candles": changed(EVALUATED_CONTENT, evaluated=-1),
    "fewer than no candles missed": changed(EVALUATED_CONTENT, unevaluated=-1),
    "candles counted backwards": changed(EVALUATED_CONTENT, until_ms=EVALUATED.since_ms - 1),
    "candles until far away": changed(EVALUATED_CONTENT, until_ms=10**18),
    "a change to no phase": without(PHASE_CONTENT, "to_phase"),
    "a change to a phase beyond the last": changed(PHASE_CONTENT, to_phase=5),
    "a change from a phase before the first": changed(PHASE_CONTENT, from_phase=-1),
    "a change, forced or not": without(PHASE_CONTENT, "forced"),
    "a change without a reason": changed(PHASE_CONTENT, reason=None),
    "a change of null evidence": changed(PHASE_CONTENT, evidence=None),
    "cancelled, but never submitted": encode_event(ev.OrderCancelled(at_ms=1, order_id="nobody's", signal_id=None)),
    "completed, but never submitted": encode_event(ev.OrderCompleted(at_ms=1, order_id="nobody's", signal_id=None)),
    "failed, but never submitted": encode_event(
        ev.OrderFailed(at_ms=1, order_id="nobody's", signal_id=None, code="-1", message="no")
    ),
    "closed, but never opened": changed(json.loads(encode_event(round_trip().events[-1])), executor_id="nobody"),
    "a fill that was there": encode_event(round_trip().fills[0]),
    "a signal that was there": encode_event(round_trip().events[0]),
    "an order that was there": encode_event(round_trip().events[2]),
    "an opening that was there": encode_event(round_trip().events[1]),
    "a closing that was there": encode_event(round_trip().events[-1]),
    "a start that was there": encode_event(run_started()),
}


# One by one with one server; the test after this one takes all of it to every store.
@pytest.mark.parametrize("backend", ["memory", "postgres18"], indirect=True)
@pytest.mark.parametrize("payload", POISON.values(), ids=POISON.keys())
def test_poison_becomes_a_dead_letter_and_its_neighbours_are_stored(backend: Backend, payload: str) -> None:
    before: list[ev.Event | str] = [run_started(), *round_trip().events]
    batch = journal_of([*before, payload, *round_trip("2").events])
    assert backend.run(backend.store.ship(batch)) == Shipped(len(batch), len(batch) - 1, 1)
    letters = backend.dead_letters()
    assert list(letters) == [len(before) + 1]
    assert letters[len(before) + 1].strip()
    assert backend.run(backend.store.counts(RUN)) == StoredCounts(signals=2, orders=6, fills=8, trades=2, dead=1)
    assert backend.misplaced(batch) == []


@pytest.mark.parametrize("balances", [None, "none", []], ids=str)
def test_a_run_begins_and_ends_with_balances(backend: Backend, balances: Any) -> None:
    start = {"kind": "run_started", "at_ms": 1, "hummingbot": "20260126", "script": "s.py"}
    batch = journal_of(
        [
            changed(start, balances=balances),
            json.dumps(start),
            run_started(),
            changed({"kind": "run_stopped", "at_ms": 2}, balances=balances),
            json.dumps({"kind": "run_stopped", "at_ms": 2}),
            finished([])[-1],
        ]
    )
    assert backend.run(backend.store.ship(batch)) == Shipped(6, 2, 4)
    assert list(backend.dead_letters()) == [1, 2, 4, 5]
    assert backend.misplaced(batch) == []


def test_a_run_does_not_begin_on_no_market(backend: Backend) -> None:
    batch = journal_of([changed(json.loads(encode_event(run_started())), market=None), signal("a")])
    assert backend.run(backend.store.ship(batch)) == Shipped(2, 1, 1)
    assert list(backend.dead_letters()) == [1]


def test_a_batch_of_nothing_but_poison_leaves_the_way_free(backend: Backend) -> None:
    neighbours: list[ev.Event | str] = [run_started(), *round_trip().events]
    batch = journal_of(neighbours + list(POISON.values()))
    assert backend.run(backend.store.ship(batch)) == Shipped(len(batch), len(neighbours), len(POISON))
    following = journal_of(round_trip("2").events, first_seq=len(batch) + 1)
    assert backend.run(backend.store.ship(following)) == Shipped(following.seqs[-1], len(following), 0)
    assert backend.misplaced(batch, following) == []


@pytest.mark.parametrize("run_id", ["default", "", RUN[:-1], "a\0b"])
def test_an_event_of_a_run_without_a_uuid_is_a_dead_letter(backend: Backend, run_id: str) -> None:
    batch = journal_of([signal("a"), signal("b")])
    batch = replace(batch, run_ids=[run_id, RUN])
    assert backend.run(backend.store.ship(batch)) == Shipped(2, 1, 1)
    assert list(backend.dead_letters()) == [1]
    assert backend.run(backend.store.counts(RUN)).signals == 1


@pytest.mark.parametrize("backend", DATABASES, indirect=True)  # memory has no index
def test_a_key_too_long_for_any_index_stops_nothing(backend: Backend) -> None:
    # Digits without a pattern: what compresses well, an index takes.
    number = 7
    digits = []
    for _ in range(4000):
        number = number * 6364136223846793005 % 2**64
        digits.append(f"{number:x}")
    batch = journal_of([signal("before"), signal("".join(digits)), signal("after")])
    assert backend.run(backend.store.ship(batch)) == Shipped(3, 2, 1)
    assert "index" in backend.dead_letters()[2]


def test_a_fill_of_an_order_never_submitted_is_stored_and_moves_no_position(backend: Backend) -> None:
    stray = replace(round_trip("stray").fills[0], order_id="nobody's")
    batch = journal_of([run_started(), *round_trip().events, stray])
    assert backend.run(backend.store.ship(batch)).dead == 0
    assert backend.run(backend.store.counts(RUN)) == StoredCounts(signals=1, orders=3, fills=5, trades=1, dead=0)
    (pnl,) = backend.run(backend.store.pnl_by_strategy(*ALWAYS))
    assert pnl.pnl_quote == RunRecord.of(round_trip().events).closed_trades[0].pnl_quote


def test_a_fill_that_comes_after_the_close_counts(backend: Backend) -> None:
    trade = round_trip()
    late = replace(trade.fills[0], trade_id="late")
    for number, events in enumerate([trade.events, [late]]):
        backend.run(backend.store.ship(journal_of(events, first_seq=1 + number * len(trade.events))))
    (pnl,) = backend.run(backend.store.pnl_by_strategy(*ALWAYS))
    assert pnl.pnl_quote == RunRecord.of([*trade.events, late]).closed_trades[0].pnl_quote


# Reading ---------------------------------------------------------------------------------------------------------------


def test_signals_are_read_back_as_they_were_decided(backend: Backend) -> None:
    taken = replace(signal("taken"), at_ms=NOON_MS + 1, price=0.1 + 0.2, confidence=1 / 3)
    refused = replace(signal("refused", Side.SELL, "ETH-USDT", "max_positions"), at_ms=NOON_MS)
    backend.run(backend.store.ship(journal_of([taken, refused])))
    assert backend.rows(backend.store.signals(NOON, NOON + timedelta(seconds=1))) == [
        StoredSignal(RUN, "refused", NOON, "recovery_dca", "ETH-USDT", Side.SELL, D("100.0"), 0.5, "max_positions"),
        StoredSignal(
            RUN,
            "taken",
            NOON + timedelta(milliseconds=1),
            "recovery_dca",
            "BTC-USDT",
            Side.BUY,
            D("0.30000000000000004"),
            1 / 3,
            None,
        ),
    ]


def test_a_period_holds_its_beginning_and_not_its_end(backend: Backend) -> None:
    trades = [of_strategy(round_trip(str(ms)), f"s{ms}", NOON_MS + ms) for ms in range(4)]
    ship_all(backend, journal_of([event for trade in trades for event in trade]))
    period = (NOON + timedelta(milliseconds=1), NOON + timedelta(milliseconds=3))
    assert [signal.strategy for signal in backend.rows(backend.store.signals(*period))] == ["s1", "s2"]
    assert [pnl.strategy for pnl in backend.run(backend.store.pnl_by_strategy(*period))] == ["s1", "s2"]


def test_every_time_is_in_utc(backend: Backend) -> None:
    backend.run(backend.store.ship(journal_of([*a_life()])))
    backend.run(backend.store.put_candles([candle(NOON)]))
    times = [signal.at for signal in backend.rows(backend.store.signals(*ALWAYS))]
    times += [position.opened_at for position in backend.rows(backend.store.open_positions())]
    times += [row.opened_at for row in backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 1))]
    assert len(times) > 3
    assert {time.utcoffset() for time in times} == {timedelta(0)}


def test_an_open_position_is_the_sum_of_its_fills(backend: Backend) -> None:
    trade = TradeBuilder("1", Side.SELL, account=PERPETUAL).open()
    entries = [(D("123456789.123456789012345678"), D("1.5"), D("1E-18")), (D("3"), D("0.000000000000000001"), D("-2"))]
    trade.order(entries, amount=D("2"), limit=D(1), end="none")
    trade.order([(D("2"), D("0.5"), D("0.25"))], amount=D("0.5"), closing=True)
    backend.run(backend.store.ship(journal_of([replace(event, at_ms=NOON_MS) for event in trade.events])))
    assert backend.rows(backend.store.open_positions()) == [
        OpenPosition(
            RUN,
            "executor-1",
            NOON,
            "recovery_dca",
            PERPETUAL,
            "BTC-USDT",
            Side.SELL,
            entry_base=D("1.500000000000000001"),
            entry_quote=D("185185183.685185183518518520"),
            net_base=D("-1.000000000000000001"),
            fees_quote=D("-1.749999999999999999"),
        )
    ]


def test_an_executor_without_its_signal_is_of_an_unknown_strategy(backend: Backend) -> None:
    opened, closed = round_trip("closed").events[1:], round_trip("open").events[1:2]
    backend.run(backend.store.ship(journal_of([*opened, *closed])))
    assert [position.strategy for position in backend.rows(backend.store.open_positions())] == [None]
    assert [pnl.strategy for pnl in backend.run(backend.store.pnl_by_strategy(*ALWAYS))] == ["unknown"]


def test_more_rows_than_an_api_gives_at_once_are_read_whole(backend: Backend) -> None:
    events: list[ev.Event] = []
    for number in range(1100):
        # Few times for many rows, and keys an API could stumble over: pages must not be cut between equal times.
        at_ms = NOON_MS + number // 300
        name = f'{number:04}, "a"\\(b).eq.1&or=é%'
        closed = TradeBuilder(f"closed {name}").open()
        closed.order([(D(100), D(1), D("0.1"))], amount=D(1))
        events += of_strategy(closed.close(), f"strategy {name}", at_ms)
        events += of_strategy(TradeBuilder(f"open {name}").open(), f"strategy {name}", at_ms)
    batch = journal_of(events)
    ship_all(backend, batch)
    signals = backend.rows(backend.store.signals(*ALWAYS))
    positions = backend.rows(backend.store.open_positions())
    strategies = backend.run(backend.store.pnl_by_strategy(*ALWAYS))
    assert backend.run(backend.store.counts(RUN)) == StoredCounts(2200, 1100, 1100, 1100, 0)
    assert len({signal.signal_id for signal in signals}) == len(signals) == 2200
    assert signals == sorted(signals, key=lambda signal: (signal.at, signal.signal_id))
    assert len({position.executor_id for position in positions}) == len(positions) == 1100
    assert positions == sorted(positions, key=lambda position: (position.opened_at, position.executor_id))
    assert len({pnl.strategy for pnl in strategies}) == len(strategies) == 1100
    assert {pnl.pnl_quote for pnl in strategies} == {D("-100.1")}
    assert backend.misplaced(batch) == []


def test_nothing_is_counted_of_a_run_never_seen(backend: Backend) -> None:
    assert backend.run(backend.store.counts(RUN)) == StoredCounts(0, 0, 0, 0, 0)
    assert backend.rows(backend.store.signals(*ALWAYS)) == []
    assert backend.rows(backend.store.open_positions()) == []
    assert backend.run(backend.store.pnl_by_strategy(*ALWAYS)) == []


def test_a_run_that_is_no_uuid_cannot_be_counted_now_nor_later(backend: Backend) -> None:
    with pytest.raises(StoreError) as caught:
        backend.run(backend.store.counts("default"))
    # Not StoreUnavailable: no waiting makes it one.
    assert type(caught.value) is StoreError


# Candles ---------------------------------------------------------------------------------------------------------------


def candle(opened_at: datetime, timeframe: Timeframe = Timeframe.MINUTE, **values: Any) -> StoredCandle:
    prices = {name: D(value) for name, value in (("open", 10), ("high", 12), ("low", 9), ("close", 11), ("volume", 0))}
    row = {"symbol": "BTC-USDT", "source": "polygon", "quote_currency": "USDT", **prices, **values}
    return StoredCandle(timeframe=timeframe, opened_at=opened_at, **row)


@pytest.mark.parametrize(
    ("timeframe", "step"),
    [
        (Timeframe.MINUTE, timedelta(minutes=1)),
        (Timeframe.QUARTER, timedelta(minutes=15)),
        (Timeframe.HOUR, timedelta(hours=1)),
    ],
)
def test_candles_across_days_and_months_are_read_whole(backend: Backend, timeframe: Timeframe, step: timedelta) -> None:
    candles = [candle(NOON + number * step, timeframe, volume=D(number)) for number in range(2500)]
    backend.run(backend.store.put_candles(candles[::-1]))
    backend.run(backend.store.put_candles([candle(NOON + 9999 * step, timeframe, symbol="ETH-USDT")]))
    for count in (0, 1, 999, 1000, 1001, 2499, 2500, 9999):
        found = backend.run(backend.store.last_candles("BTC-USDT", timeframe, count))
        assert found == candles[-count:][: count or None] if count else found == []


def test_a_candle_is_exact_to_eighteen_digits(backend: Backend) -> None:
    exact = candle(
        NOON,
        open=D("0.123456789012345678"),
        high=D("99999999999.123456789012345678"),
        low=D("0.000000000000000001"),
        close=D("12345678901234567890.12345678E-10"),
        volume=D("9" * 18 + "." + "9" * 18),
    )
    backend.run(backend.store.put_candles([exact]))
    (found,) = backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 1))
    assert found == exact


def test_a_candle_that_is_there_is_replaced(backend: Backend) -> None:
    backend.run(backend.store.put_candles([candle(NOON), candle(NOON + timedelta(minutes=1))]))
    newer = candle(NOON, close=D("9.5"), source="binance", quote_currency="USD")
    backend.run(backend.store.put_candles([newer]))
    found = backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 10))
    assert found == [newer, candle(NOON + timedelta(minutes=1))]


def test_of_two_candles_of_one_time_the_last_stays(backend: Backend) -> None:
    backend.run(backend.store.put_candles([candle(NOON, volume=D(number)) for number in range(3)]))
    (found,) = backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 10))
    assert found.volume == 2


def test_no_candles_are_no_work(backend: Backend) -> None:
    backend.run(backend.store.put_candles([]))


def test_a_candle_that_does_not_contain_its_prices_is_refused_with_its_neighbours(backend: Backend) -> None:
    with pytest.raises(StoreError, match=r"a.candle.contains.its.prices"):
        backend.run(backend.store.put_candles([candle(NOON), candle(NOON + timedelta(minutes=1), high=D(10))]))
    assert backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 10)) == []


def test_candles_are_deleted_within_their_bounds(backend: Backend) -> None:
    minutes = [NOON + timedelta(minutes=number) for number in range(1500)]
    kept = [candle(minutes[3], Timeframe.HOUR), candle(minutes[3], symbol="ETH-USDT")]
    backend.run(backend.store.put_candles([*map(candle, minutes), *kept]))
    store = backend.store
    assert backend.run(store.delete_candles("BTC-USDT", Timeframe.MINUTE, minutes[1], minutes[-1])) == 1498
    assert backend.run(store.delete_candles("BTC-USDT", Timeframe.MINUTE, minutes[1], minutes[-1])) == 0
    assert backend.run(store.last_candles("BTC-USDT", Timeframe.MINUTE, 9)) == [candle(minutes[0]), candle(minutes[-1])]
    assert backend.run(store.last_candles("BTC-USDT", Timeframe.HOUR, 9)) == kept[:1]
    assert backend.run(store.last_candles("ETH-USDT", Timeframe.MINUTE, 9)) == kept[1:]


# Heartbeats ------------------------------------------------------------------------------------------------------------


@each_database
def test_a_service_has_one_heartbeat_its_last(backend: Backend) -> None:
    first = Heartbeat("home", "shipping", NOON, ServiceState.STARTING)
    last = Heartbeat("home", "shipping", NOON, ServiceState.RUNNING, {"waiting": 3, "trouble": 'a "b"'})
    other = Heartbeat("home", "heartbeat", NOON, ServiceState.RUNNING)
    for heartbeat in (first, other, last):
        backend.run(backend.store.beat(heartbeat))
    rows = backend.fetch("SELECT *, clock_timestamp() - beat_at AS age FROM service_heartbeat ORDER BY service DESC")
    assert [row["service"] for row in rows] == ["shipping", "heartbeat"]
    assert (rows[0]["state"], rows[0]["started_at"]) == ("running", NOON)
    assert json.loads(rows[0]["detail"]) == last.detail
    assert timedelta(0) <= rows[0]["age"] < timedelta(minutes=1)
