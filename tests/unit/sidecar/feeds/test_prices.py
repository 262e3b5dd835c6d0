"""Prices to check candles against: asked for what is followed, and forgotten when old."""

import asyncio
import time
from collections.abc import Collection, Mapping
from decimal import Decimal

import pytest

from shared.domain.mark_price import MarkPrice
from shared.ports import FeedUnavailable
from shared.sidecar.feeds.prices import Prices
from tests.conftest import VirtualRun


class Marks:
    """A source of prices."""

    source = "coingecko"

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.is_away = False

    async def prices(self, pairs: Collection[str]) -> Mapping[str, MarkPrice]:
        self.asked.append(list(pairs))
        if self.is_away:
            raise FeedUnavailable("coingecko: away")
        return {pair: MarkPrice(Decimal(100), int(time.time() * 1000)) for pair in pairs if pair != "XYZ-USDT"}

    async def close(self) -> None:
        pass


def test_what_is_followed_is_asked_for_and_known_while_fresh(run_virtual: VirtualRun) -> None:
    async def use() -> None:
        marks, pairs = Marks(), list[str]()
        prices = Prices(marks, lambda: pairs, poll_s=60)
        assert (prices.name, await prices.step(), marks.asked) == ("coingecko_prices", 60, [])
        pairs += ["BTC-USDT", "XYZ-USDT"]
        await prices.step()
        assert marks.asked == [["BTC-USDT", "XYZ-USDT"]]
        assert [prices.fresh(pair) and prices.fresh(pair).price for pair in ("BTC-USDT", "XYZ-USDT", "ETH-USDT")] == [
            100,
            None,
            None,
        ]
        marks.is_away = True
        await asyncio.sleep(599)
        with pytest.raises(FeedUnavailable):
            await prices.step()
        assert prices.fresh("BTC-USDT"), "one that failed takes nothing away"
        await asyncio.sleep(2)
        assert prices.fresh("BTC-USDT") is None
        assert prices.detail() == {"pairs": 1}

    run_virtual(use())
