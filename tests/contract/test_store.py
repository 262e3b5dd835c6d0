"""What every store makes of a journal, whichever way it is reached: each event once, and its sums to the last digit."""

from dataclasses import replace
from itertools import islice
from typing import get_args

import pytest

from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from shared.domain.shipping import JournalBatch, Shipped
from shared.domain.stored import StoredCounts
from shared.ports import StoreError
from shared.wire.journal_codec import encode_event
from tests.contract.store_samples import ALWAYS, PHASE, a_life, counts_of
from tests.journals import life, phase_changed
from tests.store_backends import JOURNAL, RUN, Backend, journal_of, ship_all
from tests.unit.domain.generated_runs import round_trip, run_started, signal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


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


def test_a_change_of_phase_may_come_first_and_is_no_run(backend: Backend) -> None:
    events = a_life()
    change = replace(journal_of([PHASE], "d" * 32), journal_id="d" * 32)
    following = replace(journal_of(events, first_seq=2), journal_id="d" * 32)
    for batch in (change, following):
        assert backend.run(backend.store.ship(batch)).events == len(batch)
    assert backend.run(backend.store.counts("d" * 32)) == StoredCounts(0, 0, 0, 0, 0)
    assert backend.run(backend.store.counts(RUN)) == counts_of(events)
    assert backend.misplaced(change, following) == []
