"""Ships candles from the outbox to the store: nothing is forgotten here before it is there."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.adapters.candle_outbox import CandleBatch, CandleOutbox
from shared.domain.feed_records import QuarantinedBar
from shared.domain.stored import StoredCandle
from shared.ports import Store, ValuesRefused

# Twice as many are hardly faster, and hold up the loop, which serves the bot, for longer (tests/benchmarks/feed_store.py).
BATCH_CANDLES = 500
_BATCHES_A_STEP = 40
_POLL_S = 1.0
REFUSED = "refused_by_the_store"


@dataclass
class ShippedCandles:
    """What has been shipped since the sidecar began. `refused`: candles that the store did not take, now in quarantine."""

    stored: int = 0
    refused: int = 0


class CandleShipping:
    """Moves what waits in the outbox to the store, the oldest first.

    A candle the store refuses for its values is put in quarantine, with its neighbours stored: one must not hold up all others.

    Args:
        outbox: Where candles wait.
        store: Where they go.
    """

    name = "candles"

    def __init__(self, outbox: CandleOutbox, store: Store) -> None:
        self.shipped = ShippedCandles()
        self._outbox = outbox
        self._store = store

    async def step(self) -> float:
        for _ in range(_BATCHES_A_STEP):
            batch = self._outbox.next(BATCH_CANDLES)
            if batch is None:
                return _POLL_S
            await self._ship(batch)
        return 0.0

    async def _ship(self, batch: CandleBatch) -> None:
        await self._put(batch.candles)
        self._outbox.done(batch)

    async def _put(self, candles: Sequence[StoredCandle]) -> None:
        """Store candles; those that are refused alone go into quarantine."""
        try:
            await self._store.put_candles(candles)
        except ValuesRefused as error:
            if len(candles) == 1:
                await self._quarantine(candles[0], str(error))
                return
            half = len(candles) // 2
            await self._put(candles[:half])
            await self._put(candles[half:])
        else:
            self.shipped.stored += len(candles)

    async def _quarantine(self, candle: StoredCandle, refusal: str) -> None:
        prices = {name: str(getattr(candle, name)) for name in ("open", "high", "low", "close", "volume")}
        bar = QuarantinedBar(
            source=candle.source,
            symbol=candle.symbol,
            timeframe=candle.timeframe,
            opened_at=candle.opened_at,
            reason=REFUSED,
            seen_at=datetime.fromtimestamp(time.time(), UTC),
            raw={**prices, "refusal": refusal},
        )
        await self._store.quarantine([bar])
        self.shipped.refused += 1

    def detail(self) -> Mapping[str, Any]:
        return {"stored": self.shipped.stored, "refused": self.shipped.refused, "waiting": self._outbox.waiting}
