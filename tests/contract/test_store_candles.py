"""Candles in every store: exact, one of each time, read to any number, deleted within bounds."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.adapters.memory_store import MemoryStore
from shared.domain.stored import Timeframe
from shared.ports import ValuesRefused
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
        found = backend.run(backend.store.last_candles("BTC-USDT", timeframe, count, "polygon"))
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
    (found,) = backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 1, "polygon"))
    assert found == exact


def test_a_candle_that_is_there_is_replaced(backend: Backend) -> None:
    backend.run(backend.store.put_candles([candle(NOON), candle(NOON + timedelta(minutes=1))]))
    newer = candle(NOON, close=D("9.5"), quote_currency="USD")
    backend.run(backend.store.put_candles([newer]))
    found = backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 10, "polygon"))
    assert found == [newer, candle(NOON + timedelta(minutes=1))]


def test_two_sources_of_one_symbol_are_two_series(backend: Backend) -> None:
    ours = [candle(NOON), candle(NOON + timedelta(minutes=1))]
    theirs = [candle(NOON, source="binance", close=D("9.5")), candle(NOON + timedelta(minutes=2), source="binance")]
    backend.run(backend.store.put_candles([*ours, *theirs]))
    for source, candles in (("polygon", ours), ("binance", theirs), ("kraken", [])):
        assert backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 10, source)) == candles


def revisions(backend: Backend) -> list[int]:
    """Of every candle, in order of time and source."""
    if isinstance(backend.store, MemoryStore):
        return [number for _, number in sorted(backend.store.revisions.items(), key=lambda each: (each[0][3], each[0]))]
    return [row["revision"] for row in backend.fetch('SELECT revision FROM ohlc_data ORDER BY "timestamp", source')]


def test_a_revision_is_a_change_of_values_and_nothing_else(backend: Backend) -> None:
    first, second = candle(NOON), candle(NOON + timedelta(minutes=1))
    other = candle(NOON + timedelta(minutes=1), source="tiingo")
    for candles, found in [
        ([first, second], [0, 0]),
        ([first, second], [0, 0]),
        ([replace(first, close=D("11.00"))], [0, 0]),
        ([replace(first, close=D("11.01")), second], [1, 0]),
        ([replace(first, close=D("11.01"))], [1, 0]),
        ([first, replace(second, volume=D(3)), other], [2, 1, 0]),
        ([replace(second, quote_currency="USD")], [2, 2, 0]),
    ]:
        backend.run(backend.store.put_candles(candles))
        assert revisions(backend) == found


def test_the_newest_open_of_each_symbol_is_told_by_source_and_timeframe(backend: Backend) -> None:
    symbols = [f"COIN{number}-USDT" for number in range(30)]
    candles = [
        candle(NOON + timedelta(hours=n), symbol=symbol) for n, symbol in enumerate(symbols) for n in (n, n + 48)
    ]
    elsewhere = [
        candle(NOON + timedelta(days=9), source="binance"),
        candle(NOON + timedelta(days=9), symbol=symbols[3], source="binance"),
        candle(NOON, Timeframe.HOUR, symbol=symbols[5]),
    ]
    backend.run(backend.store.put_candles([*candles, *elsewhere]))
    store = backend.store
    newest = {symbol: NOON + timedelta(hours=n + 48) for n, symbol in enumerate(symbols)}
    assert backend.run(store.last_opened("polygon", Timeframe.MINUTE)) == newest
    assert set(backend.run(store.last_opened("binance", Timeframe.MINUTE))) == {"BTC-USDT", symbols[3]}
    assert backend.run(store.last_opened("polygon", Timeframe.HOUR)) == {symbols[5]: NOON}
    assert backend.run(store.last_opened("polygon", Timeframe.QUARTER)) == {}


def test_names_are_kept_letter_by_letter(backend: Backend) -> None:
    for name in ("{a,b}", 'a"b', "a\\b", '\\"', "NULL", " a ", "größer-€", "a'b", "-"):
        odd = candle(NOON, symbol=name, source=name, quote_currency=name)
        backend.run(backend.store.put_candles([odd, candle(NOON, symbol=name)]))
        assert backend.run(backend.store.last_candles(name, Timeframe.MINUTE, 10, name)) == [odd]


def test_of_two_candles_of_one_time_the_last_stays(backend: Backend) -> None:
    backend.run(backend.store.put_candles([candle(NOON, volume=D(number)) for number in range(3)]))
    (found,) = backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 10, "polygon"))
    assert found.volume == 2


def test_no_candles_are_no_work(backend: Backend) -> None:
    backend.run(backend.store.put_candles([]))


def test_a_candle_that_does_not_contain_its_prices_is_refused_with_its_neighbours(backend: Backend) -> None:
    with pytest.raises(ValuesRefused, match=r"a.candle.contains.its.prices"):
        backend.run(backend.store.put_candles([candle(NOON), candle(NOON + timedelta(minutes=1), high=D(10))]))
    assert backend.run(backend.store.last_candles("BTC-USDT", Timeframe.MINUTE, 10, "polygon")) == []


def test_candles_are_deleted_within_their_bounds(backend: Backend) -> None:
    minutes = [NOON + timedelta(minutes=number) for number in range(1500)]
    kept = [candle(minutes[3], Timeframe.HOUR), candle(minutes[3], symbol="ETH-USDT")]
    backend.run(backend.store.put_candles([*map(candle, minutes), *kept]))
    store = backend.store
    assert backend.run(store.delete_candles("BTC-USDT", Timeframe.MINUTE, minutes[1], minutes[-1])) == 1498
    assert backend.run(store.delete_candles("BTC-USDT", Timeframe.MINUTE, minutes[1], minutes[-1])) == 0
    assert backend.run(store.last_candles("BTC-USDT", Timeframe.MINUTE, 9, "polygon")) == [
        candle(minutes[0]),
        candle(minutes[-1]),
    ]
    assert backend.run(store.last_candles("BTC-USDT", Timeframe.HOUR, 9, "polygon")) == kept[:1]
    assert backend.run(store.last_candles("ETH-USDT", Timeframe.MINUTE, 9, "polygon")) == kept[1:]
