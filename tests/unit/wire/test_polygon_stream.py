"""Polygon's stream from the greeting to its many ends: each fault leads where it should, and never into a storm."""

import random

import pytest

from shared.wire.polygon_stream import PolygonStream
from shared.wire.stream import Link, Malformed, Send
from tests.unit.wire.stream_driver import AUTHENTICATED, FULL, HELLO, SUBSCRIBED, Driver, minute

KEY = "a-very-secret-key-0123456789"


def stream(canary: str | None = "BTC-USD", **options: bool) -> Driver:
    return Driver(PolygonStream("wss://host", KEY, random.Random(7), canary=canary), **options)


def live(*symbols: str) -> Driver:
    driver = stream()
    driver.want(*(symbols or ("BTC-USD",)))
    driver.opened()
    driver.hear(HELLO, AUTHENTICATED, SUBSCRIBED)
    assert driver.link is Link.LIVE
    return driver


def test_the_whole_handshake() -> None:
    driver = stream()
    assert driver.link is Link.IDLE
    driver.want("BTC-USD", "ETH-USD")
    driver.opened()
    driver.hear(HELLO)
    assert driver.sent == ['{"action": "auth", "params": "' + KEY + '"}']
    driver.hear(AUTHENTICATED)
    assert driver.sent[1:] == ['{"action": "subscribe", "params": "XA.BTC-USD,XA.ETH-USD"}']
    driver.hear(SUBSCRIBED, minute())
    assert driver.path == [Link.CONNECTING, Link.GREETING, Link.AUTHENTICATING, Link.SUBSCRIBING, Link.LIVE]
    assert [str(bar.close) for bar in driver.bars] == ["9134.3"]


def test_bars_are_as_good_as_a_confirmation() -> None:
    driver = stream()
    driver.want("BTC-USD")
    driver.opened()
    driver.hear(HELLO, AUTHENTICATED, minute())
    assert driver.link is Link.LIVE


@pytest.mark.parametrize("said", [[], [HELLO], [HELLO, AUTHENTICATED]])
def test_an_answer_that_does_not_come_is_not_waited_for_long(said: list[str]) -> None:
    driver = stream()
    driver.want("BTC-USD")
    driver.opened()
    driver.hear(*said)
    driver.wait(10.0)
    assert driver.link is Link.BACKING_OFF
    assert "did not answer while" in driver.cause


@pytest.mark.parametrize(
    "before",
    [[HELLO], [HELLO, AUTHENTICATED], [HELLO, AUTHENTICATED, SUBSCRIBED], [HELLO, AUTHENTICATED, SUBSCRIBED, minute()]],
)
def test_max_connections_is_a_fault_of_the_account_whenever_it_comes(before: list[str]) -> None:
    driver = stream(answers_close=False)
    driver.want("BTC-USD")
    driver.opened()
    driver.hear(*before)
    driver.hear(FULL)
    assert driver.link is Link.COOLING
    assert driver.cause == "Polygon says max_connections: Maximum number of websocket connections exceeded."
    driver.closed(1008)
    assert driver.link is Link.COOLING
    driver.wait(59.9)
    assert len(driver.connected_s) == 1
    driver.wait(20.0)
    assert len(driver.connected_s) == 2


def test_an_account_that_stays_full_sees_a_connection_a_minute_at_most() -> None:
    driver = stream()
    driver.want("BTC-USD")
    for _ in range(30):
        driver.opened()
        driver.hear(HELLO, AUTHENTICATED, SUBSCRIBED, FULL)
        driver.wait(90.0)
    gaps = [later - earlier for earlier, later in zip(driver.connected_s, driver.connected_s[1:], strict=False)]
    assert min(gaps) >= 60.0


def test_a_policy_close_is_taken_for_a_full_account() -> None:
    driver = live()
    driver.closed(1008)
    assert driver.link is Link.COOLING


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1009, 1011])
def test_every_other_close_leads_to_a_new_connection_with_the_subscriptions_sent_anew(code: int | None) -> None:
    driver = live("BTC-USD", "ETH-USD")
    driver.closed(code)
    assert driver.link is Link.BACKING_OFF
    driver.wait(5.0)
    driver.opened()
    driver.hear(HELLO, AUTHENTICATED)
    assert driver.sent[-1] == '{"action": "subscribe", "params": "XA.BTC-USD,XA.ETH-USD"}'


def test_a_close_between_key_and_subscription_loses_no_subscription() -> None:
    driver = stream()
    driver.want("BTC-USD")
    driver.opened()
    driver.hear(HELLO)
    driver.closed(1006)
    driver.wait(5.0)
    driver.opened()
    driver.hear(HELLO, AUTHENTICATED)
    assert driver.sent[-1] == '{"action": "subscribe", "params": "XA.BTC-USD"}'


