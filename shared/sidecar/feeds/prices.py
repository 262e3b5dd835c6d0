"""What pairs are worth by another source: to check candles against, and all there is when no candles come."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from shared.domain.mark_price import MarkPrice
from shared.ports import PriceSource

# Older ones say nothing of now.
FRESH_S = 600.0


class Prices:
    """Asks a source of prices every so often.

    Args:
        source: Who is asked.
        pairs: What is followed now.
        poll_s: Seconds between two looks.
    """

    def __init__(self, source: PriceSource, pairs: Callable[[], Collection[str]], poll_s: float) -> None:
        self.name = f"{source.source}_prices"
        self._source = source
        self._pairs = pairs
        self._poll_s = poll_s
        self._marks: Mapping[str, MarkPrice] = {}

    async def step(self) -> float:
        pairs = self._pairs()
        if pairs:
            self._marks = await self._source.prices(pairs)
        return self._poll_s

    def fresh(self, pair: str) -> MarkPrice | None:
        """A pair's price in its own quote; None where none is known, or only an old one."""
        mark = self._marks.get(pair)
        return None if mark is None or time.time() - mark.at_ms / 1000 > FRESH_S else mark

    def detail(self) -> Mapping[str, Any]:
        return {"pairs": len(self._marks)}
