"""Whether the store has what the source had: each bar once, with its values, in every timeframe, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import asyncpg

from shared.adapters.postgres.address import Address
from shared.adapters.postgres.connection import connect
from shared.domain.stored import Timeframe
from shared.simulator.bar_book import BarBook, longer

_STORED = """
SELECT "timestamp" AS opened_at, open, high, low, close, volume, revision FROM ohlc_data
WHERE source = 'polygon' AND symbol = $1 AND timeframe = $2
"""
Values = tuple[Decimal, Decimal, Decimal, Decimal, Decimal]
_EXAMPLES = 5


@dataclass
class Found:
    """What became of one timeframe's bars.

    Attributes:
        had: Bars of the source that were over by the end.
        stored: Rows, those that ended later included.
        missing: Bars without a row.
        wrong: Rows with other values.
        surplus: Rows of bars that the source never had.
        revised: Rows that were changed after they were first stored.
        examples: Some of those that are not right.
    """

    had: int = 0
    stored: int = 0
    missing: int = 0
    wrong: int = 0
    surplus: int = 0
    revised: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return not (self.missing or self.wrong or self.surplus)

    def judge(
        self, symbol: str, had: Mapping[int, Values], stored: Mapping[int, Values], end_ms: int, step_ms: int
    ) -> None:
        """Compare one symbol's bars, by OPEN."""
        due = {open_ms for open_ms in had if open_ms + step_ms <= end_ms}
        missing, surplus = due - stored.keys(), stored.keys() - had.keys()
        wrong = {open_ms for open_ms in stored.keys() & had.keys() if stored[open_ms] != had[open_ms]}
        self.had += len(due)
        self.stored += len(stored)
        self.missing += len(missing)
        self.wrong += len(wrong)
        self.surplus += len(surplus)
        named = {"missing": missing, "wrong": wrong, "surplus": surplus}
        seen = [f"{symbol} {_at(open_ms)} {what}" for what, opens in named.items() for open_ms in sorted(opens)]
        self.examples = [*self.examples, *seen][:_EXAMPLES]


async def compare(
    address: Address, book: BarBook, since_ms: Mapping[Timeframe, int], end_ms: int, now_ms: int
) -> dict[Timeframe, Found]:
    """Read everything back.

    Args:
        book: What the source had.
        since_ms: OPEN of the first bar that was to be stored, by timeframe.
        end_ms: Bars that were over by then must be stored.
        now_ms: The present of the run: no bar that ends later can be true.
    """
    found = {timeframe: Found() for timeframe in Timeframe}
    connection = await connect(address)
    try:
        for symbol in book.symbols():
            first_ms = min(since_ms.values())
            minutes = book.minutes(symbol, first_ms, now_ms - now_ms % 60_000)
            for timeframe, one in found.items():
                step_ms = timeframe.seconds * 1000
                had = {
                    bar.open_ms: (bar.open, bar.high, bar.low, bar.close, bar.volume)
                    for bar in longer(minutes, step_ms)
                    if bar.open_ms >= since_ms[timeframe] and bar.open_ms + step_ms <= now_ms
                }
                rows = await connection.fetch(_STORED, symbol, timeframe.value)
                stored = {_open_ms(row): _values(row) for row in rows}
                assert len(stored) == len(rows), "two rows of one bar"
                one.revised += sum(1 for row in rows if row["revision"])
                one.judge(symbol, had, stored, end_ms, step_ms)
    finally:
        await connection.close()
    return found


def _open_ms(row: asyncpg.Record) -> int:
    return round(row["opened_at"].timestamp() * 1000)


def _values(row: asyncpg.Record) -> Values:
    return row["open"], row["high"], row["low"], row["close"], row["volume"]


def _at(open_ms: int) -> str:
    return f"{datetime.fromtimestamp(open_ms / 1000, UTC):%Y-%m-%dT%H:%MZ}"