@pytest.mark.parametrize("status", ["auth_failed", "error"])
def test_a_refusal_waits_for_a_person_and_looks_again_rarely(status: str) -> None:
    driver = stream()
    driver.want("BTC-USD")
    driver.opened()
    driver.hear(HELLO, f'[{{"ev":"status","status":"{status}","message":"not authorized"}}]')
    assert driver.link is Link.REFUSED
    assert driver.cause == f"Polygon says {status}: not authorized."
    driver.wait(899.0)
    assert len(driver.connected_s) == 1
    driver.wait(300.0)
    assert len(driver.connected_s) == 2


@pytest.mark.parametrize("answers_close", [False, True])
def test_to_be_allowed_again_does_not_cut_a_refusal_short(answers_close: bool) -> None:
    driver = stream(answers_close=answers_close)
    driver.want("BTC-USD")
    driver.opened()
    driver.hear(HELLO, '[{"ev":"status","status":"auth_failed","message":"no"}]')
    driver.allow(False)
    assert driver.link is Link.IDLE
    driver.allow(True)
    assert driver.link is Link.REFUSED
    driver.wait(899.0)
    assert len(driver.connected_s) == 1


def test_a_stall_is_noticed_though_pings_are_answered() -> None:
    driver = live()
    driver.hear(minute())
    driver.wait(90.0)
    assert driver.link is Link.BACKING_OFF
    assert driver.cause == "Polygon sends no bars though it is subscribed to."
    assert driver.pings > 0


def test_a_canary_silent_alone_is_subscribed_to_anew_first() -> None:
    driver = live("BTC-USD", "ETH-USD")
    for _ in range(2):
        driver.wait(45.0)
        driver.hear(minute("ETH-USD"))
    driver.wait(1.0)
    assert driver.link is Link.LIVE
    assert driver.sent[-2:] == [
        '{"action": "unsubscribe", "params": "XA.BTC-USD"}',
        '{"action": "subscribe", "params": "XA.BTC-USD"}',
    ]


def test_a_half_open_connection_is_noticed_within_twenty_seconds() -> None:
    driver = live()
    driver.wait(20.0, pong=False)
    assert driver.link is Link.BACKING_OFF
    assert driver.cause == "The connection to Polygon answers no ping."


def test_what_is_not_allowed_hangs_up_at_once_and_waits_for_the_old_socket() -> None:
    driver = stream(answers_close=False)
    driver.want("BTC-USD")
    driver.opened()
    driver.hear(HELLO, AUTHENTICATED, SUBSCRIBED)
    driver.allow(False)
    assert driver.link is Link.IDLE
    assert driver.cause == "No connection is allowed."
    driver.allow(True)
    driver.hear(minute())
    assert driver.bars == []
    assert len(driver.connected_s) == 1
    driver.closed(1000)
    assert len(driver.connected_s) == 2


def test_nobody_wanting_anything_hangs_up() -> None:
    driver = live()
    driver.want()
    assert driver.link is Link.IDLE
    assert driver.cause == ""


def test_symbols_come_and_go_while_it_is_live() -> None:
    driver = live()
    driver.want("ETH-USD")
    assert driver.sent[-2:] == [
        '{"action": "unsubscribe", "params": "XA.BTC-USD"}',
        '{"action": "subscribe", "params": "XA.ETH-USD"}',
    ]


@pytest.mark.parametrize(
    ("status", "link"),
    [(None, Link.BACKING_OFF), (500, Link.BACKING_OFF), (401, Link.REFUSED), (403, Link.REFUSED), (429, Link.COOLING)],
)
def test_handshakes_that_fail(status: int | None, link: Link) -> None:
    driver = stream()
    driver.want("BTC-USD")
    driver.not_opened(status)
    assert driver.link is link


def test_a_source_that_is_away_is_asked_ever_less_often() -> None:
    driver = stream()
    driver.want("BTC-USD")
    for _ in range(40):
        driver.not_opened()
        driver.wait(60.0)
    in_first_minute = sum(at_s < 60.0 for at_s in driver.connected_s)
    assert in_first_minute <= 6
    assert len(driver.connected_s) >= 40


def test_the_key_gets_into_no_log() -> None:
    driver = live()
    driver.hear(f'[{{"ev":"echo","params":"{KEY}"}}]', f'[{{"ev":"status","status":"error","message":"{KEY} is odd"}}]')
    driver.hear(f'[{{"ev":"status","status":"auth_failed","message":"{KEY}"}}]')
    assert any(isinstance(one, Malformed) for one in driver.others)
    assert KEY not in repr([driver.others, driver.moves, Send(driver.sent[0])])


def test_no_key_no_stream() -> None:
    with pytest.raises(ValueError, match="key is empty"):
        PolygonStream("wss://host", "", random.Random(1))
