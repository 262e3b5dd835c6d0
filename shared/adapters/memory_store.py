"""The store's in-memory twin, for tests: the same answers, with nothing but this process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from shared.adapters.memory_rows import Poison, StoredRun, parse_event, parse_run_id, place_in_life, time
from shared.adapters.storable_text import storable
from shared.domain.events import OrderFilled
from shared.domain.feed_records import FeedSwitch, QuarantinedBar
from shared.domain.run_record import ZERO, net_quote
from shared.domain.shipping import JournalBatch, Shipped
from shared.domain.stored import (
    Heartbeat,
    OpenPosition,
    StoredCandle,
    StoredCounts,
    StoredSignal,
    StrategyPnl,
    Timeframe,
)
from shared.ports import StoreError, ValuesRefused

# Source, symbol, timeframe, OPEN.
CandleKey = tuple[str, str, Timeframe, datetime]

_STRAY = "repeats an event that is stored, or names an order, executor or run that never was recorded"


@dataclass(frozen=True)
class DeadLetter:
    """An event without a place, with the reason."""

    run_id: str
    payload: str
    reason: str


class MemoryStore:
    """Keeps in dictionaries what the other stores keep in tables.

    Attributes:
        dead_letters: By journal and number.
        heartbeats: The last of each service, by home and service.
        revisions: Of each candle.
        switches: Changes of source, by home and time.
        quarantined: Bars that could not be true, by source, symbol, timeframe, OPEN and reason.
    """

    def __init__(self, batch_limit: int = 1000) -> None:
        self.batch_limit = batch_limit
        self.dead_letters: dict[tuple[str, int], DeadLetter] = {}
        self.heartbeats: dict[tuple[str, str], Heartbeat] = {}
        self._cursors: dict[str, int] = {}
        self._runs: dict[str, StoredRun] = {}
        self.revisions: dict[CandleKey, int] = {}
        self.switches: dict[tuple[str, datetime], FeedSwitch] = {}
        self.quarantined: dict[tuple[str, str, str, datetime, str], QuarantinedBar] = {}
        self._candles: dict[CandleKey, StoredCandle] = {}

    async def cursor(self, journal_id: str) -> int:
        return self._cursors.get(journal_id, 0)

    async def ship(self, batch: JournalBatch) -> Shipped:
        if len(batch) > self.batch_limit:
            raise ValueError(f"a batch of {len(batch)} events; at most {self.batch_limit}")
        cursor = await self.cursor(batch.journal_id)
        if cursor != batch.after_seq or not batch.seqs:
            return Shipped(cursor, 0, 0)
        if any(later <= earlier for earlier, later in zip([cursor, *batch.seqs], batch.seqs, strict=False)):
            raise StoreError(f"a batch ascends from its cursor, {cursor}")
        dead = self._place(batch)
        self._cursors[batch.journal_id] = batch.seqs[-1]
        return Shipped(batch.seqs[-1], len(batch) - dead, dead)

    def _place(self, batch: JournalBatch) -> int:
        texts = zip(storable(batch.run_ids), storable(batch.payloads), strict=True)
        rows = dict(zip(batch.seqs, texts, strict=True))
        reasons: dict[int, str] = {}
        understood = []
        for seq, (run_id, payload) in rows.items():
            try:
                understood.append((parse_event(payload), parse_run_id(run_id), seq))
            except Poison as poison:
                reasons[seq] = str(poison)
        for event, run_id, seq in sorted(understood, key=lambda each: (place_in_life(each[0]), each[2])):
            run = self._runs.setdefault(run_id, StoredRun(run_id))
            if run.place(event, seq):
                run.places.append(seq)
            else:
                reasons[seq] = _STRAY
        for seq, reason in reasons.items():
            self.dead_letters[batch.journal_id, seq] = DeadLetter(*rows[seq], reason)
        return len(reasons)

    def places(self) -> list[tuple[str, int]]:
        """Run and number of each event stored, and of each dead letter."""
        stored = [(run.run_id, seq) for run in self._runs.values() for seq in run.places]
        return stored + [(letter.run_id, seq) for (_, seq), letter in self.dead_letters.items()]

    async def put_candles(self, candles: Sequence[StoredCandle]) -> None:
        for candle in candles:
            if not 0 < candle.low <= min(candle.open, candle.close) <= max(candle.open, candle.close) <= candle.high:
                raise ValuesRefused(f"{candle.symbol} at {candle.opened_at}: a candle contains its prices")
        # Of several with one key the last.
        for key, candle in {_key(candle): candle for candle in candles}.items():
            if self._candles.get(key) != candle:
                self.revisions[key] = self.revisions.get(key, -1) + 1
                self._candles[key] = candle

    async def beat(self, heartbeat: Heartbeat) -> None:
        self.heartbeats[heartbeat.home, heartbeat.service] = heartbeat

    async def last_candles(self, symbol: str, timeframe: Timeframe, count: int, source: str) -> list[StoredCandle]:
        found = [candle for key, candle in self._candles.items() if key[:3] == (source, symbol, timeframe)]
        return sorted(found, key=attrgetter("opened_at"))[-count:] if count else []

    async def last_opened(self, source: str, timeframe: Timeframe) -> Mapping[str, datetime]:
        newest: dict[str, datetime] = {}
        for its_source, symbol, its_timeframe, opened_at in self._candles:
            if (its_source, its_timeframe) == (source, timeframe):
                newest[symbol] = max(opened_at, newest.get(symbol, opened_at))
        return newest

    async def record_switch(self, switch: FeedSwitch) -> None:
        self.switches.setdefault((switch.home, switch.at), switch)

    async def quarantine(self, bars: Sequence[QuarantinedBar]) -> None:
        for bar in bars:
            self.quarantined.setdefault((bar.source, bar.symbol, bar.timeframe, bar.opened_at, bar.reason), bar)

    async def signals(self, since: datetime, until: datetime) -> AsyncIterator[StoredSignal]:
        found = [signal for run in self._runs.values() for signal in run.stored_signals() if since <= signal.at < until]
        for signal in sorted(found, key=attrgetter("at", "run_id", "signal_id")):
            yield signal

    async def open_positions(self) -> AsyncIterator[OpenPosition]:
        found = [position for run in self._runs.values() for position in run.open_positions()]
        for position in sorted(found, key=attrgetter("opened_at", "run_id", "executor_id")):
            yield position

    async def pnl_by_strategy(self, since: datetime, until: datetime) -> list[StrategyPnl]:
        by_strategy: dict[str, list[list[OrderFilled]]] = {}
        for run in self._runs.values():
            for close, fills in run.trades():
                if since <= time(close.at_ms) < until:
                    by_strategy.setdefault(run.strategy_of(close.executor_id) or "unknown", []).append(fills)
        return [
            StrategyPnl(
                strategy,
                trades=len(trades),
                wins=sum(net_quote(fills) > 0 for fills in trades),
                pnl_quote=sum(map(net_quote, trades), ZERO),
                fees_quote=sum((fill.fee_quote for fills in trades for fill in fills), ZERO),
            )
            for strategy, trades in sorted(by_strategy.items())
        ]

    async def counts(self, run_id: str) -> StoredCounts:
        try:
            key = parse_run_id(run_id)
        except Poison as error:
            raise ValuesRefused(str(error)) from error
        run = self._runs.get(key, StoredRun(key))
        dead = sum(letter.run_id == key for letter in self.dead_letters.values())
        return StoredCounts(len(run.signals), len(run.orders), len(run.fills), len(run.trades()), dead)

    async def delete_candles(self, symbol: str, timeframe: Timeframe, since: datetime, until: datetime) -> int:
        doomed = [key for key in self._candles if key[1:3] == (symbol, timeframe) and since <= key[3] < until]
        for key in doomed:
            del self._candles[key], self.revisions[key]
        return len(doomed)

    async def close(self) -> None:
        """Nothing to let go of."""


def _key(candle: StoredCandle) -> CandleKey:
    return candle.source, candle.symbol, candle.timeframe, candle.opened_at
