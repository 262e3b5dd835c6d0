"""Candles on their way: in order, one of each key, there until they are stored, and after a kill too."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.adapters.candle_outbox import CandleOutbox, OutboxError
from shared.domain.stored import StoredCandle, Timeframe
from tests.contract.store_samples import NOON, D, candle

CHECKOUT = Path(__file__).resolve().parents[3]

# Appends for ever, telling of each candle once it is durable, until it is killed.
_WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from shared.adapters.candle_outbox import CandleOutbox
from shared.domain.stored import StoredCandle, Timeframe

outbox = CandleOutbox(Path(sys.argv[1]))
for number in range(100_000):
    opened_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    one = Decimal(1)
    outbox.append([StoredCandle("A-USD", Timeframe.MINUTE, opened_at, one, one, one, one, one, "polygon", "USD")])
    print(number, flush=True)
"""


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[CandleOutbox]:
    outbox = CandleOutbox(tmp_path / "data" / "candles.sqlite")
    yield outbox
    outbox.close()


def minutes(count: int) -> list[StoredCandle]:
    return [candle(NOON + timedelta(minutes=number)) for number in range(count)]


def taken(outbox: CandleOutbox, limit: int = 1000) -> list[StoredCandle]:
    """All that waits, batch by batch."""
    candles: list[StoredCandle] = []
    while (batch := outbox.next(limit)) is not None:
        assert 0 < len(batch) <= limit
        candles += batch.candles
        outbox.done(batch)
    return candles


def test_candles_leave_in_the_order_they_came(outbox: CandleOutbox) -> None:
    candles = minutes(25)[::-1]
    outbox.append(candles[:20])
    outbox.append(candles[20:])
    assert outbox.waiting == 25
    assert taken(outbox, 7) == candles
    assert outbox.waiting == 0
    assert outbox.next(1) is None


def test_nothing_is_work_too(outbox: CandleOutbox) -> None:
    outbox.append([])
    assert outbox.waiting == 0


def test_a_batch_waits_until_it_is_done(outbox: CandleOutbox) -> None:
    outbox.append(minutes(3))
    assert outbox.next(2) == outbox.next(2)
    assert outbox.waiting == 3


def test_the_newer_of_two_takes_the_older_ones_place(outbox: CandleOutbox) -> None:
    first, second = minutes(2)
    revised = replace(first, volume=D(7))
    outbox.append([first, second])
    outbox.append([revised])
    assert taken(outbox) == [second, revised]
    outbox.append([first, revised, first])
    assert taken(outbox) == [first]


@pytest.mark.parametrize(
    "other",
    [
        {"source": "binance"},
        {"symbol": "ETH-USDT"},
        {"timeframe": Timeframe.HOUR},
        {"opened_at": NOON + timedelta(hours=1)},
    ],
)
def test_each_part_of_the_key_tells_two_apart(outbox: CandleOutbox, other: dict[str, Any]) -> None:
    one = candle(NOON)
    outbox.append([one, replace(one, **other)])
    assert outbox.waiting == 2


def test_what_comes_anew_while_it_is_on_its_way_is_sent_again(outbox: CandleOutbox) -> None:
    first, second, third = minutes(3)
    outbox.append([first, second])
    batch = outbox.next(10)
    assert batch is not None
    revised = replace(second, volume=D(7))
    outbox.append([revised, third])
    outbox.done(batch)
    assert taken(outbox) == [revised, third]


def test_a_batch_that_is_done_twice_takes_nothing_else_away(outbox: CandleOutbox) -> None:
    first, second = minutes(2)
    outbox.append([first])
    batch = outbox.next(10)
    assert batch is not None
    outbox.done(batch)
    outbox.append([second])
    outbox.done(batch)
    assert taken(outbox) == [second]


def test_how_far_each_series_came_is_known_when_its_candles_are_gone(outbox: CandleOutbox) -> None:
    outbox.append(minutes(9)[::-1])
    outbox.append([candle(NOON), candle(NOON, Timeframe.HOUR), candle(NOON + timedelta(days=1), source="binance")])
    assert len(taken(outbox)) == 11
    noon_ms = int(NOON.timestamp() * 1000)
    assert outbox.last_good("polygon", "BTC-USDT") == {Timeframe.MINUTE: noon_ms + 480_000, Timeframe.HOUR: noon_ms}
    assert outbox.last_good("binance", "BTC-USDT") == {Timeframe.MINUTE: noon_ms + 86_400_000}
    assert outbox.last_good("polygon", "ETH-USDT") == {}


