"""Binance's stream: no key, few requests, an end after a day, a farewell, a blocked country."""

import json
import random
from itertools import pairwise

import pytest

from shared.wire.binance_stream import BinanceStream
from shared.wire.patience import Patience
from shared.wire.stream import Link
from tests.unit.wire.stream_driver import Driver

CONFIRMED = '{"result":null,"id":1}'
FAREWELL = '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}'


def kline(open_ms: int = 60_000) -> str:
    prices = {"o": "1", "h": "2", "l": "1", "c": "2", "v": "3"}
    return json.dumps({"e": "kline", "k": {"s": "BTCUSDT", "i": "1m", "t": open_ms, "x": False, **prices}})


def live(patience: Patience | None = None) -> Driver:
    driver = Driver(BinanceStream("wss://host", random.Random(7), patience=patience))
    driver.want("BTC-USDT")
    driver.opened()
    driver.hear(CONFIRMED)
    assert driver.link is Link.LIVE
    return driver


def test_it_needs_no_key() -> None:
    driver = live()
    assert driver.path == [Link.CONNECTING, Link.SUBSCRIBING, Link.LIVE]
    assert [json.loads(text) for text in driver.sent] == [
        {"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"], "id": 1}
    ]
    driver.hear(kline())
    assert driver.bars[0].series.symbol == "BTC-USDT"


def test_the_farewell_is_answered_at_once_by_a_new_connection() -> None:
    driver = live()
    driver.wait(20.0)
    driver.hear(kline())
    driver.hear(FAREWELL)
    assert driver.link is Link.CONNECTING
    assert driver.connected_s == [0.0, 20.0]


def test_a_server_that_says_nothing_but_farewell_is_not_stormed() -> None:
    driver = live()
    for _ in range(20):
        driver.hear(FAREWELL)
        assert driver.link is Link.BACKING_OFF
        driver.wait(60.0)
        driver.opened()
        driver.hear(CONFIRMED)
    assert all(later - earlier >= 30.0 for earlier, later in pairwise(driver.connected_s[6:]))


def test_a_connection_is_replaced_before_binance_ends_it() -> None:
    driver = live()
    while driver.now_s < 23 * 3600 + 3000 - 60:
        driver.wait(60.0)
        driver.hear(kline())
    assert len(driver.connected_s) == 1
    driver.wait(60.0)
    assert driver.connected_s[1:] == [23 * 3600 + 3000]
    assert driver.moves[-2].cause == "Binance ends connections of that age."


def test_patience_of_another_kind_does_not_make_a_connection_immortal() -> None:
    driver = live(Patience(silence_s=1e6))
    driver.hear(kline())
    driver.wait(24 * 3600.0)
    assert len(driver.connected_s) == 2


@pytest.mark.parametrize("status", [403, 451])
def test_a_blocked_country_is_no_matter_of_trying_again(status: int) -> None:
    driver = Driver(BinanceStream("wss://host", random.Random(7)))
    driver.want("BTC-USDT")
    driver.not_opened(status)
    assert driver.link is Link.REFUSED
    driver.wait(899.0)
    assert len(driver.connected_s) == 1


def test_a_ban_is_waited_for() -> None:
    driver = Driver(BinanceStream("wss://host", random.Random(7)))
    driver.want("BTC-USDT")
    driver.not_opened(418)
    assert driver.link is Link.COOLING


def test_a_connection_carries_a_thousand_and_twenty_four_streams() -> None:
    driver = Driver(BinanceStream("wss://host", random.Random(7)))
    driver.want(*(f"C{number}-USDT" for number in range(1024)))
    driver.opened()
    driver.wait(9.0)
    assert len(driver.sent) == 11
    with pytest.raises(ValueError, match="1025 symbols: a connection to Binance carries 1024"):
        driver.want(*(f"C{number}-USDT" for number in range(1025)))
