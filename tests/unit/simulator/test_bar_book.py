"""Books of bars: the venue's markets in USD, minutes taken out, and bars joined to longer ones."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from market_samples import BTC, BTC_PERPETUAL, START_MS, market, price_paths

from shared.simulator.bar_book import MINUTE_MS, USD_PER_USDT, AmendedBars, MarketBars, longer
from shared.simulator.generated_bars import GeneratedBars
from shared.simulator.market import Market
from shared.simulator.price_path import PricePath
from shared.simulator.venue import Venue


def _book(path: PricePath, now_ms: int) -> MarketBars:
    venue = Venue([Market(BTC, path), Market(BTC_PERPETUAL, path)], clock=lambda: now_ms / 1000)
    return MarketBars(venue)


def test_spot_markets_in_usd_and_nothing_else() -> None:
    book = _book(market().path, START_MS)
    assert book.symbols() == ["BTC-USD"]
    assert book.minutes("BTC-USDT", 0, 2**60) == []


def test_prices_are_the_markets_at_the_stated_rate() -> None:
    path = market().path
    bar = _book(path, START_MS + 60_000).minutes("BTC-USD", START_MS, START_MS + 60_000)[0]
    usdt = Decimal(int(path.price_ticks[0])) / 100
    assert bar.open == (usdt * USD_PER_USDT).quantize(Decimal("0.01"))
    assert bar.open < usdt
    assert bar.volume == int(path.volume_steps[:12].sum()) * Decimal("0.00001")


@given(price_paths(), st.integers(0, 400))
def test_bars_are_sound_and_a_minute_without_a_trade_has_none(path: PricePath, now_s: int) -> None:
    now_ms = path.start_ms + now_s * 1000
    bars = _book(path, now_ms).minutes("BTC-USD", path.start_ms - MINUTE_MS, path.end_ms + MINUTE_MS)
    reached = path.time_ms <= now_ms
    traded = {int(time_ms) // MINUTE_MS * MINUTE_MS for time_ms in path.time_ms[reached & path.traded]}
    assert [bar.open_ms for bar in bars] == sorted(traded)
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close, bar.vwap)
        assert bar.high >= max(bar.open, bar.close, bar.vwap)
        assert bar.volume > 0


@given(price_paths())
def test_seconds_add_up_to_their_minute(path: PricePath) -> None:
    book = _book(path, path.end_ms)
    for minute in book.minutes("BTC-USD", path.start_ms - MINUTE_MS, path.end_ms):
        seconds = book.seconds("BTC-USD", minute.open_ms, minute.open_ms + MINUTE_MS)
        assert sum(one.trades for one in seconds) == minute.trades
        assert max(one.high for one in seconds) <= minute.high


def test_a_minute_taken_out_stays_out() -> None:
    book = AmendedBars(GeneratedBars(["A-USD", "B-USD"], empty_fraction=0.0))
    book.take_out("A-USD", START_MS)
    assert [bar.open_ms for bar in book.minutes("A-USD", START_MS, START_MS + 120_000)] == [START_MS + 60_000]
    assert len(book.minutes("B-USD", START_MS, START_MS + 120_000)) == 2
    assert book.symbols() == ["A-USD", "B-USD"]
    assert book.seconds("A-USD", START_MS, START_MS + 1000) == []


@given(st.integers(0, 500), st.integers(1, 300), st.sampled_from([5, 15, 60]))
def test_longer_bars_hold_what_their_minutes_hold(first: int, count: int, length: int) -> None:
    since_ms = START_MS + first * MINUTE_MS
    minutes = GeneratedBars(["A-USD", "B-USD"], 0.3).minutes("B-USD", since_ms, since_ms + count * MINUTE_MS)
    joined = longer(minutes, length * MINUTE_MS)
    assert [bar.open_ms for bar in joined] == sorted(
        {one.open_ms // (length * 60_000) * length * 60_000 for one in minutes}
    )
    assert sum(bar.volume for bar in joined) == sum(bar.volume for bar in minutes)
    for bar in joined:
        inside = [one for one in minutes if bar.open_ms <= one.open_ms < bar.open_ms + length * MINUTE_MS]
        assert (bar.open, bar.close) == (inside[0].open, inside[-1].close)
        assert (bar.high, bar.low) == (max(one.high for one in inside), min(one.low for one in inside))


def test_minutes_stay_as_they_are() -> None:
    minutes = GeneratedBars(["A-USD"]).minutes("A-USD", START_MS, START_MS + 600_000)
    assert longer(minutes, MINUTE_MS) == minutes
