"""What cannot be stored becomes a dead letter with a reason, and everything around it is stored."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.domain import events as ev
from shared.domain.shipping import Shipped
from shared.domain.stored import StoredCounts
from shared.wire.journal_codec import encode_event
from tests.contract.store_samples import CONFIG, EVALUATED, EXIT, PHASE, D
from tests.journals import terms
from tests.store_backends import DATABASES, RUN, Backend, journal_of
from tests.unit.domain.generated_runs import finished, round_trip, run_started, signal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


def content(event: ev.Event) -> dict[str, Any]:
    return json.loads(encode_event(event))


def changed(payload: dict[str, Any], **values: Any) -> str:
    return json.dumps(payload | values)


def without(payload: dict[str, Any], name: str) -> str:
    return json.dumps({key: value for key, value in payload.items() if key != name})


# Each would be stored, were it not for what is changed in it.
FILL = content(replace(round_trip().fills[0], trade_id="poison"))
SIGNAL = content(signal("poison"))
ORDER = content(replace(round_trip().events[2], order_id="poison"))
EXIT_CONTENT, CONFIG_CONTENT, EVALUATED_CONTENT, PHASE_CONTENT = (
    content(event) for event in (EXIT, CONFIG, EVALUATED, PHASE)
)
OPENING = content(replace(round_trip().events[1], executor_id="poison", terms=terms(D(100), D(1))))

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
    "closed, but never opened": changed(content(round_trip().events[-1]), executor_id="nobody"),
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
    batch = journal_of([changed(content(run_started()), market=None), signal("a")])
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
