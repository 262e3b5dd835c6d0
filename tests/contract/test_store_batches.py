"""However a journal is cut into batches, its signals interleave and poison lies between: the rows are the same."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain import events as ev
from shared.domain.run_record import RunRecord
from tests.journals import life, phase_changed
from tests.store_backends import Backend, journal_of, ship_all, split
from tests.unit.domain.generated_runs import TradeBuilder, round_trip, run_started, trades

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store

# Every table that shipping writes, without the numbers and times at which it was done.
_ROWS = """
SELECT 'runs' AS relation, to_jsonb(r) - '{started_seq,stopped_seq}'::text[] AS content FROM runs r
UNION ALL SELECT 'signals', to_jsonb(r) - 'seq' FROM signals r
UNION ALL SELECT 'scans', to_jsonb(r) - 'seq' FROM scan_history r
UNION ALL SELECT 'orders', to_jsonb(r) - '{seq,failed_seq,cancelled_seq,completed_seq}'::text[] FROM orders r
UNION ALL SELECT 'fills', to_jsonb(r) - 'seq' FROM fills r
UNION ALL SELECT 'positions', to_jsonb(r) - '{opened_seq,closed_seq}'::text[] FROM positions r
UNION ALL SELECT 'trades', to_jsonb(r) FROM trades r
UNION ALL SELECT 'exits', to_jsonb(r) - 'seq' FROM exits r
UNION ALL SELECT 'config', to_jsonb(r) - 'seq' FROM config_history r
UNION ALL SELECT 'evaluations', to_jsonb(r) - 'seq' FROM evaluations r
UNION ALL SELECT 'phases', to_jsonb(r) - '{id,seq}'::text[] FROM phase_history r
UNION ALL SELECT 'dead', to_jsonb(r) - '{seq,at}'::text[] FROM dead_letters r
"""
_EMPTY = """
DELETE FROM runs; DELETE FROM signals; DELETE FROM scan_history; DELETE FROM orders; DELETE FROM fills; DELETE FROM positions;
DELETE FROM trades; DELETE FROM exits; DELETE FROM config_history; DELETE FROM evaluations; DELETE FROM phase_history;
DELETE FROM dead_letters; DELETE FROM journal_cursor
"""
_TABLES = """
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""


@st.composite
def interleaved(draw: st.DrawFn, lives: Sequence[Sequence[ev.Event | str]]) -> list[ev.Event | str]:
    """The events of several lives in one order, each life's own kept."""
    turns = draw(st.permutations([number for number, life in enumerate(lives) for _ in life]))
    waiting = [iter(life) for life in lives]
    return [next(waiting[turn]) for turn in turns]


def with_its_exit(trade: TradeBuilder) -> list[ev.Event]:
    """A trade's events with its decision to close, right before the close."""
    price = trade.fills[-1].price
    decided = ev.ExitDecided(
        at_ms=6,
        executor_id=trade.executor_id,
        signal_id=trade.signal_id,
        cause="TIME_LIMIT",
        barrier_price=None,
        best_price=price,
        expected_price=price,
        tick=Decimal("0.01"),
        untouched_at_ms=None,
    )
    return [*trade.events[:-1], decided, trade.events[-1]]


Journal = list[ev.Event | str]
# What belongs to no trade.
BESIDE: list[ev.Event] = [phase_changed(), *islice(life(), 1, 3), ev.ConfigRefused(at_ms=5, reason="levels = 0")]
POISON = '{"kind": "fill", "order_id": "order-0-1", "price": "NaN"}'


@st.composite
def journals(draw: st.DrawFn) -> tuple[Journal, Journal, list[list[int]]]:
    """A journal, the same lives in another order, and where to cut each into batches. Each has the same poison somewhere."""
    generated: list[TradeBuilder] = [draw(trades(str(number))) for number in range(draw(st.integers(1, 3)))]
    lives = [*map(with_its_exit, generated), BESIDE]
    # A life may be at any point when the journal ends.
    lives[0] = lives[0][: draw(st.integers(1, len(lives[0])))]
    poison = [[POISON]] * draw(st.integers(0, 2))
    orders: list[Journal] = [[run_started(), *draw(interleaved([*lives, *poison]))] for _ in range(2)]
    cuts = [draw(st.lists(st.integers(1, len(order)), max_size=6)) for order in orders]
    return orders[0], orders[1], cuts


def stored(backend: Backend, events: Journal, cuts: Sequence[int]) -> list[tuple[str, str]]:
    backend.execute(_EMPTY)
    batch = journal_of(events)
    for part in split(batch, cuts):
        shipped = backend.run(backend.store.ship(part))
        dead = part.payloads.count(POISON)
        assert (shipped.events, shipped.dead) == (len(part) - dead, dead)
    assert backend.misplaced(batch) == []
    return sorted((row["relation"], row["content"]) for row in backend.fetch(_ROWS))


def test_every_table_that_shipping_fills_is_compared(postgres: Backend) -> None:
    ship_all(postgres, journal_of([run_started(), *with_its_exit(round_trip()), *BESIDE, POISON]))
    tables = [name for (name,) in postgres.fetch(_TABLES)]
    filled = {name for name in tables if postgres.fetch(f"SELECT FROM {name} LIMIT 1")}
    compared = {name for name in filled if f" FROM {name} r\n" in _ROWS and f"DELETE FROM {name};" in _EMPTY}
    assert filled - compared == {"journal_cursor"}


# The fixture is a connection; what it finds there, each example deletes.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(journal=journals())
def test_batches_and_interleaving_make_no_difference(
    postgres: Backend, journal: tuple[Journal, Journal, list[list[int]]]
) -> None:
    one_order, other_order, (cuts, other_cuts) = journal
    whole = stored(postgres, one_order, [])
    assert stored(postgres, one_order, cuts) == whole
    assert stored(postgres, other_order, other_cuts) == whole
    trades = postgres.fetch("SELECT executor_id, pnl_quote, fees_quote FROM trades")
    assert {row["executor_id"]: (row["pnl_quote"], row["fees_quote"]) for row in trades} == {
        trade.opened.executor_id: (trade.pnl_quote, trade.fees_quote)
        for trade in RunRecord.of(event for event in one_order if not isinstance(event, str)).closed_trades
    }
