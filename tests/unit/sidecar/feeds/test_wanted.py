"""Which pairs are followed, with how many bars, in which order, and who goes without minutes when limits bite."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.sidecar.feeds.wanted import RECORDED_BARS, TooManyPairs, Wanted
from tests.conftest import VirtualRun


class Bots:
    """What bots ask for, and the pairs that follow from it."""

    def __init__(self, configured: Sequence[str] = (), max_pairs: int = 3, shed_to: int = 1) -> None:
        self.asked: dict[str, int] = {}
        self.wanted = Wanted(configured, "BTC-USDT", max_pairs, shed_to, lambda: self.asked)


def test_nothing_asked_for_is_nothing_followed_not_even_the_canary(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        bots = Bots()
        assert bots.wanted.pairs == {}
        bots.asked = {"ETH-USDT": 500, "SOL-USDT": 20}
        expected = {"ETH-USDT": 500, "SOL-USDT": RECORDED_BARS, "BTC-USDT": RECORDED_BARS}
        assert bots.wanted.pairs == expected
        assert bots.wanted.ranked("polygon") == ["BTC-USD", "ETH-USD", "SOL-USD"]

    run_virtual(use())


def test_configured_pairs_are_followed_after_those_that_bots_ask_for(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        bots = Bots(configured=["SOL-USDT", "ETH-USDT"])
        bots.asked = {"ETH-USDT": 1000}
        assert list(bots.wanted.pairs.items()) == [
            ("ETH-USDT", 1000),
            ("SOL-USDT", RECORDED_BARS),
            ("BTC-USDT", RECORDED_BARS),
        ]

    run_virtual(use())


def test_a_pair_lingers_for_ten_minutes(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        bots = Bots()
        bots.asked = {"ETH-USDT": 500}
        assert "ETH-USDT" in bots.wanted.pairs
        bots.asked = {}
        bots.wanted.touch("SOL-USDT", 700)
        await asyncio.sleep(599)
        assert (bots.wanted.pairs["ETH-USDT"], bots.wanted.pairs["SOL-USDT"]) == (500, 700)
        bots.wanted.touch("SOL-USDT", 10)
        await asyncio.sleep(2)
        assert bots.wanted.pairs == {"SOL-USDT": 700, "BTC-USDT": RECORDED_BARS}
        await asyncio.sleep(600)
        assert bots.wanted.pairs == {}

    run_virtual(use())


def test_beyond_the_limit_a_pair_is_refused_by_name_the_canary_is_not(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        bots = Bots(configured=["SOL-USDT"])
        bots.asked = {"ETH-USDT": 1}
        bots.wanted.require_room(["XRP-USDT", "BTC-USDT", "ETH-USDT"])
        with pytest.raises(TooManyPairs, match=r"feeds\.max_pairs = 3: 2 are followed, ADA-USDT has no room"):
            bots.wanted.require_room(["XRP-USDT", "ADA-USDT"])
        bots.asked = {"ETH-USDT": 1, "XRP-USDT": 1}
        bots.wanted.require_room(["XRP-USDT", "BTC-USDT"])

    run_virtual(use())


def test_two_pairs_that_are_one_symbol_share_the_longer_book(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        bots = Bots()
        bots.asked = {"ETH-USDC": 900, "ETH-USDT": 200}
        assert bots.wanted.symbols("polygon") == {"ETH-USD": 900, "BTC-USD": RECORDED_BARS}
        assert bots.wanted.symbols("binance") == {
            "ETH-USDT": 200,
            "ETH-USDC": 900,
            "BTC-USDT": RECORDED_BARS,
        }
        assert bots.wanted.ranked("polygon") == ["BTC-USD", "ETH-USD"]

    run_virtual(use())


def test_while_limits_bite_the_first_pairs_and_the_canary_keep_their_minutes(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        bots = Bots(configured=["SOL-USDT", "BTC-USDT"])
        bots.asked = {"ETH-USDT": 1}
        assert list(bots.wanted.pairs) == ["ETH-USDT", "SOL-USDT", "BTC-USDT"]
        for _ in range(3):
            assert bots.wanted.shed == frozenset()
            bots.wanted.limited()
        assert bots.wanted.shed == {"SOL-USDT"}
        assert bots.wanted.shed_symbols("polygon") == {"SOL-USD"}
        await asyncio.sleep(601)
        assert bots.wanted.shed == frozenset()

    run_virtual(use())


def test_a_pair_that_merely_lingers_makes_room_for_one_that_is_asked_for(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        bots = Bots(max_pairs=2)
        bots.asked = {"ETH-USDT": 500, "SOL-USDT": 500}
        assert set(bots.wanted.pairs) == {"ETH-USDT", "SOL-USDT", "BTC-USDT"}
        await asyncio.sleep(1)
        bots.asked = {"ETH-USDT": 500}
        bots.wanted.require_room(["ETH-USDT", "ADA-USDT"])
        bots.asked = {"ETH-USDT": 500, "ADA-USDT": 500}
        assert set(bots.wanted.pairs) == {"ETH-USDT", "ADA-USDT", "BTC-USDT"}
        with pytest.raises(TooManyPairs, match="DOT-USDT has no room"):
            bots.wanted.require_room(["DOT-USDT"])

    run_virtual(use())
