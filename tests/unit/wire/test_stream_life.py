"""Whatever happens to a stream in whatever order: one socket at a time, no storm, and always a way back."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.wire.link_table import HELD, OPEN
from shared.wire.polygon_stream import PolygonStream
from shared.wire.stream import Link
from tests.unit.wire.stream_driver import AUTHENTICATED, FULL, HELLO, SUBSCRIBED, Driver, minute

DENIED = '[{"ev":"status","status":"auth_failed","message":"no"}]'
_messages = st.sampled_from([HELLO, AUTHENTICATED, SUBSCRIBED, FULL, DENIED, minute(), minute("ETH-USD"), "{", b"\xff"])
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), _messages),
        st.tuples(st.just("wait"), st.floats(0, 100)),
        st.tuples(st.just("closed"), st.sampled_from([None, 1000, 1006, 1008])),
        st.tuples(st.just("opened"), st.none()),
        st.tuples(st.just("not_opened"), st.sampled_from([None, 403, 429, 502])),
        st.tuples(st.just("want"), st.sampled_from([(), ("BTC-USD",), ("BTC-USD", "ETH-USD")])),
        st.tuples(st.just("allow"), st.booleans()),
    ),
    max_size=60,
)


def play(driver: Driver, step: str, value: object) -> None:
    """Do one step, if the socket is in a state in which it could happen."""
    is_connecting = driver.link is Link.CONNECTING
    match step, value:
        case "hear", str() | bytes():
            driver.hear(value)
        case "wait", float():
            driver.wait(value)
        case "closed", int() | None if driver.open_sockets and not is_connecting:
            driver.closed(value)
        case "opened", None if is_connecting:
            driver.opened()
        case "not_opened", int() | None if is_connecting:
            driver.not_opened(value)
        case "want", tuple():
            driver.want(*value)
        case "allow", bool():
            driver.allow(value)


@settings(max_examples=300)
@given(_steps, st.booleans(), st.integers(0, 2**32))
def test_any_order_of_events(steps: list[tuple[str, object]], answers_close: bool, seed: int) -> None:
    driver = Driver(PolygonStream("wss://host", "a-key", random.Random(seed)), answers_close=answers_close)
    for step, value in steps:
        play(driver, step, value)
        if driver.link in OPEN or driver.link is Link.CONNECTING:
            assert driver.open_sockets == 1
    connected = driver.connected_s
    assert all(later - earlier >= 60.0 - 1e-6 for earlier, later in zip(connected, connected[6:], strict=False))

    # And then all is well again: it comes back, however it stood.
    if driver.open_sockets and driver.link not in OPEN and driver.link is not Link.CONNECTING:
        driver.closed(None)
    driver.allow(True)
    driver.want("BTC-USD")
    for _ in range(3):
        if driver.link in HELD:
            driver.wait(1200.0)
        if driver.link in OPEN:
            driver.closed(None)
            driver.wait(120.0)
        if driver.link is Link.CONNECTING:
            driver.opened()
            driver.hear(HELLO, AUTHENTICATED, SUBSCRIBED)
            break
    assert driver.link is Link.LIVE
