"""The soak, small: two hours of twenty symbols with faults; and whether its faults and its judge are what they should be."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.migrations import migrate
from shared.domain.stored import Timeframe
from shared.simulator.fault_kinds import SHAPES, Kind, Where
from tests.postgres_server import PostgresServer
from tests.soak.random_faults import DRAWS, random_faults
from tests.soak.report import Soak
from tests.soak.running import Plan
from tests.soak.soak import soak
from tests.soak.truth import Found

DAY_S = 86_400.0
PRICES = (Decimal(1), Decimal(2), Decimal(1), Decimal(2), Decimal(5))


@pytest.mark.store
@pytest.mark.slow
def test_two_hours_of_twenty_symbols_leave_every_bar_in_the_store_once(short_folder: Path) -> None:
    with PostgresServer(short_folder / "postgres") as postgres:
        address = Address(postgres.url(), "soak")
        asyncio.run(migrate(address))
        told: list[str] = []
        soaked = soak(Plan(hours=2, symbols=20, seed=3), short_folder, address, told.append)
    assert soaked.misses == []
    assert soaked.found[Timeframe.MINUTE].had > 20 * 4 * 60 * 0.9
    assert soaked.connections["most_at_once"] == 1
    assert sum(soaked.hits.values()) > 50
    assert told[0].startswith("hour 1 of 2: ")


def test_a_day_has_every_kind_of_fault_that_polygon_knows_and_each_ends() -> None:
    script = random_faults(1, ["BTC-USD", "ETH-USD"], DAY_S, 36.0)
    ours = {kind for kind, shape in SHAPES.items() if Where.POLYGON in shape.where}
    assert {fault.kind for fault in script} == ours - {Kind.EVICTION} == {draw.kind for draw in DRAWS}
    assert all(fault.for_s is not None for fault in script)
    assert max(fault.after_s for fault in script) <= DAY_S + 1.0
    assert script == random_faults(1, ["BTC-USD", "ETH-USD"], DAY_S, 36.0)
    assert script != random_faults(2, ["BTC-USD", "ETH-USD"], DAY_S, 36.0)


def test_the_judge_tells_what_is_missing_wrong_and_surplus() -> None:
    found = Found()
    other = (*PRICES[:4], Decimal(6))
    had = {0: PRICES, 60_000: PRICES, 120_000: PRICES, 180_000: PRICES}
    found.judge("BTC-USD", had, {0: PRICES, 60_000: other, 240_000: PRICES}, 180_000, 60_000)
    assert (found.had, found.stored, found.missing, found.wrong, found.surplus) == (3, 3, 1, 1, 1)
    assert found.examples[0] == "BTC-USD 1970-01-01T00:02Z missing"
    assert not found.is_right


@pytest.mark.parametrize(
    ("changes", "miss"),
    [
        ({"found": {Timeframe.HOUR: Found(had=1, missing=1)}}, "1h bars: 1 missing, 0 wrong, 0 surplus: []"),
        ({"whole_after_s": None}, "something was still missing long after the last fault"),
        ({"connections": {"most_at_once": 2, "most_in_a_minute": 1}}, "2 connections to Polygon at once"),
        ({"connections": {"most_at_once": 1, "most_in_a_minute": 7}}, "7 connections to Polygon within a minute"),
        ({"rss_mb": [1, 2, 100, 102, 104]}, "memory grows by 2.00 MB an hour, more than 1.0"),
        ({"defects": 1}, "1 defects of services"),
    ],
)
def test_each_miss_is_told(changes: dict[str, object], miss: str) -> None:
    assert soaked().misses == []
    assert soaked(**changes).misses == [miss]


def test_a_huge_answer_under_way_at_one_hour_is_no_growth() -> None:
    assert soaked(rss_mb=[90, 95, 100, 100, 116, 100]).growth_mb_h == 0
    assert soaked(rss_mb=[90, 95, 100, 100]).growth_mb_h is None


def soaked(**changes: object) -> Soak:
    """A good one, but for these."""
    good = {
        **{"hours": 5, "symbols": 2, "seed": 1, "faults": {}, "hits": {}, "rss_mb": [90, 95, 100, 101, 100]},
        **{"connections": {"most_at_once": 1, "most_in_a_minute": 6}, "whole_after_s": 0.0, "put": 0},
        **{"quarantined": 0, "malformed": 0, "mismatches": 0, "switches": 0, "defects": 0},
    }
    return Soak(**(good | changes))
