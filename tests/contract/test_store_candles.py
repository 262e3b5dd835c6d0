"""Candles in every store: exact, one of each time, read to any number, deleted within bounds."""

from datetime import timedelta

import pytest

from shared.domain.stored import Timeframe
from shared.ports import StoreError
from tests.contract.store_samples import NOON, D, candle
from tests.store_backends import Backend

# No Hummingbot in it: once is enough.
pytestmark = pytest.mark.store


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
