"""Candles that faults have hit, as a client of the spot half hears them."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from market_samples import START_MS
from served_venue import MINUTE_MS, Heard, listen, served

from shared.simulator.fault_kinds import Kind, Where
from shared.simulator.faults import Fault
from shared.simulator.server import VenueServer

BOTH = "/spot/stream?streams=btcusdt@kline_1m/ethusdt@kline_1m"


def fault(kind: Kind, **options: Any) -> Fault:
    return Fault(where=Where.BINANCE, kind=kind, **options)


def heard(*faults: Fault, path: str = BOTH, for_s: float = 300) -> Heard:
    """What comes of the first five minutes."""
    result: list[Heard] = []

    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        result.append(await listen(session, for_s, path))

    served(use, *faults)
    return result[0]


@pytest.mark.parametrize("path", [BOTH, "/spot/ws/btcusdt@kline_1m"])
def test_without_a_fault_each_minute_closes_once(path: str) -> None:
    sound = heard(path=path)
    assert sound.opens() == [0, 1, 2, 3, 4]
    assert all("data" in json.loads(text) for _, text in sound.texts) == (path == BOTH)


@pytest.mark.parametrize(
    ("kind", "options", "opens"),
    [
        (Kind.SKIPPED, {"after_s": 60}, [0, 1, 3, 4]),
        (Kind.SKIPPED, {"after_s": 60, "times": 2}, [0, 1, 4]),
        (Kind.DUPLICATE, {"after_s": 60}, [0, 1, 1, 2, 3, 4]),
        (Kind.OUT_OF_ORDER, {"after_s": 60}, [0, 2, 1, 3, 4]),
        (Kind.LATE, {"after_s": 60, "delay_s": 70}, [0, 2, 1, 3, 4]),
        (Kind.REVISED, {"after_s": 60}, [0, 1, 1, 2, 3, 4]),
        (Kind.FUTURE, {"after_s": 60}, [0, 1, 61, 2, 3, 4]),
        (Kind.TRUNCATED, {"after_s": 60}, [0, 2, 3, 4]),
        (Kind.WRONG_SHAPE, {"after_s": 60}, [0, 2, 3, 4]),
        (Kind.UNKNOWN_EVENT, {"after_s": 60}, [0, 1, 2, 3, 4]),
        (Kind.HUGE, {"after_s": 60}, [0, 1, 2, 3, 4]),
    ],
)
def test_a_fault_hits_one_bar_of_one_symbol(kind: Kind, options: dict[str, Any], opens: list[int]) -> None:
    hit = heard(fault(kind, symbol="BTC-USDT", **options))
    assert hit.opens() == opens
    assert hit.opens("ETHUSDT") == [0, 1, 2, 3, 4]
    assert hit.code is None


def test_a_skipped_bar_is_not_told_while_it_forms_either() -> None:
    events = heard(fault(Kind.SKIPPED, symbol="BTC-USDT", after_s=60)).events
    minutes = {(event["k"]["t"] - START_MS) // MINUTE_MS for event in events if event["s"] == "BTCUSDT"}
    assert minutes == {0, 1, 3, 4, 5}


def test_a_cut_frame_ends_in_the_middle() -> None:
    texts = [text for _, text in heard(fault(Kind.TRUNCATED, symbol="BTC-USDT")).texts]
    broken = [text for text in texts if not text.endswith("}")]
    assert len(broken) == 1
    assert broken[0].startswith('{"stream":"btcusdt@kline_1m"')


def test_everybody_who_listens_is_told_the_same() -> None:
    async def use(server: VenueServer, session: aiohttp.ClientSession) -> None:
        paths = (BOTH, "/spot/ws/btcusdt@kline_1m")
        for hit in await asyncio.gather(*(listen(session, 200, path) for path in paths)):
            assert hit.opens() == [0, 2]
        assert server.faults.listed()[0].used == 1

    served(use, fault(Kind.SKIPPED, symbol="BTC-USDT", after_s=10))


def test_only_one_minute_candles_are_hit() -> None:
    other = heard(fault(Kind.DUPLICATE, for_s=3600), path="/spot/stream?streams=btcusdt@kline_3m")
    assert other.opens() == [0]


def test_a_symbol_that_is_unknown_is_acknowledged_and_silent() -> None:
    async def use(_: VenueServer, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("/spot/ws") as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m", "ethusdt@kline_1m"], "id": 1})
            assert await socket.receive_json() == {"result": None, "id": 1}
            for _event in range(20):
                assert (await socket.receive_json())["s"] == "ETHUSDT"

    served(use, fault(Kind.UNKNOWN_SYMBOL, symbol="BTC-USDT"))


def test_a_wrong_clock_is_told_in_every_event() -> None:
    right, wrong = heard(for_s=70), heard(fault(Kind.CLOCK_SKEW, skew_s=9), for_s=70)
    assert [event["E"] + 9000 for event in right.events] == [event["E"] for event in wrong.events]
    assert right.bars() == wrong.bars()