@given(
    prices=st.lists(st.decimals(allow_nan=False, allow_infinity=False), min_size=5, max_size=5),
    at_ms=st.integers(0, 4_102_444_799_999),  # 1970 to 2099
)
def test_values_come_back_digit_by_digit(prices: list[Decimal], at_ms: int) -> None:
    names = ("open", "high", "low", "close", "volume")
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    one = replace(candle(NOON), opened_at=at, **dict(zip(names, prices, strict=True)))
    outbox = CandleOutbox(Path(":memory:"))
    outbox.append([one])
    (found,) = taken(outbox)
    outbox.close()
    assert found == one
    assert [str(getattr(found, name)) for name in names] == [str(price) for price in prices]


def test_all_of_an_append_or_nothing(outbox: CandleOutbox) -> None:
    with pytest.raises(OutboxError, match="cannot be written: NOT NULL constraint failed"):
        outbox.append([candle(NOON), replace(candle(NOON), source=None)])
    assert outbox.waiting == 0
    outbox.append([candle(NOON)])
    assert outbox.waiting == 1


def test_a_kill_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "candles.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, path], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(200):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    told = 200 + sum(line.endswith("\n") for line in writer.stdout)
    writer.stdout.close()
    writer.wait()
    outbox = CandleOutbox(path)
    found = taken(outbox)
    outbox.close()
    assert len(found) in (told, told + 1), "the one after the last it told of may be there"
    steps = {after.opened_at - before.opened_at for before, after in pairwise(found)}
    assert steps == {timedelta(minutes=1)}


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "candles.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(
        OutboxError, match=r"candles\.sqlite: candles on their way cannot be opened: file is not a database"
    ):
        CandleOutbox(path)
    (tmp_path / "file").touch()
    with pytest.raises(OutboxError, match="cannot be opened"):
        CandleOutbox(tmp_path / "file" / "candles.sqlite")


def test_a_file_that_is_taken_away_is_told(outbox: CandleOutbox) -> None:
    outbox._db.execute("DROP TABLE candles")
    for work in (lambda: outbox.waiting, lambda: outbox.next(1), lambda: outbox.append([candle(NOON)])):
        with pytest.raises(OutboxError, match="no such table"):
            work()


class Outbox(RuleBasedStateMachine):
    """Whatever is appended, sent and done, each candle's newest values arrive, and after its older ones."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = CandleOutbox(Path(":memory:"))
        self.newest: dict[int, Decimal] = {}
        self.arrived: dict[int, Decimal] = {}
        self.version = 0

    @rule(numbers=st.lists(st.integers(0, 9), max_size=6))
    def append(self, numbers: list[int]) -> None:
        candles = []
        for number in numbers:
            self.version += 1
            self.newest[number] = Decimal(self.version)
            candles.append(candle(NOON + timedelta(minutes=number), volume=Decimal(self.version)))
        self.outbox.append(candles)

    @rule(limit=st.integers(1, 5), is_told=st.booleans())
    def send(self, limit: int, is_told: bool) -> None:
        batch = self.outbox.next(limit)
        if batch is None:
            return
        for each in batch.candles:
            self._arrive(each)
        if is_told:
            self.outbox.done(batch)

    @rule(limit=st.integers(1, 5), number=st.integers(0, 9))
    def send_while_one_comes_anew(self, limit: int, number: int) -> None:
        batch = self.outbox.next(limit)
        self.append([number])
        if batch is not None:
            for each in batch.candles:
                self._arrive(each)
            self.outbox.done(batch)

    def _arrive(self, each: StoredCandle) -> None:
        number = (each.opened_at - NOON) // timedelta(minutes=1)
        assert each.volume >= self.arrived.get(number, Decimal(0)), "never an older one after a newer one"
        self.arrived[number] = each.volume

    @invariant()
    def what_has_not_arrived_waits(self) -> None:
        missing = {number for number, volume in self.newest.items() if self.arrived.get(number) != volume}
        assert len(missing) <= self.outbox.waiting <= len(self.newest)

    def teardown(self) -> None:
        for each in taken(self.outbox):
            self._arrive(each)
        assert self.arrived == self.newest
        self.outbox.close()


TestOutbox = Outbox.TestCase
