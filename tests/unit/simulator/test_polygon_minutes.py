"""Faults of bars and frames: what is said instead, and that nothing but the bar that is hit suffers."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polygon_talk import PAIRS, START_MS, opened, polygon, source, talk

from shared.simulator.fault_kinds import BARS, FRAMES, Kind
from shared.simulator.faults import Faults
from shared.simulator.generated_bars import GeneratedBars
from shared.simulator.polygon_minutes import MinutePlan
from tests.conftest import VirtualRun

HIT = "BTC-USD"


async def _texts(kind: Kind, minutes: int, **fields: Any) -> list[str]:
    """Frames until a bar of `minutes` after the start; the first bar of HIT is hit."""
    async with source(polygon(kind, symbol=HIT, **fields)) as server, talk(server) as client:
        await client.begin()
        texts: list[str] = []
        while f'"s":{START_MS + minutes * 60_000},' not in "".join(texts):
            texts.append(await client.socket.receive_str())
        return texts


def _elements(texts: list[str]) -> list[dict[str, Any]]:
    return [element for text in texts for element in json.loads(text)]


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (Kind.DUPLICATE, [0, 0, 1, 2]),
        (Kind.REVISED, [0, 0, 1, 2]),
        (Kind.OUT_OF_ORDER, [1, 0, 2]),
        (Kind.SKIPPED, [1, 2]),
        (Kind.LATE, [0, 1, 2]),
        (Kind.NO_TRADE, [1, 2]),
        (Kind.INCONSISTENT, [0, 1, 2]),
        (Kind.FUTURE, [0, 10, 1, 2]),
        (Kind.UNKNOWN_EVENT, [0, 1, 2]),
    ],
)
def test_which_bars_of_a_pair_are_told(run_virtual: VirtualRun, kind: Kind, seen: list[int]) -> None:
    elements = _elements(run_virtual(_texts(kind, 2)))
    assert opened([one for one in elements if one["ev"] == "XA"], HIT) == seen
    assert opened(elements, "SOL-USD") == [0, 1, 2]


def test_a_revision_changes_values_and_its_last_word_is_the_books(run_virtual: VirtualRun) -> None:
    first, last, _ = (one for one in _elements(run_virtual(_texts(Kind.REVISED, 1))) if one["pair"] == HIT)
    assert first["s"] == last["s"]
    assert (first["c"], first["v"]) != (last["c"], last["v"])
    bar = GeneratedBars(PAIRS, 0.0).minutes(HIT, START_MS, START_MS + 60_000)[0]
    assert (last["c"], last["v"]) == (float(bar.close), float(bar.volume))


def test_a_late_bar_comes_alone(run_virtual: VirtualRun) -> None:
    texts = run_virtual(_texts(Kind.LATE, 1, delay_s=20))
    assert [opened(json.loads(text), HIT) for text in texts] == [[], [0], [1]]


def test_an_inconsistent_bar_has_its_high_below_its_low(run_virtual: VirtualRun) -> None:
    hit = next(one for one in _elements(run_virtual(_texts(Kind.INCONSISTENT, 1))) if one["pair"] == HIT)
    assert hit["h"] < hit["l"]


def test_a_truncated_frame_holds_the_hit_bar_alone(run_virtual: VirtualRun) -> None:
    cut, whole, _ = run_virtual(_texts(Kind.TRUNCATED, 1))
    assert HIT in cut
    with pytest.raises(ValueError, match=r"."):
        json.loads(cut)
    assert {one["pair"] for one in json.loads(whole)} == set(PAIRS) - {HIT}


@pytest.mark.parametrize(
    ("kind", "mark"),
    [(Kind.NAN, '"c":NaN,'), (Kind.HUGE_NUMBER, '"c":1' + "0" * 400), (Kind.WRONG_SHAPE, '"pair":["BTC-USD"]')],
)
def test_a_spoiled_bar_stands_among_sound_ones(run_virtual: VirtualRun, kind: Kind, mark: str) -> None:
    spoiled, sound = run_virtual(_texts(kind, 1))
    assert mark in spoiled
    assert all(pair in spoiled for pair in PAIRS)
    assert len(json.loads(sound)) == len(PAIRS)


def test_a_huge_frame_comes_before_the_bars(run_virtual: VirtualRun) -> None:
    huge, sound, _ = run_virtual(_texts(Kind.HUGE, 1, size_bytes=1_000_000))
    assert len(huge) > 1_000_000
    assert len(json.loads(sound)) == len(PAIRS)


def test_a_minute_without_a_trade_is_in_no_answer_ever(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.NO_TRADE, symbol=HIT)) as server, talk(server) as client:
            await client.begin()
            await client.said()
            await client.said()
            bars = server.polygon.bars.minutes(HIT, START_MS, START_MS + 120_000)
            assert [bar.open_ms for bar in bars] == [START_MS + 60_000]

    run_virtual(run())


def test_without_a_symbol_it_is_one_pair_that_nobody_traded(run_virtual: VirtualRun) -> None:
    async def run() -> None:
        async with source(polygon(Kind.NO_TRADE, times=2)) as server, talk(server) as client:
            await client.begin()
            assert [len(await client.said()) for _ in range(2)] == [1, 3]

    run_virtual(run())


@given(st.lists(st.sampled_from(sorted(BARS | FRAMES)), max_size=12), st.integers(1, 12))
def test_whatever_is_hit_the_other_pairs_are_told_each_bar_once(kinds: list[Kind], minutes: int) -> None:
    async def run() -> None:
        faults = Faults()
        for kind in kinds:
            faults.add(polygon(kind, symbol=HIT, **({"size_bytes": 10} if kind is Kind.HUGE else {})))
        book, plan = GeneratedBars(PAIRS, 0.0), MinutePlan(faults)
        told = []
        for minute in range(minutes):
            open_ms = START_MS + minute * 60_000
            bars = {pair: book.minutes(pair, open_ms, open_ms + 60_000)[0] for pair in PAIRS}
            told += plan.deliveries(bars)
        for pair in set(PAIRS) - {HIT}:
            mine = [json.loads(one.text)["s"] for one in told if one.pair == pair]
            assert mine == [START_MS + minute * 60_000 for minute in range(minutes)]

    asyncio.run(run())
