"""Books: around the last price, the same from any side, and rebuilt exactly from any snapshot and its diffs."""

from hypothesis import given
from hypothesis import strategies as st
from market_samples import BTC, COARSE, price_paths, walk

from shared.simulator.depth import FIRST_UPDATE_ID, Book, Depth
from shared.simulator.instruments import SPOT, Instrument, instrument_for
from shared.simulator.price_path import PricePath
from shared.simulator.scenario import simulated

instruments = st.sampled_from([BTC, COARSE, instrument_for("DOT-USDT", perpetual=False)])


@given(price_paths(), instruments, st.data())
def test_diffs_from_any_snapshot_give_the_book(path: PricePath, instrument: Instrument, data: st.DataObject) -> None:
    last = len(path.time_ms) - 1
    first = data.draw(st.integers(0, last))
    depth = Depth(instrument, path, seed=5)
    snapshot = Depth(instrument, path, seed=5).book(first)
    bids, asks = dict(snapshot.bids), dict(snapshot.asks)
    for index in range(first + 1, last + 1):
        diff = depth.diff(index)
        assert diff.update_id == snapshot.update_id + index - first
        assert diff.bids or diff.asks
        for side, changes in ((bids, diff.bids), (asks, diff.asks)):
            for ticks, steps in changes.items():
                if steps:
                    side[ticks] = steps
                else:
                    del side[ticks]
    now = Depth(instrument, path, seed=5).book(last)
    assert (bids, asks) == (now.bids, now.asks)


@given(price_paths(), instruments)
def test_the_last_price_lies_between_best_bid_and_best_ask(path: PricePath, instrument: Instrument) -> None:
    depth = Depth(instrument, path)
    for index, price in enumerate(path.price_ticks.tolist()):
        bid, ask = depth.best(index)
        book = depth.book(index)
        assert bid <= price <= ask
        assert bid < ask
        assert (max(book.bids), min(book.asks)) == (bid, ask)
        assert min(book.bids) >= 1
        assert min(*book.bids.values(), *book.asks.values()) >= 1
        assert list(book.bids) == sorted(book.bids, reverse=True)
        assert list(book.asks) == sorted(book.asks)


def levels_taken(book: Book, instrument: Instrument, notional: float) -> int:
    left, count = notional, 0
    for ticks, steps in book.asks.items():
        left -= ticks / instrument.price_scale * steps / instrument.size_scale
        count += 1
        if left <= 0:
            break
    return count


def test_small_orders_take_a_level_or_two_and_large_ones_many() -> None:
    venue = simulated(list(SPOT), duration_s=600, warmup_s=600)
    for market in venue.markets(False):
        market.advance(venue.start_ms)
        for index in range(0, market.index, 20):
            book = market.depth.book(index)
            assert levels_taken(book, market.instrument, 100) == 1
            assert levels_taken(book, market.instrument, 1_000) <= 2
            assert 10 <= levels_taken(book, market.instrument, 200_000) <= 18


def test_a_book_depends_on_the_seed_and_the_point_alone() -> None:
    path = walk(50, price=1_000_000)
    forward, backward = Depth(BTC, path, 1), Depth(BTC, path, 1)
    ahead = [forward.book(index) for index in range(50)]
    assert [backward.book(index) for index in reversed(range(50))] == ahead[::-1]
    assert Depth(BTC, path, 2).book(7) != ahead[7]
    assert ahead[7].update_id == FIRST_UPDATE_ID + 7
