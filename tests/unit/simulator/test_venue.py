"""The venue: order of events, closing candles, the end of the data, and who hears what."""

import asyncio
import json
from collections import Counter
from itertools import pairwise

import pytest
from market_samples import BTC_PERPETUAL, START_MS, market, walk

from shared.simulator.errors import UnknownPair, VenueError
from shared.simulator.instruments import instrument_for
from shared.simulator.market import Market
from shared.simulator.venue import Venue


class Listener:
    """Keeps the events sent to it, unwrapped from their frames."""

    def __init__(self) -> None:
        self.events: list[dict] = []

    def send(self, frames: bytes) -> None:
        while frames:
            size, start = (frames[1], 2) if frames[1] < 126 else (int.from_bytes(frames[2:4]), 4)
            self.events.append(json.loads(frames[start : start + size]))
            frames = frames[start + size :]


def opened(count: int = 200) -> Venue:
    venue = Venue([market(count), market(count, instrument=BTC_PERPETUAL)], clock=lambda: START_MS / 1000)
    venue.open(START_MS)
    return venue


def test_each_step_tells_the_trade_the_book_and_the_candle_in_this_order() -> None:
    venue, listener = opened(), Listener()
    for name in ("btcusdt@kline_1m", "btcusdt@depth@100ms", "btcusdt@trade"):
        venue.subscribe(False, name, listener, combined=False)
    assert [event["e"] for event in listener.events] == ["kline"]  # the candle in progress, at once
    listener.events.clear()
    for _ in range(30):
        venue.publish_next()
    by_time: dict[int, list[str]] = {}
    for event in listener.events:
        by_time.setdefault(event["E"], []).append(event["e"])
    for kinds in by_time.values():
        assert kinds in (
            ["trade", "depthUpdate", "kline"],
            ["depthUpdate", "kline"],
            ["kline", "trade", "depthUpdate", "kline"],
            ["kline", "depthUpdate", "kline"],
        )
    assert len(by_time) == 30


def test_a_candle_ends_with_one_last_word_then_the_next_one_opens() -> None:
    venue, listener = opened(), Listener()
    venue.subscribe(False, "btcusdt@kline_1m", listener, combined=False)
    for _ in range(24):
        venue.publish_next()
    closed = [number for number, event in enumerate(listener.events) if event["k"]["x"]]
    assert len(closed) == 2
    for number in closed:
        last, first = listener.events[number]["k"], listener.events[number + 1]["k"]
        assert first["t"] == last["t"] + 60_000 == listener.events[number]["E"]
        assert last["c"] == listener.events[number - 1]["k"]["c"]
        assert first["o"] == first["h"] == first["l"] == first["c"]


def test_diffs_are_contiguous_whoever_listens_when() -> None:
    venue, early, late = opened(), Listener(), Listener()
    venue.subscribe(True, "btcusdt@depth", early, combined=True)
    for step in range(20):
        if step == 10:
            venue.subscribe(True, "btcusdt@depth", late, combined=True)
        venue.publish_next()
    data = [event["data"] for event in early.events]
    assert all(event["stream"] == "btcusdt@depth" for event in early.events)
    assert all(after["pu"] == before["u"] for before, after in pairwise(data))
    assert late.events == early.events[10:]
    assert data[-1]["u"] == venue.market(True, "BTCUSDT").book().update_id


def test_one_message_goes_to_raw_and_combined_listeners() -> None:
    venue, raw, combined = opened(), Listener(), Listener()
    venue.subscribe(True, "btcusdt@markPrice", raw, combined=False)
    venue.subscribe(True, "btcusdt@markPrice", combined, combined=True)
    venue.publish_next()
    assert [event["data"] for event in combined.events] == raw.events
    assert raw.events[0]["e"] == "markPriceUpdate"


def test_unsubscribed_and_unknown_streams_are_silent_and_forgotten() -> None:
    venue, listener = opened(), Listener()
    for name in ("nopeusdt@trade", "btcusdt@nope", "btcusdt@depth", "btcusdt@trade"):
        venue.subscribe(False, name, listener, combined=False)
    venue.unsubscribe(False, "btcusdt@depth", listener)
    venue.unsubscribe(False, "nopeusdt@depth", listener)
    for _ in range(5):
        venue.publish_next()
    assert Counter(event["e"] for event in listener.events).keys() == {"trade"}
    venue.drop(listener)
    listener.events.clear()
    venue.publish_next()
    assert listener.events == []


def test_data_that_is_over_closes_the_last_candle_and_is_not_repeated() -> None:
    venue, listener = opened(24), Listener()
    venue.subscribe(False, "btcusdt@kline_1m", listener, combined=False)

    async def run() -> None:
        while not venue.exhausted.is_set():
            venue.publish_next()

    asyncio.run(asyncio.wait_for(run(), 5))
    last = listener.events[-1]
    assert (last["E"], last["k"]["x"]) == (START_MS + 120_000, True)
    assert venue.market(False, "BTCUSDT").time_ms == START_MS + 115_000


def test_the_shortest_market_ends_the_venue() -> None:
    longer = Market(instrument_for("ETH-USDT", perpetual=False), walk(500))
    assert Venue([market(20), longer]).end_ms == START_MS + 100_000


def test_the_task_follows_the_clock_and_catches_up() -> None:
    async def run() -> tuple[int, bool]:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        # Fifty seconds late from the start: the steps missed are published one after another.
        late = {"s": 0.0}
        venue = Venue([market(20)], clock=lambda: START_MS / 1000 + late["s"] + loop.time() - begun)
        listener = Listener()
        venue.subscribe(False, "btcusdt@depth", listener, combined=False)
        venue.start()
        late["s"] = 1000.0
        await asyncio.wait_for(venue.exhausted.wait(), 5)
        await venue.stop()
        return len(listener.events), venue.exhausted.is_set()

    assert asyncio.run(run()) == (19, True)


def test_a_failure_is_not_swallowed() -> None:
    class Broken(Listener):
        def send(self, frames: bytes) -> None:
            raise RuntimeError("broken")

    async def run() -> None:
        times = iter([START_MS / 1000])
        venue = Venue([market(20)], clock=lambda: next(times, START_MS / 1000 + 10))
        venue.subscribe(False, "btcusdt@depth", Broken(), combined=False)
        venue.start()
        await asyncio.sleep(0.01)
        with pytest.raises(RuntimeError, match="broken"):
            await venue.stop()

    asyncio.run(run())


def test_a_clock_outside_the_data_is_refused() -> None:
    venue = Venue([market(24)])
    with pytest.raises(VenueError, match=r"2025-01-05T23:59:59Z.* spans 2025-01-06T00:00:00Z to 2025-01-06T00:02:00Z"):
        venue.open(START_MS - 1)
    with pytest.raises(VenueError, match="set the clock"):
        venue.open(START_MS + 120_000)


def test_markets_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(VenueError, match="at least one market, and one step"):
        Venue([])
    with pytest.raises(VenueError, match="one step"):
        Venue([market(10), market(10, step_s=1, instrument=BTC_PERPETUAL)])
    with pytest.raises(VenueError, match="every symbol once"):
        Venue([market(10), market(10)])


def test_an_unknown_symbol_names_what_is_listed() -> None:
    with pytest.raises(UnknownPair, match="'NOPE'; it lists BTCUSDT"):
        opened().market(False, "NOPE")
