"""What is asked for on a connection comes to be what is wanted, within the source's limits."""

import random

from hypothesis import given
from hypothesis import strategies as st

from shared.wire.binance_stream import BinanceDialect
from shared.wire.budget import Budget
from shared.wire.polygon_stream import PolygonDialect
from shared.wire.subscriptions import Subscriptions

SYMBOLS = [f"C{number}-USD" for number in range(8)]


class Server:
    """Keeps the books as Polygon does."""

    def __init__(self) -> None:
        self.subscribed: set[str] = set()

    def take(self, text: str) -> None:
        action = '"unsubscribe"' in text
        symbols = {symbol for symbol in SYMBOLS if f"XA.{symbol}" in text}
        if action:
            assert symbols <= self.subscribed
            self.subscribed -= symbols
        else:
            assert not symbols & self.subscribed
            self.subscribed |= symbols


@given(st.lists(st.tuples(st.floats(0, 2), st.sets(st.sampled_from(SYMBOLS)), st.booleans()), max_size=30))
def test_whatever_is_wanted_when_it_is_subscribed_to_in_the_end(
    changes: list[tuple[float, set[str], bool]],
) -> None:
    subscriptions, server = Subscriptions(PolygonDialect("ws://x", "key"), Budget(2, 1.0)), Server()
    subscriptions.begin()
    now_s = 0.0
    for wait_s, symbols, is_renewal in changes:
        now_s += wait_s
        if is_renewal:
            subscriptions.renew(frozenset(symbols))
        else:
            subscriptions.want(frozenset(symbols))
        for text in subscriptions.requests(now_s):
            server.take(text)
    for _ in range(20):
        if subscriptions.due_s is None:
            break
        now_s = max(now_s, subscriptions.due_s)
        for text in subscriptions.requests(now_s):
            server.take(text)
    assert server.subscribed == subscriptions.wanted
    assert subscriptions.due_s is None


def test_a_thousand_streams_take_ten_requests_at_three_a_second() -> None:
    subscriptions = Subscriptions(BinanceDialect("ws://x"), Budget(3, 1.0))
    subscriptions.want(frozenset(f"C{number}-USDT" for number in range(1000)))
    subscriptions.begin()
    sent: list[float] = []
    now_s = random.Random(1).uniform(0, 9)
    while (due_s := subscriptions.due_s) is not None:
        now_s = max(now_s, due_s)
        sent += [now_s for _ in subscriptions.requests(now_s)]
    assert len(sent) == 10
    assert all(later - earlier >= 1.0 for earlier, later in zip(sent, sent[3:], strict=False))


def test_a_new_connection_is_subscribed_to_nothing() -> None:
    subscriptions = Subscriptions(PolygonDialect("ws://x", "key"), Budget(10, 1.0))
    subscriptions.want(frozenset({"BTC-USD"}))
    assert list(subscriptions.requests(0.0)) == []
    for at_s in (0.0, 10.0):
        subscriptions.begin()
        assert list(subscriptions.requests(at_s)) == ['{"action": "subscribe", "params": "XA.BTC-USD"}']
        assert list(subscriptions.requests(at_s)) == []
        subscriptions.end()
