"""Markets: only the past is shown, and what candles say was traded was traded."""

from hypothesis import given
from market_samples import BTC, START_MS, market, price_paths

from shared.simulator.market import Market
from shared.simulator.price_path import PricePath


def test_advancing_yields_every_point_once_and_never_goes_back() -> None:
    sample = market(10)
    assert list(sample.advance(START_MS - 1)) == []
    assert list(sample.advance(START_MS)) == [0]
    assert list(sample.advance(START_MS + 14_999)) == [1, 2]
    assert list(sample.advance(START_MS + 3_000)) == []
    assert list(sample.advance(START_MS + 10**9)) == list(range(3, 10))
    assert sample.time_ms == START_MS + 45_000


@given(price_paths())
def test_every_price_reached_is_traded_by_whoever_moved_it(path: PricePath) -> None:
    sample = Market(BTC, path)
    last = None
    for index, price in enumerate(path.price_ticks.tolist()):
        trade = sample.trade(index)
        moved = last is not None and price != last
        assert (trade is not None) == (moved or path.volume_steps[index] > 0)
        if trade is not None:
            assert trade.price_ticks == price
            assert trade.quantity_steps == max(path.volume_steps[index], 1)
            if moved:
                assert trade.buyer_is_maker == (price < last)
        last = price


def test_highs_and_lows_of_klines_are_among_the_trades() -> None:
    sample = market(240)
    sample.advance(START_MS + 240 * 5000)
    klines = sample.klines(60, START_MS, START_MS + 10**9)
    for number, (high, low) in enumerate(zip(klines.high.tolist(), klines.low.tolist(), strict=True)):
        trades = [sample.trade(index) for index in range(number * 12, number * 12 + 12)]
        prices = [trade.price_ticks for trade in trades if trade is not None]
        assert {high, low} <= set(prices) or number == 0


def test_a_closed_candle_can_still_be_asked_for() -> None:
    sample = market()
    sample.advance(START_MS + 60_000)
    closed = sample.kline(60, START_MS + 59_999)
    assert (len(closed), closed.open_ms[0]) == (1, START_MS)
    assert closed.close[0] == sample.path.price_ticks[11]
    assert sample.kline(60, START_MS + 60_000).open[0] == sample.path.price_ticks[12]


def test_funding_comes_every_eight_hours() -> None:
    sample = market()
    sample.advance(START_MS)
    assert sample.next_funding_ms() == START_MS + 8 * 3_600_000
