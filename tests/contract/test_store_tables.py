"""What no store reads back is looked up in its tables: all that an event says, and heartbeats."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.domain import events as ev
from shared.domain.shipping import Shipped
from shared.domain.stored import Heartbeat, ServiceState
from tests.contract.store_samples import CONFIG, EVALUATED, EXIT, NOON, NOON_MS, PHASE, D
from tests.journals import terms
from tests.store_backends import DATABASES, RUN, Backend, journal_of
from tests.unit.domain.generated_runs import TradeBuilder, run_started, signal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

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
