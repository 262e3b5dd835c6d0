"""What every store gives back: signals, positions and results by strategy, exact, whole and of the period asked for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain import events as ev
from shared.domain.signals import Side
from shared.domain.stored import OpenPosition, StoredCounts, StoredSignal, Timeframe
from shared.ports import ValuesRefused
from tests.contract.store_samples import ALWAYS, NOON, NOON_MS, D, a_life, candle, of_strategy
from tests.store_backends import RUN, Backend, journal_of, ship_all
from tests.unit.domain.generated_runs import PERPETUAL, TradeBuilder, round_trip, signal

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


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
    times += [
        row.opened_at for row in backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 1, "polygon"))
    ]
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
    # Not StoreUnavailable: no waiting makes it one.
    with pytest.raises(ValuesRefused):
        backend.run(backend.store.counts("default"))
